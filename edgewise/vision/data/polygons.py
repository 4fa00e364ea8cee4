"""Find pictures whose masks are polygons: the folders of YOLO, and files of COCO."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require
from edgewise.vision.data.below import files_below
from edgewise.vision.data.coding import Labels
from edgewise.vision.data.finding import MASKS
from edgewise.vision.data.layouts import SIDES, below
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.outlines import coco_content, names_of
from edgewise.vision.data.pixels import EXTENSIONS
from edgewise.vision.data.sample import Sample

Found = tuple[tuple[Sample, ...], Legend | None]
SETTINGS = ("data.yaml", "dataset.yaml", "data.yml")


def find_polygons(root: Path) -> Found | None:
    """The samples of a folder whose masks are polygons, and the names of their classes; None: it is no such folder.

    Of YOLO: ``labels/ID.txt`` beside ``images/ID.jpg``, both divided in ``train``, ``val`` and ``test`` or within these,
    and the names in ``data.yaml``. Of COCO: files with ``images``, ``annotations`` and ``categories``, in the folder, in
    ``annotations/`` or, as Roboflow has them, in ``train/``, ``valid/`` and ``test/``. Masks go first.

    Raises:
        DataError: A picture is missing, or the files of several sides name other classes.
    """
    if any(part.name.lower() in MASKS and _pictures(part) for part in below(root)):
        return None
    return _yolo(root) or _coco(root)


def _pictures(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.suffix.lower() in EXTENSIONS and not p.name.startswith(".")]


def _yolo(root: Path) -> Found | None:
    parts = [(root, None), *((part, SIDES[part.name.lower()]) for part in below(root) if part.name.lower() in SIDES)]
    pairs = [(part / "images", part / "labels", side) for part, side in parts]
    if (root / "labels").is_dir():
        inner = [part.name for part in below(root / "labels") if part.name.lower() in SIDES]
        pairs += [(root / "images" / name, root / "labels" / name, SIDES[name.lower()]) for name in inner]
    samples = [
        Sample(image.stem if side is None else f"{side}/{image.stem}", image, (labels / f"{image.stem}.txt",), side=side)
        for images, labels, side in pairs
        if images.is_dir() and any(labels.glob("*.txt"))
        for image in _pictures(images)
    ]
    for sample in samples:
        if not sample.masks[0].is_file():
            raise DataError(f"{sample.image} has no {sample.masks[0]}; give one, empty where the picture shows nothing")
    return _with_classes(samples, _yolo_names(root)) if samples else None


def _yolo_names(root: Path) -> Sequence[str]:
    path = next((root / name for name in SETTINGS if (root / name).is_file()), None)
    if path is None:
        return ()
    yaml = require("yaml", extra="data")
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(
            f"{path} is not readable YAML ({str(error).splitlines()[0]}); correct it or take it away"
        ) from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict):
        names = [names[number] for number in sorted(names)]
    return ["background", *map(str, names)] if isinstance(names, list) and names else ()


def _coco(root: Path) -> Found | None:
    places = [root, root / "annotations", *(part for part in below(root) if part.name.lower() in SIDES)]
    files = [path for place in places if place.is_dir() for path in sorted(place.glob("*.json"))]
    contents = {path: content for path in files if (content := coco_content(path)) is not None}
    if not contents:
        return None
    names = {path: names_of(content) for path, content in contents.items()}
    first = next(iter(contents))
    if strange := [path for path in contents if names[path] != names[first]]:
        raise DataError(f"{strange[0]} has the classes {names[strange[0]]} and {first} {names[first]}; give all the same")
    pictures: dict[str, list[Path]] = {}
    for path in files_below(root):
        if path.suffix.lower() in EXTENSIONS:
            pictures.setdefault(path.name, []).append(path)
    samples = []
    for path, content in contents.items():
        side = _side(path)
        for entry in content["images"]:
            image = _image(pictures.get(Path(entry["file_name"]).name, []), path, side)
            if image is None:
                raise DataError(f"{path} names the picture {entry['file_name']!r}, which is not in {root}; bring it back")
            name = image.stem if side is None else f"{side}/{image.stem}"
            samples.append(Sample(name, image, (path,), side=side))
    return _with_classes(samples, names[first])


def _side(path: Path) -> str | None:
    """The side that the folder of a file, or its name, says."""
    words = [path.parent.name, *path.stem.replace("-", "_").split("_")]
    return next(filter(None, map(_named, words)), None)


def _named(word: str) -> str | None:
    """The side that a word such as ``train2017`` says."""
    return SIDES.get(word.lower().rstrip("0123456789"))


def _image(found: Sequence[Path], path: Path, side: str | None) -> Path | None:
    """Of several pictures of one name that beside the file, or in a folder of its side."""
    beside = [image for image in found if path.parent in image.parents and path.parent.name != "annotations"]
    sided = [image for image in found if side in {_named(part.name) for part in image.parents}]
    return next(iter([*beside, *sided, *found]), None)


def _with_classes(samples: Sequence[Sample], names: Sequence[str]) -> Found:
    coded = tuple(Sample(s.id, s.image, s.masks, coding=Labels(), side=s.side) for s in samples)
    return coded, Legend.of(len(names), names) if len(names) > 1 else None
