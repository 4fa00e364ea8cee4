"""Polygons as masks. Right pixels are those whose centre matplotlib's Path holds, or counted by hand."""

import json

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from edgewise._ground.errors import DataError
from edgewise.vision.data import create_dataset
from edgewise.vision.data.outlines import filled, read_outlines

HEIGHT, WIDTH = 32, 40
SQUARE, TRIANGLE = [4, 4, 14, 4, 14, 20, 4, 20], [20.5, 3.2, 38.1, 9.7, 25.3, 30.4]
EXPECTED = np.zeros((HEIGHT, WIDTH), int)
EXPECTED[4:20, 4:14] = 1


def held(points, shape):
    centres = np.stack(np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5), -1)
    return Outline(points).contains_points(centres.reshape(-1, 2)).reshape(shape)


EXPECTED[held(np.reshape(TRIANGLE, (3, 2)), (HEIGHT, WIDTH))] = 2


@pytest.mark.parametrize("seed", range(8))
def test_polygons_are_filled_as_matplotlib_has_them(seed):
    draw = np.random.default_rng(seed)
    angles = np.sort(draw.uniform(0, 2 * np.pi, 9))
    radius = draw.uniform(3, 30, 9)  # some corners lie outside the picture
    points = np.stack([20 + radius * np.cos(angles), 15 + radius * np.sin(angles)], -1)
    np.testing.assert_array_equal(filled(points, (HEIGHT, WIDTH)), held(points, (HEIGHT, WIDTH)))


def yolo(root, save, noise, divided):
    def parts(number):
        part = ("train", "val", "test")[min(number // 3, 2)]
        return (f"images/{part}", f"labels/{part}") if divided == "within" else (f"{part}/images", f"{part}/labels")

    for number in range(6):
        images, labels = parts(number) if divided else ("images", "labels")
        save(f"{images}/{number}.png", np.resize(noise(number, 32, 40), (HEIGHT, WIDTH)))
        lines = [
            f"{label} " + " ".join(str(value / (WIDTH, HEIGHT)[n % 2]) for n, value in enumerate(corners))
            for label, corners in ((0, SQUARE), (1, TRIANGLE))
        ]
        (root / labels).mkdir(parents=True, exist_ok=True)
        (root / labels / f"{number}.txt").write_text("\n".join(lines) + "\n")
    (root / "data.yaml").write_text("nc: 2\nnames:\n  0: box\n  1: wedge\n")


@pytest.mark.parametrize("divided", ["", "within", "around"])
def test_folders_of_yolo(save, noise, tmp_path, divided):
    yolo(tmp_path, save, noise, divided)
    dataset = create_dataset("folder", tmp_path)
    assert len(dataset) == 6
    assert dataset.legend.names == ("background", "box", "wedge")
    assert dataset.split_by == ("sides" if divided else "published")
    for sample in dataset:
        np.testing.assert_array_equal(sample.read_mask(), EXPECTED)
    merged = create_dataset("folder", tmp_path, mask_values="binary")
    np.testing.assert_array_equal(merged[0].read_mask(), EXPECTED > 0)
    assert merged.legend is None


def coco(numbers, **more):
    parts = [
        {"image_id": n, "category_id": category, "segmentation": drawn}
        for n in numbers
        for category, drawn in ((3, [SQUARE]), (7, [TRIANGLE]))
    ]
    images = [{"id": n, "file_name": f"{n}.png", "height": HEIGHT, "width": WIDTH} for n in numbers]
    named = {7: "wedge", 3: "box"}
    categories = [{"id": number, "name": name, "supercategory": "things"} for number, name in named.items()]
    categories.append({"id": 0, "name": "things", "supercategory": "none"})
    return {"images": images, "annotations": parts, "categories": categories, **more}


@pytest.mark.parametrize("form", ["one file", "as released", "as Roboflow has it"])
def test_files_of_coco(save, noise, tmp_path, form):
    numbers = {"train": range(3), "val": range(3, 5), "test": range(5, 6)}
    for part, inside in numbers.items():
        at = {"one file": "images", "as released": f"{part}2017", "as Roboflow has it": part}[form]
        for number in inside:
            save(f"{at}/{number}.png", noise(number, 32, 40))
        if form != "one file":
            name = f"annotations/instances_{part}2017.json" if form == "as released" else f"{part}/_a.coco.json"
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(coco(inside)))
    if form == "one file":
        (tmp_path / "annotations.json").write_text(json.dumps(coco(range(6))))
    dataset = create_dataset("folder", tmp_path)
    assert dataset.legend.names == ("background", "box", "wedge")
    for sample in dataset:
        np.testing.assert_array_equal(sample.read_mask(), EXPECTED)
    sides = [len(part) for part in (dataset.split().train, dataset.split().validation, dataset.split().test)]
    assert sides == ([3, 2, 1] if form != "one file" else sides)
    assert sum(sides) == 6


def test_masks_go_before_polygons(save, noise, tmp_path):
    for number in range(3):
        save(f"images/{number}.png", noise(number, 32, 40))
        save(f"masks/{number}.png", noise(number, 32, 40) > 127)
    (tmp_path / "annotations.json").write_text(json.dumps(coco(range(3))))
    assert create_dataset("folder", tmp_path)[0].masks[0].suffix == ".png"


def test_runs_of_coco(save, noise, tmp_path):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[3:9, 30:35] = True
    flat = mask.ravel(order="F")
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *ends, flat.size]).tolist()
    content = coco([0])
    content["annotations"] = [{"image_id": 0, "category_id": 3, "segmentation": {"counts": runs, "size": [HEIGHT, WIDTH]}}]
    image, path = save("0.png", noise(0, 32, 40)), tmp_path / "a.json"
    path.write_text(json.dumps(content))
    np.testing.assert_array_equal(read_outlines(path, image).pixels, mask)
    content["annotations"][0]["segmentation"]["counts"] = "a3b"
    path = tmp_path / "b.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"b\.json holds compressed or broken runs .* export polygons"):
        read_outlines(path, image)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.1 0.1 0.2 0.2", r"a\.txt has on line 1 2 corners of class 0: give outlines, no boxes"),
        ("x 0.1 0.1", r"a\.txt has on line 1 no class and corners"),
        ("0 0.1 0.1 0.2", r"a\.txt has on line 1 no class and corners"),
    ],
)
def test_lines_that_are_no_outlines_are_refused(save, noise, tmp_path, line, message):
    (tmp_path / "a.txt").write_text(line)
    with pytest.raises(DataError, match=message):
        read_outlines(tmp_path / "a.txt", save("a.png", noise(0)))


def test_what_is_missing_is_named(save, noise, tmp_path):
    yolo(tmp_path / "y", lambda name, pixels: save(f"y/{name}", pixels), noise, "")
    (tmp_path / "y/labels/3.txt").unlink()
    with pytest.raises(DataError, match=r"3\.png has no .*3\.txt; give one, empty where the picture shows nothing"):
        create_dataset("folder", tmp_path / "y")
    save("c/images/0.png", noise(0))
    (tmp_path / "c/a.json").write_text(json.dumps(coco([0])))
    with pytest.raises(DataError, match=r"a\.json says that .*0\.png is 32 x 40 .*, and it is 32 x 32; make them equal"):
        create_dataset("folder", tmp_path / "c")[0].read_mask()
    (tmp_path / "c/a.json").write_text(json.dumps(coco([0, 1])))
    with pytest.raises(DataError, match=r"a\.json names the picture '1\.png', which is not in"):
        create_dataset("folder", tmp_path / "c")
