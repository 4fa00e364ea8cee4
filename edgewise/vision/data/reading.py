"""How a set is read, as a run notes it and reads by it again: the rule for its masks, their classes, the window of grey."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.stating import coding_from


def facts_of(dataset: SegmentationSet) -> dict[str, Any]:
    """How a set is read, in plain JSON values.

    Returns:
        ``masks``, the rule by which all masks are read; ``window``, the intensities of deep pictures that become 0 and 1;
        ``legend``, names and colours of classes. None where samples differ in it, have no window, or nobody said.
    """
    windows = {sample.window for sample in dataset} - {None}
    return {
        "masks": dataset.coding.to_dict() if dataset.coding else None,
        "window": windows.pop() if len(windows) == 1 else None,
        "legend": dataset.legend.to_dict() if dataset.legend else None,
    }


def read_by(dataset: SegmentationSet, facts: Mapping[str, Any]) -> SegmentationSet:
    """The set, read as :func:`facts_of` noted it of another or of an earlier state of it.

    Args:
        dataset: The set.
        facts: ``masks``, ``window`` and ``legend``; None leaves as it is.
    """
    coding = coding_from(facts["masks"]) if facts["masks"] else None
    window = tuple(facts["window"]) if facts["window"] else None
    samples = (
        replace(sample, coding=coding or sample.coding, window=window if sample.window and window else sample.window)
        for sample in dataset
    )
    legend = Legend.from_dict(facts["legend"]) if facts.get("legend") else dataset.legend
    return replace(dataset, samples=tuple(samples), legend=legend)
