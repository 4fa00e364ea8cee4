"""Scans and masks in folders, and the nuclei as one volume."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.coding import Binary, Coding, Labels
from edgewise.vision.data.dataset import DATASETS
from edgewise.vision.data.groups import groups_of
from edgewise.vision.data.layouts import folder_of
from edgewise.vision.data.legend import Stated, read_stated
from edgewise.vision.data.nuclei import CITATION, TEST, TRAIN, VALIDATION, WINDOW, nuclei
from edgewise.vision.data.stating import coding_from
from edgewise.vision.volumes.dicom import is_series
from edgewise.vision.volumes.finding import CHANNEL, stem_of
from edgewise.vision.volumes.reading import KNOWN
from edgewise.vision.volumes.sample import VolumeSample, VolumeSet

LAYOUTS = (("imagesTr", "labelsTr"), ("images", "masks"), ("images", "labels"))
HELD_OUT = ("imagesTs", "labelsTs")


@DATASETS.register("volumes")
def volumes(
    root: str | Path | None = None,
    mask_values: Literal["auto", "labels", "binary"] = "auto",
    void: int | None = None,
    spacing: Sequence[float] | None = None,
    groups: str | None = None,
    split_by: str | None = None,
) -> VolumeSet:
    """Scans in ``imagesTr/`` and masks in ``labelsTr/``, as nnU-Net has them, or in ``images/`` and ``masks/``.

    Scans are ``.nii.gz``, ``.nii`` or ``.tif`` files or folders of DICOM slices, and a mask has the name of its scan;
    ``ID_0000``, ``ID_0001`` are the channels of one. ``dataset.json`` names the classes. ``imagesTs/`` and ``labelsTs/``,
    where both are there, are the test side.

    Args:
        root: The folder.
        mask_values: ``labels`` (the number of a voxel is its class), ``binary`` (what is not 0 is one foreground), or
            ``auto``: as ``dataset.json`` says, else ``labels``.
        void: Number of voxels that belong to no class.
        spacing: Millimetres from voxel to voxel along slices, rows and columns, for files that do not say them.
        groups: What must stay on one side of a split, such as a patient: a pattern whose first group in the scan's name it
            is, or a CSV file of names and groups.
        split_by: Way to divide it; None: ``sides`` if there is a test side, ``grouped`` if there are groups, else
            ``published``, at random.

    Raises:
        ConfigError: An option cannot be.
        DataError: The files are missing, named otherwise, or do not say where they lie.
    """
    at = folder_of("volumes", root)
    given = None if spacing is None else (float(spacing[0]), float(spacing[1]), float(spacing[2]))
    stated = read_stated(at)
    coding = _coding(mask_values, void, stated)
    folders = next(((at / one, at / other) for one, other in LAYOUTS if (at / one).is_dir()), None)
    if folders is None:
        raise DataError(f"{at} has no folder of scans; put them into {' or '.join(one for one, _ in LAYOUTS[:2])}")
    has_test = all((at / name).is_dir() for name in HELD_OUT)
    samples = _samples(*folders, "train" if has_test else None, coding, given)
    if has_test:
        samples += _samples(at / HELD_OUT[0], at / HELD_OUT[1], "test", coding, given)
    if groups is not None:
        samples = _grouped(samples, groups, at)
    split_by = split_by or ("sides" if has_test else "grouped" if groups else "published")
    channels = {len(sample.files) - len(sample.masks) for sample in samples}
    if len(channels) > 1:
        raise DataError(
            f"scans in {folders[0]} have {' or '.join(map(str, sorted(channels)))} files each; give all channels"
        )
    legend = stated.legend if stated and mask_values == "auto" else None
    return VolumeSet(
        "volumes", tuple(samples), channels=channels.pop(), split_by=split_by, stated=frozenset({"masks"}), legend=legend
    )


@DATASETS.register("nuclei3d")
def nuclei3d(root: str | Path | None = None) -> VolumeSet:
    """The confocal stack of nuclei as volumes: its blocks of slices for training, validation and test.

    As in ``nuclei``, two slices are left out on each side of the test block. The size of a voxel is unknown, so distances
    are in voxels.

    Args:
        root: Folder that holds ``nuclei.tif`` and ``nuclei_label.tif``; None: fetch them.

    Raises:
        DataError: As ``nuclei``.
    """
    slices = nuclei(root)[0]
    blocks = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
    samples = tuple(
        VolumeSample(
            f"z{block[0]:02d}-{block[-1]:02d}",
            slices.image,
            slices.masks,
            page=block[0],
            depth=len(block),
            window=WINDOW,
            coding=Binary(),
            side=side,
            given=(1.0, 1.0, 1.0),
            in_mm=False,
        )
        for side, block in blocks.items()
    )
    return VolumeSet("nuclei3d", samples, channels=1, citation=CITATION, split_by="sides")


def _coding(mask_values: str, void: int | None, stated: Stated | None) -> Coding:
    if mask_values not in ("auto", "labels", "binary"):
        raise ConfigError(f"mask_values={mask_values!r} of volumes must be 'auto', 'labels' or 'binary'")
    if mask_values == "binary":
        return coding_from({"kind": "binary"}, void)
    if mask_values == "auto" and stated is not None:
        rule, void = stated.rule(), stated.void if void is None else void
        if not isinstance(rule, str):
            return coding_from(rule, void)
    return Labels(void=void)


def _samples(
    scans: Path, masks: Path, side: str | None, coding: Coding, given: tuple[float, float, float] | None
) -> list[VolumeSample]:
    """The scans of a folder by name, with their masks."""
    if not masks.is_dir():
        raise DataError(f"{scans} has no masks beside it; put them into {masks}, named as their scans")
    answers = {stem_of(path): path for path in _scans(masks)}
    parts: dict[str, list[Path]] = {}
    for path in _scans(scans):
        channel = CHANNEL.fullmatch(stem_of(path))
        parts.setdefault(channel[1] if channel and channel[1] in answers else stem_of(path), []).append(path)
    if not parts:
        raise DataError(f"{scans} holds no scan; put files that end with {' or '.join(KNOWN)} there, or folders of slices")
    samples = []
    for name, (first, *others) in sorted(parts.items()):
        if name not in answers:
            raise DataError(f"{first} has no mask; put {masks / name}.nii.gz there, or leave the scan out")
        sample = VolumeSample(name, first, (answers[name],), coding=coding, side=side, others=tuple(others), given=given)
        samples.append(sample)
    return samples


def _grouped(samples: Sequence[VolumeSample], groups: str, root: Path) -> list[VolumeSample]:
    """The samples, each with its group; a pattern is for the names of scans, since files have channels and endings too."""
    by_table = groups.lower().endswith(".csv")
    found = groups_of([(s.id, s.image if by_table else Path(f"{s.id}.nii")) for s in samples], groups, root)
    return [replace(sample, group=group) for sample, group in zip(samples, found, strict=True)]


def _scans(folder: Path) -> list[Path]:
    there = (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    return [path for path in there if (is_series(path) if path.is_dir() else path.name.lower().endswith(KNOWN))]
