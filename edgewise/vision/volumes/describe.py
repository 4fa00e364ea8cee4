"""What is in a set of volumes, in words."""

from collections import Counter

from edgewise.vision.data.classes import ClassCount, count_classes
from edgewise.vision.volumes.sample import VolumeSet, scans_of


def describe_volumes(dataset: VolumeSet, split_seed: int) -> tuple[list[tuple[str, str]], list[ClassCount]]:
    """Read every scan and its mask: rows of a table, and the classes that there are.

    Args:
        dataset: All of it.
        split_seed: Of the split whose sides are counted.

    Raises:
        DataError: A scan or its mask cannot be used.
    """
    sizes, spacings = Counter(), []
    for scan in scans_of(dataset):
        volume, _ = scan.read()
        sizes[" x ".join(map(str, volume.array.shape[1:]))] += 1
        spacings.append(volume.turned().spacing)
    ends = [(min(axis), max(axis)) for axis in zip(*spacings, strict=True)]
    split = dataset.split(split_seed)
    rows = [
        ("scans", str(len(dataset))),
        ("voxels", ", ".join(f"{size} ({count})" for size, count in sizes.most_common(3))),
        ("mm along the body, to its back, its side", ", ".join("{:.3g} to {:.3g}".format(*axis) for axis in ends)),
        ("masks", dataset.coding.describe() if dataset.coding else "each by its own values"),
        ("split", f"{len(split.train)} train, {len(split.validation)} validation, {len(split.test)} test"),
        ("divided", dataset.split_by),
    ]
    return rows, count_classes(dataset, dataset.legend.names if dataset.legend else ())
