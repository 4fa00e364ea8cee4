"""A set of samples and its three sides, and the registries of datasets and of ways to divide them."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.registry import Registry
from edgewise.vision.data.classification import ClassificationSet
from edgewise.vision.data.coded import with_coding
from edgewise.vision.data.coding import Coding
from edgewise.vision.data.duplicates import Duplicate, find_duplicates
from edgewise.vision.data.given import labelled_by_file, with_sides
from edgewise.vision.data.groups import leak_note, leaks
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.sample import Sample

SPLITS: "Registry[Callable[[SegmentationSet, int], Split]]" = Registry("split")


@dataclass(frozen=True)
class SegmentationSet:
    """Pictures with masks, by name and in a fixed order.

    Masks that came without a rule for reading them get one here, found from all of them.

    Attributes:
        name: Name of the dataset.
        samples: The samples; their ids are unique.
        channels: Channels of its pictures (1 grey, 3 colour).
        citation: Whom to cite, and the terms of use.
        stated: What somebody said of how it is read, ``masks`` or ``window``; the rest was found from all samples.
        legend: Names and colours of the classes; None: nobody said.
        split_by: Name of the way in which `split` divides it; `edgewise.vision.data.list_splits` has them all.
    """

    space: ClassVar[int] = 2
    """Dimensions of its images."""

    name: str
    samples: tuple[Sample, ...] = field(repr=False)
    channels: int = 3
    citation: str = field(default="", repr=False)
    split_by: str = "published"
    stated: frozenset[str] = frozenset({"masks", "window"})
    legend: Legend | None = None

    def __post_init__(self):
        if len(set(self.ids)) < len(self.samples):
            twice = sorted({id for id in self.ids if self.ids.count(id) > 1})
            raise DataError(f"dataset {self.name!r} has samples of the same id: {', '.join(twice[:5])}; make ids unique")
        if any(sample.coding is None and sample.masks for sample in self.samples):
            object.__setattr__(self, "samples", with_coding(self.samples))
            object.__setattr__(self, "stated", self.stated - {"masks"})
        SPLITS[self.split_by]  # an unknown name fails here, not at the first split

    @property
    def ids(self) -> tuple[str, ...]:
        """The samples' ids, in their order."""
        return tuple(sample.id for sample in self.samples)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def subset(self, ids: Iterable[str]) -> "SegmentationSet":
        """The samples of these ids, in the order of the ids.

        Raises:
            ConfigError: An id is not in the set.
        """
        by_id = {sample.id: sample for sample in self.samples}
        ids = tuple(ids)
        for id in ids:
            if id not in by_id:
                raise ConfigError(f"dataset {self.name!r} has no sample {id!r}; it has {len(self)}, see its ids")
        return replace(self, samples=tuple(by_id[id] for id in ids))

    @property
    def coding(self) -> Coding | None:
        """The rule by which all masks are read; None where samples differ in it."""
        rules = {sample.coding for sample in self.samples}
        return rules.pop() if len(rules) == 1 else None

    def split(self, seed: int = 2981) -> "Split":
        """Divide into training, validation and test sets in the way named by `split_by`.

        Args:
            seed: Which of the random divisions; a way without chance (``official``, ``z-blocks``) has only one.
        """
        return SPLITS[self.split_by](self, seed)


@dataclass(frozen=True)
class Split:
    """The three sides of a dataset.

    Attributes:
        train: What a model learns from.
        validation: What its best epoch is chosen on.
        test: What is reported, and looked at once.
        dropped: The pairs for which `without_duplicates` left the first picture out.

    Example:
        >>> from edgewise.vision.data.sample import Sample
        >>> frames = tuple(Sample(str(n), Path(f"{n}.png"), group=f"video {n // 2}") for n in range(6))
        >>> Split(*(SegmentationSet("toy", frames[part]) for part in (slice(3), slice(3, 5), slice(5, 6)))).leaks()
        {'test': (1, 1), 'validation': (1, 2)}
    """

    train: SegmentationSet
    validation: SegmentationSet
    test: SegmentationSet
    dropped: tuple[Duplicate, ...] = ()

    def duplicates(self) -> list[Duplicate]:
        """The pairs of equal pictures with one on each of two sides; first the one nearer to training."""
        side = {id: rank for rank, part in enumerate(self._sides) for id in part.ids}
        if len(side) < sum(map(len, self._sides)):
            twice = sorted({id for id in side if sum(id in part.ids for part in self._sides) > 1})
            raise DataError(f"{', '.join(twice[:5])} of {self.train.name!r} is on two sides of the split; keep it on one")
        union = [sample for part in self._sides for sample in part]
        return [pair for pair in find_duplicates(union) if side[pair.first] != side[pair.second]]

    def leaks(self) -> dict[str, tuple[int, int]]:
        """Of the test and of the validation side: how many samples have others of their group on a side before.

        Counts, and of how many. The sides before are training, and for the test also validation. Samples of unknown group
        are left out.
        """
        return leaks(*([sample.group for sample in side] for side in self._sides))

    def leak_note(self) -> str:
        """A sentence on `leaks`; empty where there is none."""
        return leak_note(self.leaks())

    def check(self) -> "Split":
        """The split itself, if no picture is on two sides, re-encoded or resized ones included.

        Raises:
            DataError: There is such a picture; the message names the pair.
        """
        if found := self.duplicates():
            first, second, distance = found[0]
            more = f", one of {len(found)} such pairs" if len(found) > 1 else ""
            raise DataError(
                f"{first} and {second} of {self.train.name!r} are the same picture (distance {distance:.4f}) on two "
                f"sides of the split{more}; leave one out, as Split.without_duplicates() does"
            )
        return self

    def without_duplicates(self) -> "Split":
        """The split without the pictures that another side holds too; `dropped` says which and why.

        The copy nearer to training goes: the test set stays the published one.
        """
        found = tuple(self.duplicates())
        gone = {pair.first for pair in found}
        train, validation = (part.subset(id for id in part.ids if id not in gone) for part in (self.train, self.validation))
        return Split(train, validation, self.test, dropped=self.dropped + found)

    @property
    def _sides(self) -> tuple[SegmentationSet, SegmentationSet, SegmentationSet]:
        return self.train, self.validation, self.test


DATASETS: Registry[Callable[..., SegmentationSet | ClassificationSet]] = Registry("dataset")


def create_dataset(
    name: str, root: str | Path | None = None, split_file: str | None = None, **options
) -> SegmentationSet | ClassificationSet:
    """The dataset registered under `name`: pictures with masks, or pictures with a class each.

    Args:
        name: One of `list_datasets()`.
        root: Folder that holds the dataset; datasets that fetch themselves do without.
        split_file: The sides of any dataset as a file gives them: JSON with the names on each, or a CSV file of names and
            sides; see :mod:`edgewise.vision.data.given`. None: as the dataset divides itself.
        **options: Options of that dataset.

    Raises:
        ConfigError: The name or an option is unknown (the nearest known one is named), or `root` is needed.
        DataError: The folder does not hold this dataset, or the file of sides cannot be followed.
    """
    given = {"root": root} if root is not None else {}
    if split_file is None:
        return DATASETS.create(name, **given, **options)
    if not isinstance(split_file, str):
        raise ConfigError(f"split_file={split_file!r} must be text")
    if options.get("split_by", "sides") != "sides":
        raise ConfigError(
            f"split_file={split_file!r} says the sides and split_by={options['split_by']!r} another way: leave one out"
        )
    ways = {"split_by": "sides"} if "split_by" in inspect.signature(DATASETS[name]).parameters else {}
    dataset = DATASETS.create(name, **given, **(options | ways))
    if isinstance(dataset, ClassificationSet):
        return labelled_by_file(dataset, split_file, Path(root or ""))
    return replace(dataset, samples=with_sides(dataset.samples, split_file, Path(root or "")), split_by="sides")


def dataset_of(name: str, root: str | Path | None, options: Mapping[str, Any]) -> SegmentationSet | ClassificationSet:
    """:func:`create_dataset` from settings that a file or a command line holds.

    Raises:
        ConfigError: As there; or the name or the folder is among the options too.
    """
    for key in ("name", "root"):
        if key in options:
            raise ConfigError(f"{key!r} is among the options of dataset {name!r}, but a setting of its own: leave it out")
    return create_dataset(name, root, **options)


def list_datasets() -> list[str]:
    """Names that `create_dataset` knows."""
    return list(DATASETS)
