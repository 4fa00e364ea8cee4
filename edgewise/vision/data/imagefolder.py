"""Pictures in folders named after their classes, as ImageNet is kept."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgewise._ground.errors import ConfigError, DataError, warn
from edgewise.vision.data.below import files_below
from edgewise.vision.data.classification import TEST, TRAIN, VALIDATION, ClassificationSet
from edgewise.vision.data.dataset import DATASETS
from edgewise.vision.data.groups import groups_of
from edgewise.vision.data.layouts import SIDES, below
from edgewise.vision.data.pictures import FilePictures
from edgewise.vision.data.pixels import EXTENSIONS

NUMBERS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}


@DATASETS.register("imagefolder")
def imagefolder(
    root: str | Path | None = None,
    test: str | None = None,
    channels: int = 3,
    groups: str | None = None,
    class_of: Callable[[Path], str] | None = None,
) -> ClassificationSet:
    """Pictures in folders named after their classes: ``root/CLASS/*.jpg``, or so within ``root/train`` and ``root/val``.

    Pictures may lie deeper, such as in ``root/CLASS/PATIENT``: the class is the first folder. Where that is the only one,
    it is the root. What is hidden is left out, and links are followed.

    With ``train``, ``val`` (or ``valid``, ``validation``) and ``test``, these are the sides. With ``train`` and ``val``
    alone, as ImageNet comes, ``val`` is what is reported on and the best epoch is chosen on pictures cut from ``train``.
    Without any side, they are drawn.

    Args:
        root: The folder.
        test: Name of the folder beside ``train`` to report on; None: ``test``, else ``val``.
        channels: Channels that models see: 1 grey, 3 colour.
        groups: What must stay on one side of a split that is drawn, such as a patient: a pattern like ``(.*)_\\d+`` whose
            first group in the picture's name it is, or a CSV file of names and groups; see
            :func:`edgewise.vision.data.groups.groups_of`. Sides that are there are kept, and pictures that share a group
            with those of another side are counted in the report.
        class_of: From a file to the name of its class; that of its first folder by default.

    Raises:
        ConfigError: No root is given, or the groups are no text or no pattern.
        DataError: There is no such folder, no picture in it, no ``train`` beside another side, a class that is tested
            only, or a picture without a group.

    Warns:
        EdgewiseWarning: Pictures lie in no folder of a class, and are left out.
    """
    if root is None:
        raise ConfigError("dataset 'imagefolder' needs its folder; give root=FOLDER")
    if not isinstance(groups, str | None):
        raise ConfigError(f"groups={groups!r} must be text")
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give the one that holds a folder for each class")
    parts = _parts(root, test)
    files = [(path, side, name) for side, folder in parts.items() for path, name in _named(folder, class_of)]
    if not files:
        raise DataError(f"{root} holds no pictures; it should hold a folder of {', '.join(EXTENSIONS)} for each class")
    names = [name for *_, name in files]
    sides = np.array([side for _, side, _ in files], np.uint8)
    classes = tuple(sorted({name for name, side in zip(names, sides, strict=True) if side == TRAIN}))
    if len(classes) < 2:
        raise DataError(f"{parts[TRAIN]} holds {len(classes)} classes; it should hold a folder for each of two or more")
    number = {name: index for index, name in enumerate(classes)}
    if unknown := sorted(set(names) - set(classes)):
        raise DataError(f"class {unknown[0]!r} is tested and not trained on; {parts[TRAIN]} has no folder of that name")
    labels = np.array([number[name] for name in names])
    pictures = FilePictures([path for path, *_ in files], root)
    return ClassificationSet(
        "imagefolder",
        pictures,
        labels,
        classes,
        channels,
        sides=sides if len(parts) > 1 else None,
        groups=_groups(pictures, groups, root),
    )


def _groups(pictures: FilePictures, groups: str | None, root: Path) -> tuple[str, ...] | None:
    """The group of each picture, where a rule is given."""
    if groups is None:
        return None
    return tuple(groups_of([(pictures.name(index), path) for index, path in enumerate(pictures.paths)], groups, root))


def _parts(root: Path, test: str | None) -> dict[int, Path]:
    """The folder of each side."""
    found: dict[str, Path] = {}
    for folder in below(root):
        side = SIDES.get(folder.name.lower())
        if side in found:
            raise DataError(f"{root} has {found[side].name!r} and {folder.name!r}, two of one side; keep one of them")
        if side is not None:
            found[side] = folder
    if "train" not in found:
        if beside := test or next((folder.name for folder in found.values()), None):
            raise DataError(f"{root} has no folder 'train' beside {beside!r}; name the folder to learn from 'train'")
        return {TRAIN: _entered(root)}
    if test is not None:
        if not (root / test).is_dir():
            raise DataError(f"{root / test} is not a folder; name the folder of test pictures")
        return {TRAIN: found["train"], TEST: root / test}
    if "test" not in found and "validation" in found:  # as ImageNet comes
        found["test"] = found.pop("validation")
    return {NUMBERS[side]: folder for side, folder in found.items()}


def _entered(folder: Path) -> Path:
    """The folder, or the only one in it, if that holds folders."""
    inner = below(folder)
    return _entered(inner[0]) if len(inner) == 1 and below(inner[0]) else folder


def _named(folder: Path, class_of: Callable[[Path], str] | None) -> list[tuple[Path, str]]:
    """The pictures below a folder, each with the name of its class."""
    files = [path for path in files_below(folder) if path.suffix.lower() in EXTENSIONS]
    if class_of is not None:
        return [(path, class_of(path)) for path in files]
    parts = [path.relative_to(folder).parts for path in files]
    if stray := [path for path, part in zip(files, parts, strict=True) if len(part) < 2]:
        warn(f"{len(stray)} pictures lie in no folder of a class and are left out, such as {stray[0]}")
    return [(path, part[0]) for path, part in zip(files, parts, strict=True) if len(part) > 1]
