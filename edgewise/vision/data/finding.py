"""Find pictures and masks in a folder of one's own: side by side, in two folders, divided in sides, or a folder each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.layouts import SIDES, SUFFIXES, below, files_by_stem, one_of, pair, pair_by_key, warn_of_rest
from edgewise.vision.data.pixels import EXTENSIONS
from edgewise.vision.data.sample import Sample

IMAGES = ("images", "image", "imgs", "img", "jpegimages", "original")
MASKS = (
    *("masks", "mask", "labels", "label", "annotations", "gt", "ground truth", "groundtruth", "ground_truth"),
    *("segmentationclass", "segmentations", "1st_manual"),
)

SCANS = (".nii", ".nii.gz", ".dcm")
"""How files end that are volumes."""
KEY = r"^(.*?)(?:_0000)?$"
"""The name of a case in nnU-Net, whose pictures end in the number of their channel."""


@dataclass(frozen=True)
class Naming:
    """How pictures and masks are named; None is found.

    Attributes:
        images: Folder of the pictures.
        masks: Folder of the masks.
        suffix: What a mask's stem has after the picture's.
        key: A pattern whose first group is what a picture and its masks share.
    """

    images: str | None = None
    masks: str | None = None
    suffix: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.images or 'images'} with {self.masks or 'masks'}"


def read_folder(root: Path, naming: Naming) -> tuple[Sample, ...]:
    """The samples of a folder, or of the only folder in it that has some, sorted by id.

    Raises:
        DataError: There are none, several folders have some, or names do not fit.
    """
    try:
        samples = _read(root, naming)
    except DataError:
        _refuse_scans(root)
        raise
    return tuple(sorted(samples, key=lambda sample: sample.id))


def _refuse_scans(root: Path) -> None:
    """Say what takes scans, where a folder holds these and no pictures."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    scan = next((path for path in files if path.name.lower().endswith(SCANS)), None)
    if scan is not None and not any(path.suffix.lower() in EXTENSIONS for path in files):
        raise DataError(
            f"{root} holds scans such as {scan} and no pictures; train the recipe `slices`, a network of pictures on "
            "slices of them, or `volumes`, one in three dimensions"
        )


def _read(root: Path, naming: Naming) -> Sequence[Sample]:
    if samples := _samples(root, naming):
        return samples
    found = [(folder, samples) for folder in below(root) if (samples := _samples(folder, naming))]
    if not found:
        raise DataError(
            f"{root} has no layout of dataset 'folder'; neither {naming} is in it or one folder below: name the folders by "
            "images=NAME and masks=NAME, or give mask_suffix='_mask' where one folder holds both"
        )
    return one_of("folder", root, found)[1]


def _samples(folder: Path, naming: Naming) -> Sequence[Sample]:
    """The samples in a folder, none where it has no layout."""
    return (
        _nnunet(folder, naming)
        or _sides(folder, naming)
        or _two_folders(folder, naming)
        or folder_each(folder, naming)
        or _one_folder(folder, naming)
    )


def _nnunet(folder: Path, naming: Naming) -> Sequence[Sample]:
    """``imagesTr/ID_0000.png`` with ``labelsTr/ID.png``; the test side in ``imagesTs`` and ``labelsTs``, if it has any."""
    if naming != Naming() or not (folder / "imagesTr").is_dir() or not (folder / "labelsTr").is_dir():
        return ()
    if more := [path for path in _files(folder / "imagesTr") if not path.stem.endswith("_0000")]:
        raise DataError(f"{more[0]} is no first channel, ID_0000, and files of single channels are not read; make them one")
    samples = pair_by_key(folder / "imagesTr", folder / "labelsTr", KEY)
    if not (folder / "labelsTs").is_dir():
        return samples
    tested = pair_by_key(folder / "imagesTs", folder / "labelsTs", KEY)
    return [replace(s, side="train") for s in samples] + [replace(s, side="test") for s in tested]


def _sides(folder: Path, naming: Naming) -> Sequence[Sample]:
    """``train/``, ``val/`` and ``test/`` with pictures and masks each, or folders of these names within both."""
    parts = [part for part in below(folder) if part.name.lower() in SIDES]
    if _is_divided(parts):
        return _join({part: _undivided(part, naming) for part in parts}, naming)
    images, masks = _named(folder, naming.images, IMAGES, "images"), _named(folder, naming.masks, MASKS, "masks")
    if images is None or masks is None or images == masks:
        return ()
    parts = [part for part in below(images) if part.name.lower() in SIDES]
    if not _is_divided(parts):
        return ()
    return _join({part: _paired(part, masks / part.name, naming) for part in parts}, naming)


def _is_divided(parts: Sequence[Path]) -> bool:
    sides = [SIDES[part.name.lower()] for part in parts]
    if len(set(sides)) < len(sides):
        raise DataError(
            f"{parts[0].parent} has {', '.join(part.name for part in parts)}, two of one side; keep one of them"
        )
    return "train" in sides and len(sides) > 1


def _join(parts: dict[Path, Sequence[Sample]], naming: Naming) -> list[Sample]:
    if not any(parts.values()):
        return []
    for part, samples in parts.items():
        if not samples:
            raise DataError(f"{part} has no {naming}, and folders beside it have; give it both, or move it away")
    return [
        replace(sample, id=f"{part.name}/{sample.id}", side=SIDES[part.name.lower()])
        for part, samples in parts.items()
        for sample in samples
    ]


def _undivided(folder: Path, naming: Naming) -> Sequence[Sample]:
    return _two_folders(folder, naming) or folder_each(folder, naming) or _one_folder(folder, naming)


def _two_folders(folder: Path, naming: Naming) -> Sequence[Sample]:
    images, masks = _named(folder, naming.images, IMAGES, "images"), _named(folder, naming.masks, MASKS, "masks")
    return () if images is None or masks is None or images == masks else _paired(images, masks, naming)


def folder_each(folder: Path, naming: Naming | None = None) -> Sequence[Sample]:
    """The samples of a folder that holds a folder for each picture, with one picture and its masks, as in DSB2018."""
    naming = naming or Naming()
    if naming.images == "." or naming.masks == "." or naming.suffix is not None or naming.key is not None:
        return ()
    samples = []
    for part in below(folder):
        images, masks = _named(part, naming.images, IMAGES, "images"), _named(part, naming.masks, MASKS, "masks")
        if images is not None and masks is not None and len(pictures := _files(images)) == 1:
            samples.append(Sample(part.name, pictures[0], tuple(files_by_stem(masks).values())))
    return samples if len(samples) > 1 else ()


def _one_folder(folder: Path, naming: Naming) -> Sequence[Sample]:
    """Pictures and masks in one folder, told apart by what masks have at the end of their names."""
    if naming.images not in (None, ".") or naming.masks not in (None, ".") or not (files := _files(folder)):
        return ()
    stems = {path.stem for path in files}
    suffixes = [suffix for suffix in SUFFIXES[1:] if any(stem + suffix in stems for stem in stems)]
    if naming.suffix is None and len(suffixes) != 1:
        if naming.images is None and not suffixes:
            return ()
        found = f"ends {', '.join(suffixes)}" if suffixes else "no masks that are named like their pictures"
        raise DataError(f"{folder} holds pictures and {found}; give mask_suffix, what masks have at the end of their names")
    suffix = naming.suffix if naming.suffix is not None else suffixes[0]
    if naming.key is not None or not suffix:
        raise ConfigError(f"{folder} is to hold pictures and masks; give mask_suffix, which tells them apart, and no key")
    samples = pair(folder, folder, (suffix,))
    warn_of_rest(samples, folder)
    return samples


def _paired(images: Path, masks: Path, naming: Naming) -> Sequence[Sample]:
    inner = below(masks) if masks.is_dir() and not _files(masks) else []
    if len(inner) == 1:
        masks = inner[0]  # of code that keeps a folder of masks for each class
    elif inner:
        names = ", ".join(f"{naming.masks or masks.name}/{part.name}" for part in inner[:3])
        raise DataError(f"{masks} holds no images but folders; give the one of the masks, masks=NAME ({names})")
    if naming.key is not None:
        samples = pair_by_key(images, masks, naming.key)
    else:
        samples = pair(images, masks, (_suffix(images, masks) if naming.suffix is None else naming.suffix,))
    warn_of_rest(samples, masks)
    return samples


def _suffix(images: Path, masks: Path) -> str:
    """The ending that most masks have; where it is not all, pairing says which is missing."""
    pictures, there = files_by_stem(images), files_by_stem(masks)
    return max(SUFFIXES, key=lambda suffix: sum(stem + suffix in there for stem in pictures))


def _named(folder: Path, name: str | None, known: Sequence[str], option: str) -> Path | None:
    """The folder of that name, or the only one of a known name."""
    if name is not None:
        return folder / name if (folder / name).is_dir() else None
    found = [part for part in below(folder) if part.name.lower() in known]
    if len(found) > 1:
        names = ", ".join(part.name for part in found)
        raise DataError(f"{folder} has several folders that could hold the {option} ({names}); give {option}=NAME")
    return found[0] if found else None


def _files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.suffix.lower() in EXTENSIONS and not p.name.startswith(".")]
