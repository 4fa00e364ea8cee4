"""What is in a set of volumes, in words."""

from collections import Counter
from dataclasses import dataclass

from edgewise._ground.errors import DataError
from edgewise.vision.data.classes import ClassCount, classes_of, counts_in
from edgewise.vision.volumes.sample import VolumeSet, scans_of


@dataclass(frozen=True)
class VolumesDescribed:
    """What is known of a set of volumes.

    Attributes:
        rows: Of a table.
        classes: Those in the masks that can be read.
        faults: Of each scan that cannot be used, why not.
    """

    rows: list[tuple[str, str]]
    classes: list[ClassCount]
    faults: list[str]


def describe_volumes(dataset: VolumeSet, split_seed: int) -> VolumesDescribed:
    """Read every scan and its mask once; what is wrong with one is noted, and the others are read all the same.

    Args:
        dataset: All of it.
        split_seed: Of the split whose sides are counted.
    """
    sizes, spacings, read, counts, faults = Counter(), [], [], [], []
    for scan in scans_of(dataset):
        try:
            volume, labels = scan.read()
        except DataError as error:
            faults.append(str(error))
            continue
        sizes[" x ".join(map(str, volume.array.shape[1:]))] += 1
        spacings.append(volume.turned().spacing)
        read.append(scan)
        counts.append(counts_in(labels))
    ends = [(min(axis), max(axis)) for axis in zip(*spacings, strict=True)]
    split, groups = dataset.split(split_seed), {scan.group for scan in dataset}
    rows = [
        ("scans", str(len(dataset)) + (f", {len(faults)} of them unusable" if faults else "")),
        ("voxels", ", ".join(f"{size} ({count})" for size, count in sizes.most_common(3))),
        ("mm along the body, to its back, its side", ", ".join("{:.3g} to {:.3g}".format(*axis) for axis in ends)),
        ("masks", dataset.coding.describe() if dataset.coding else "each by its own values"),
        ("split", f"{len(split.train)} train, {len(split.validation)} validation, {len(split.test)} test"),
        ("divided", dataset.split_by + (", groups unknown" if None in groups else f", {len(groups)} groups")),
    ]
    names = dataset.legend.names if dataset.legend else ()
    return VolumesDescribed(rows, classes_of(read, counts, names), faults)
