"""Find the pictures and masks of a dataset in the folder layouts in which people keep it."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.pixels import EXTENSIONS
from edgewise.vision.data.sample import Sample

UKAN = ("images", "masks/0")
Reader = Callable[[Path], Sequence[Sample]]


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
    if root is None:
        raise ConfigError(f"dataset {name!r} needs its folder; give root=FOLDER")
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give the folder of dataset {name!r} as root")
    for folder in (root, *sorted(entry for entry in root.iterdir() if entry.is_dir())):
        for entries, reader in readers.items():
            if all(any(folder.glob(entry)) for entry in entries):
                return tuple(sorted(reader(folder), key=lambda sample: sample.id))
    wanted = " nor ".join(" with ".join(entries) for entries in readers)
    raise DataError(f"{root} has no layout of dataset {name!r}; neither {wanted} is in it or one folder below")


def read_ukan(folder: Path) -> tuple[Sample, ...]:
    """The layout of the released U-KAN code: ``images/ID.png`` and ``masks/0/ID_mask.png`` or ``masks/0/ID.png``."""
    return pair(folder / "images", folder / "masks" / "0", suffixes=("_mask", ""))


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


def files_by_stem(folder: Path) -> dict[str, Path]:
    """The image files of a folder by their stem, in the order of the stems; hidden files are left out."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; it should hold image files ({', '.join(EXTENSIONS)})")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith("."):
            if path.stem in files:
                raise DataError(f"{files[path.stem]} and {path} differ only in their extension; keep one of them")
            files[path.stem] = path
    if not files:
        raise DataError(f"{folder} holds no images; it should hold {', '.join(EXTENSIONS)} files")
    return files


def _masks_of(image: Path, mask_files: Mapping[str, Path], masks: Path, suffixes: Sequence[str]) -> tuple[Path, ...]:
    for suffix in suffixes:
        stem = image.stem + suffix
        if stem in mask_files:
            numbered = (f"{stem}_{n}" for n in itertools.count(1)) if suffix else ()
            return (mask_files[stem], *(mask_files[n] for n in itertools.takewhile(mask_files.__contains__, numbered)))
    wanted = " or ".join(f"{image.stem}{suffix}{image.suffix}" for suffix in suffixes)
    raise DataError(f"{image} has no mask; looked for {wanted} (or another image extension) in {masks}")
