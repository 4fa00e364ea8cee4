"""One rule for the masks of all samples of a set."""

from collections.abc import Iterable
from dataclasses import replace

from edgewise.vision.data.auto import MaskValues, read_as
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.stating import Value


def with_coding(
    samples: Iterable[Sample], mask_values: MaskValues = "auto", void: Value | None = None
) -> tuple[Sample, ...]:
    """The samples with one rule for their masks; see :func:`edgewise.vision.data.auto.read_as`.

    Args:
        samples: The whole set.
        mask_values: ``auto``, ``labels``, ``binary``, ``soft``, ``colours``, or a dictionary.
        void: Value of pixels that belong to no class.

    Raises:
        ConfigError: The rule is unknown.
        DataError: The masks fit no rule, or more than one.
    """
    samples = tuple(samples)
    coding = read_as(mask_values, ((path, sample.page) for sample in samples for path in sample.masks), void)
    return tuple(replace(sample, coding=coding) for sample in samples)
