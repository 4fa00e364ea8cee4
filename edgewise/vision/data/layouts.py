"""Find the pictures and masks of a dataset in the folder layouts in which people keep it."""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from edgewise._ground.errors import ConfigError, DataError, warn
from edgewise.vision.data.below import composed
from edgewise.vision.data.pixels import EXTENSIONS
from edgewise.vision.data.sample import Sample

UKAN = ("images", "masks/0")
PLAIN = ("images", "masks")
SUFFIXES = ("", "_mask", "_segmentation", "_seg", "_label", "_gt", "_anno")
"""What the stem of a mask may have after the picture's, where nobody says."""
SIDES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
"""The side of a split by what folders call it."""
Reader = Callable[[Path], Sequence[Sample]]
Found = TypeVar("Found")


def read_layout(name: str, root: str | Path | None, readers: Mapping[tuple[str, ...], Reader]) -> tuple[Sample, ...]:
    """The samples below `root`, sorted by id, read by the first layout whose entries are all there.

    Args:
        name: The dataset's name, for errors.
        root: Folder of the dataset, or one that holds that folder.
        readers: What reads the samples of a folder, by the entries (names or patterns) that the folder must have.

    Raises:
        ConfigError: No root was given.
        DataError: The folder does not exist, or has none of the layouts.
    """
    root = folder_of(name, root)
    found = [
        (folder, reader)
        for folder in (root, *below(root))
        if (reader := next((r for entries, r in readers.items() if all(_has(folder, e) for e in entries)), None))
    ]
    if not found:
        wanted = " nor ".join(" with ".join(entries) for entries in readers)
        raise DataError(f"{root} has no layout of dataset {name!r}; neither {wanted} is in it or one folder below")
    folder, reader = one_of(name, root, found)
    return tuple(sorted(reader(folder), key=lambda sample: sample.id))


def folder_of(name: str, root: str | Path | None) -> Path:
    """The folder of a dataset, if it was given and is one.

    Raises:
        ConfigError: No root was given.
        DataError: There is no such folder.
    """
    if root is None:
        raise ConfigError(f"dataset {name!r} needs its folder; give root=FOLDER")
    if not Path(root).is_dir():
        raise DataError(f"{root} is not a folder; give the folder of dataset {name!r} as root")
    return Path(root)


def one_of(name: str, root: Path, found: Sequence[tuple[Path, Found]]) -> tuple[Path, Found]:
    """The root itself, or the only folder below it that has a layout.

    Raises:
        DataError: Several folders below have one, and none of them is the dataset.
    """
    if found[0][0] != root and len(found) > 1:
        names = ", ".join(folder.name for folder, _ in found[:5])
        raise DataError(f"{root} has several folders that dataset {name!r} could be ({names}); give one of them as root")
    return found[0]


def below(folder: Path) -> list[Path]:
    """The folders in a folder, sorted; hidden ones are left out."""
    return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _has(folder: Path, entry: str) -> bool:
    return any(folder.glob(entry)) if "*" in entry else (folder / entry).exists()


def read_ukan(folder: Path) -> tuple[Sample, ...]:
    """The layout of the released U-KAN code: ``images/ID.png`` and ``masks/0/ID_mask.png`` or ``masks/0/ID.png``."""
    return pair(folder / "images", folder / "masks" / "0", suffixes=("_mask", ""))


def read_plain(folder: Path) -> tuple[Sample, ...]:
    """The same without the folder ``0``."""
    return pair(folder / "images", folder / "masks", suffixes=("_mask", ""))


def pair(images: Path, masks: Path, suffixes: Sequence[str]) -> tuple[Sample, ...]:
    """Pair every picture with its masks: the picture's stem, then the first of `suffixes` for which a file exists.

    With a suffix such as ``_mask``, further masks ``ID_mask_1``, ``ID_mask_2``, ... belong to the picture too.
    Where both folders are one, the files that end in a suffix are the masks.

    Raises:
        DataError: A folder is missing or holds no image, two files differ only in extension, or a mask is missing.
    """
    mask_files = files_by_stem(masks)
    image_files = files_by_stem(images)
    if images == masks:
        is_mask = re.compile(f"({'|'.join(map(re.escape, suffixes))})(_\\d+)?$")
        image_files = {stem: path for stem, path in image_files.items() if not is_mask.search(stem)}
    return tuple(Sample(stem, path, _masks_of(path, mask_files, masks, suffixes)) for stem, path in image_files.items())


def warn_of_rest(samples: Iterable[Sample], masks: Path) -> None:
    """Warn of mask files in a folder that are no sample's."""
    used = {path for sample in samples for path in (sample.image, *sample.masks)}
    if rest := [path.name for path in files_by_stem(masks).values() if path not in used]:
        warn(f"{len(rest)} files in {masks} belong to no picture and are left out, such as {rest[0]}; check the names")


def pair_by_key(images: Path, masks: Path, key: str) -> tuple[Sample, ...]:
    """Pair pictures and masks in whose stems the first group of a pattern finds the same text, which becomes the id.

    Raises:
        ConfigError: The pattern is none, or has no group.
        DataError: Two pictures have one key, a name has none, or a picture has no mask.

    """
    try:
        pattern = re.compile(key)
    except re.error as error:
        raise ConfigError(f"key={key!r} is no pattern ({error}); give one such as '(\\d+)_'") from error
    if not pattern.groups:
        raise ConfigError(f"key={key!r} has no part in parentheses; put them around what a picture and its mask share")

    def of(stem: str, path: Path) -> str:
        if (found := pattern.search(stem)) is None:
            raise DataError(f"the name of {path} has nothing that fits key={key!r}; give a pattern for all names")
        return found[1]

    found: dict[str, list[Path]] = {}
    for stem, path in files_by_stem(masks).items():
        found.setdefault(of(stem, path), []).append(path)
    samples: dict[str, Sample] = {}
    for stem, path in files_by_stem(images).items():
        name = of(stem, path)
        if name in samples or name not in found:
            why = (
                f"the key {name!r} as {samples[name].image.name} has" if name in samples else f"no mask of the key {name!r}"
            )
            raise DataError(f"{path} has {why} in {masks}; give a key that tells pictures apart and that masks share")
        samples[name] = Sample(name, path, tuple(found[name]))
    return tuple(samples.values())


def files_by_stem(folder: Path) -> dict[str, Path]:
    """The image files of a folder by their stem, in the order of the stems; hidden files are left out."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; it should hold image files ({', '.join(EXTENSIONS)})")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith("."):
            stem = composed(path.stem)
            if stem in files:
                raise DataError(f"{files[stem]} and {path} differ only in their extension; keep one of them")
            files[stem] = path
    if not files:
        raise DataError(f"{folder} holds no images; it should hold {', '.join(EXTENSIONS)} files")
    return files


def _masks_of(image: Path, mask_files: Mapping[str, Path], masks: Path, suffixes: Sequence[str]) -> tuple[Path, ...]:
    own = composed(image.stem)
    for suffix in suffixes:
        stem = own + suffix
        if stem in mask_files:
            numbered = (f"{stem}_{n}" for n in itertools.count(1)) if suffix else ()
            return (mask_files[stem], *(mask_files[n] for n in itertools.takewhile(mask_files.__contains__, numbered)))
    wanted = " or ".join(f"{own}{suffix}{image.suffix}" for suffix in suffixes)
    raise DataError(
        f"{image} has no mask; looked for {wanted} (or another image extension) in {masks}; {_hint(own, mask_files)}"
    )


def _hint(stem: str, mask_files: Mapping[str, Path]) -> str:
    """Which option of dataset 'folder' pairs a picture with a mask that is named nearly like it."""
    own = "options of dataset 'folder'"
    for name in mask_files:
        end, start = name.removeprefix(stem), name.removesuffix(stem)
        if end != name and end and not end[0].isalnum():
            return f"{name} is there: give mask_suffix={end!r}, {own}"
        if start != name and start and not start[-1].isalnum():
            return f"{name} is there: give key={f'^(?:{re.escape(start)})?(.*)'!r}, {own}"
    return f"give mask_suffix='_mask' for masks named ID_mask, or key=PATTERN for what both names share, {own}"
