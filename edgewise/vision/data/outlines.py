"""Masks drawn as polygons, in files of YOLO and of COCO, as the classes of pixels."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.mask_file import MaskFile
from edgewise.vision.data.pixels import size_of

DRAWN = (".txt", ".json")
"""Of files that hold polygons."""


def filled(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Which pixels lie in a polygon: those whose centre does, by the even-odd rule.

    Args:
        points: Corners ``(N, 2)``, x to the right and y down, in pixels from the upper left corner of the picture.
        shape: Height and width of the picture.

    Example:
        >>> filled(np.array([[0, 0], [2, 0], [2, 1], [0, 1]]), (2, 3)).astype(int).tolist()
        [[1, 1, 0], [0, 0, 0]]
    """
    height, width = shape
    turns = np.zeros((height, width + 1), np.int32)
    for (x, y), (right, low) in zip(points, np.roll(points, -1, axis=0), strict=True):
        rows = np.arange(max(0, math.ceil(min(y, low) - 0.5)), min(height, math.ceil(max(y, low) - 0.5)))
        if len(rows):
            crossing = x + (rows + 0.5 - y) * (right - x) / (low - y)
            np.add.at(turns, (rows, np.ceil(crossing - 0.5).clip(0, width).astype(int)), 1)
    return turns[:, :-1].cumsum(axis=1) % 2 == 1


def read_outlines(path: Path, image: Path) -> MaskFile:
    """What the polygons of a file make of a picture: 0 the background, and 1 and up the classes in their order.

    Where polygons overlap, the later one is seen.

    Args:
        path: ``.txt`` of YOLO, a class and the corners in parts of width and height on each line; or ``.json`` of COCO.
        image: The picture.

    Raises:
        DataError: The file or the picture cannot be read, or a polygon is none.
    """
    shape = size_of(image)
    classes = np.zeros(shape, np.uint8)
    for label, inside in _of_yolo(path, shape) if path.suffix == ".txt" else _of_coco(path, image, shape):
        classes[inside] = label
    return MaskFile(path, classes)


def _of_yolo(path: Path, shape: tuple[int, int]) -> Iterable[tuple[int, np.ndarray]]:
    for number, line in enumerate(_text(path).splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        try:
            label, corners = int(parts[0]), np.array(parts[1:], float).reshape(-1, 2)
        except ValueError as error:
            raise DataError(f"{path} has on line {number} no class and corners, x and y of each; correct it") from error
        if label < 0 or len(corners) < 3:
            raise DataError(f"{path} has on line {number} {len(corners)} corners of class {label}: give outlines, no boxes")
        yield label + 1, filled(corners * [shape[1], shape[0]], shape)


def _of_coco(path: Path, image: Path, shape: tuple[int, int]) -> Iterable[tuple[int, np.ndarray]]:
    numbers, pictures = _coco(path, path.stat().st_mtime_ns if path.is_file() else 0)
    found = next((entry for name, entry in pictures.items() if Path(name).name == image.name), None)
    if found is None:
        raise DataError(f"{path} has no picture {image.name}; bring it back as it was")
    size = (found.get("height", shape[0]), found.get("width", shape[1]))
    if size != shape:
        raise DataError(
            f"{path} says that {image} is {size[0]} x {size[1]} (height x width), and it is {shape[0]} x {shape[1]}; make "
            "them equal"
        )
    for annotation in found["annotations"]:
        label, drawn = numbers.get(annotation.get("category_id")), annotation.get("segmentation")
        if label is None:
            raise DataError(f"{path} has an annotation of {image.name} of a category that it does not name; correct it")
        if isinstance(drawn, Mapping):
            yield label, _of_runs(path, drawn, shape)
        for polygon in drawn if isinstance(drawn, list) else ():
            yield label, filled(np.asarray(polygon, float).reshape(-1, 2), shape)


def _of_runs(path: Path, drawn: Mapping[str, Any], shape: tuple[int, int]) -> np.ndarray:
    """COCO's runs of pixels, column by column, the first one of the background."""
    counts = drawn.get("counts")
    if not isinstance(counts, list) or sum(counts) != shape[0] * shape[1]:
        raise DataError(f"{path} holds compressed or broken runs of pixels, which are not read; export polygons")
    runs = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return runs.reshape(shape, order="F")


@lru_cache(maxsize=8)
def _coco(path: Path, written: int) -> tuple[dict[int, int], dict[str, dict[str, Any]]]:
    """Of a file of COCO the number of each category's class, and each picture with its annotations, by its name."""
    content = coco_content(path)
    if content is None:
        raise DataError(f"{path} is no file of COCO with images, annotations and categories; bring it back as it was")
    pictures = {entry["id"]: {**entry, "annotations": []} for entry in content["images"]}
    for annotation in content["annotations"]:
        if annotation.get("image_id") not in pictures:
            raise DataError(f"{path} has an annotation of picture {annotation.get('image_id')!r}, which it does not list")
        pictures[annotation["image_id"]]["annotations"].append(annotation)
    return class_numbers(content), {entry["file_name"]: entry for entry in pictures.values()}


def class_numbers(content: Mapping[str, Any]) -> dict[int, int]:
    """The class of each category of COCO, from 1 in the order of their numbers.

    What stands above others and is in no picture, such as Roboflow's first category, is no class.
    """
    categories = content["categories"]
    used = {annotation.get("category_id") for annotation in content["annotations"]}
    above = {entry.get("supercategory") for entry in categories if entry.get("supercategory") != entry["name"]}
    known = sorted(entry["id"] for entry in categories if entry["id"] in used or entry["name"] not in above)
    return {number: label for label, number in enumerate(known, start=1)}


def coco_content(path: Path) -> dict[str, Any] | None:
    """What a file of COCO holds; None where it is another's."""
    try:
        content = json.loads(_text(path))
    except (ValueError, RecursionError):
        return None
    parts = ("images", "annotations", "categories")
    whole = isinstance(content, dict) and all(isinstance(content.get(part), list) for part in parts)
    return content if whole else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}); bring it back") from error


def names_of(content: Mapping[str, Any]) -> Sequence[str]:
    """The names of the classes of COCO, the background first."""
    titles = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
    return ["background", *(titles[number] for number in class_numbers(content))]
