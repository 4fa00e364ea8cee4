"""Which images a run learned from, was chosen on and is scored on, and which it left out and why."""

from edgewise.vision.data import SegmentationSet, Split
from edgewise.vision.data.duplicates import find_duplicates
from edgewise.vision.segmentation.images import open_dataset
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.training.folder import RunFolder

TITLES = {"train": "Training", "validation": "Validation", "test": "Test"}


def sides_of(split: Split) -> list[dict[str, str]]:
    """Each side: how many images of how many groups, and their ids, by group where groups are known."""
    return [
        {"title": f"{title}: {_count(getattr(split, side))}", "ids": _ids(getattr(split, side))}
        for side, title in TITLES.items()
    ]


def _count(side: SegmentationSet) -> str:
    groups = {sample.group for sample in side if sample.group is not None}
    return f"{len(side)} images" + (f" of {len(groups)} groups" if groups else ", whose groups are not known")


def _ids(side: SegmentationSet) -> str:
    groups: dict[str | None, list[str]] = {}
    for sample in side:
        groups.setdefault(sample.group, []).append(sample.id)
    return "; ".join((f"{group}: " if group is not None else "") + ", ".join(ids) for group, ids in groups.items())


def left_out(folder: RunFolder, split: Split) -> list[str]:
    """A line on each image of the dataset that is on no side: which image it repeats, or that the division leaves it out.

    Raises:
        DataError: The images cannot be read.
    """
    dataset = open_dataset(folder.read_recipe(SegmentationRecipe).data, folder.read_facts())
    used = {id for side in TITLES for id in getattr(split, side).ids}
    rest = dataset.subset(id for id in dataset.ids if id not in used)
    if not len(rest):
        return []
    same = {
        pair.first: pair for pair in reversed(find_duplicates(rest, dataset.subset(id for id in dataset.ids if id in used)))
    }
    return [
        f"{id}: the same picture as {same[id].second} (distance {same[id].distance:.4f}), which is on a side"
        if id in same
        else f"{id}: on no side of the division {dataset.split_by!r}"
        for id in rest.ids
    ]
