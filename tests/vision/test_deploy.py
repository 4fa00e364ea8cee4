"""A picture is made ready and its answer read with numpy alone, by what the file says; the answer is that of `predict`."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from edgewise._ground.errors import EdgewiseWarning
from edgewise.export import to_onnx
from edgewise.vision import (
    AdamW,
    ClassificationRecipe,
    LabelledData,
    Machine,
    MaskedData,
    Model,
    RunFolder,
    deploy,
    predict,
    train,
)
from edgewise.vision.data.intensity import Intensity
from tests.vision.training.test_run import StopAfter

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def triangle(x):
    return np.maximum(1 - abs(x), 0)


def cubic(x, a=-0.5):
    x = abs(x)
    near, far = ((a + 2) * x - (a + 3)) * x**2 + 1, ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def matrix(old, new, method, antialias):
    """(new, old): what each new pixel takes of the old ones along a side."""
    scale, kernel = old / new, {"bilinear": triangle, "bicubic": cubic}[method]
    wide = max(scale, 1) if antialias else 1
    centre = (np.arange(new)[:, None] + 0.5) * scale - 0.5
    if not antialias:
        centre = centre.clip(0, old - 1)
    weights = kernel((np.arange(old) - centre) / wide)
    return weights / weights.sum(1, keepdims=True)


def resized(x, size, rule):
    """(C, H, W) to another height and width."""
    rows, columns = (matrix(o, n, rule["method"], rule["antialias"]) for o, n in zip(x.shape[1:], size, strict=True))
    return rows @ x @ columns.T


def prepared(pixels, given):
    """The input of a network from the pixels of a file, (H, W) or (H, W, 3)."""
    x = np.atleast_3d(pixels).transpose(2, 0, 1)
    kind = "float" if x.dtype.kind == "f" else x.dtype.name
    for step in given["order"]:
        rule = given[step]
        if step == "scaling":
            if rule.get("kind") == "percentiles":
                low, high = np.quantile(x, [rule["low"] / 100, rule["high"] / 100])
            elif rule.get("kind") == "deviations":
                low, high = x.mean() - rule["count"] * x.std(), x.mean() + rule["count"] * x.std()
            else:
                low, high = rule[kind]
            x = ((x.astype(float) - low) / (high - low)).clip(0, 1)
        elif step == "convert" and len(x) > given["channels"]:
            x = np.tensordot(rule["grey_from_colour"], x.astype(float), 1)[None]
            x = np.rint(x) if rule.get("rounded") else x
        elif step == "convert":
            x = np.broadcast_to(x, (given["channels"], *x.shape[1:]))
        elif step == "resize" and rule["fit"] == "stretch":
            x = resized(x, rule["size"], rule)
        elif step == "resize" and rule["fit"] == "pad":
            x = resized(x, fitted(x.shape[1:], rule["size"]), rule)
        elif step == "resize" and x.shape[1:] != tuple(rule["size"]):
            height, width = rule["size"]
            times = max(height / x.shape[1], width / x.shape[2]) / rule["crop"]
            size = max(height, round(x.shape[1] * times)), max(width, round(x.shape[2] * times))
            top, left = (size[0] - height) // 2, (size[1] - width) // 2
            x = resized(x, size, rule).clip(0, 1)[:, top : top + height, left : left + width]
        elif step == "normalise":
            x = (x - np.array(rule["mean"])[:, None, None]) / np.array(rule["std"])[:, None, None]
        elif step == "pad":
            spare = [max(want - have, 0) for want, have in zip(rule["size"], x.shape[1:], strict=True)]
            x = np.pad(x, [(0, 0), *[(n // 2, n - n // 2) for n in spare]], constant_values=rule["value"])
    return x[None].astype(given["dtype"])


def fitted(shape, size):
    """The largest height and width of a shape's aspect within a size."""
    times = min(want / have for want, have in zip(size, shape, strict=True))
    return tuple(max(1, round(have * times)) for have in shape)


def answered(path, pixels):
    """The output for one picture, with what the file says of it."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    given, made = json.loads(told["input"]), json.loads(told["output"])
    (logits,) = session.run([made["name"]], {given["name"]: prepared(pixels, given)})
    return logits[0], made, given


def mask_of(path, pixels):
    logits, made, given = answered(path, pixels)
    assert made["resize"]["crop"] == "pad"
    if given["resize"]["fit"] == "pad":
        height, width = fitted(pixels.shape[:2], given["resize"]["size"])
        top, left = (logits.shape[1] - height) // 2, (logits.shape[2] - width) // 2
        logits = logits[:, top : top + height, left : left + width]
    logits = resized(logits.astype(float), pixels.shape[:2], made["resize"])
    if made["decision"] == "argmax":
        return logits.argmax(0)
    return 255 * (1 / (1 + np.exp(-logits[0])) > made["threshold"])


def pictures(folder, channels):
    """Files of several sizes and depths."""
    draw = np.random.default_rng(0)
    smooth = np.kron(draw.integers(0, 256, (6, 5, 3)), np.ones((4, 7, 1))).astype(np.uint8)
    files = {
        "larger.png": smooth,
        "smaller.png": smooth[:9, :11],
        "right.png": smooth[:16, :16],
        "grey.png": smooth[..., 0],
        "deep.tif": smooth[..., 0].astype(np.uint16) * 90,
    }
    for name, pixels in files.items():
        Image.fromarray(pixels).save(folder / name)
    return files


@pytest.mark.parametrize(("channels", "fit"), [(1, "pad"), (3, "pad"), (3, "stretch")])
def test_masks_from_the_file_alone(recipe, tmp_path, channels, fit):
    data, optimiser = replace(recipe.data, channels=channels, fit=fit), replace(recipe.optimiser, learning_rate=0.05)
    recipe = replace(recipe, epochs=8, data=data, optimiser=optimiser)
    train(recipe, tmp_path / "run", progress=False)
    folder = RunFolder(tmp_path / "run")
    folder.write_config(folder.read_recipe(), {**folder.read_facts(), "window": (100.0, 20000.0)})
    to_onnx(deploy(tmp_path / "run"), None, tmp_path / "tiny.onnx")
    files = pictures(tmp_path, channels)
    predict(tmp_path / "run", [tmp_path / name for name in files], tmp_path / "masks")
    means = []
    for name, pixels in files.items():
        expected = np.asarray(Image.open(tmp_path / "masks" / f"{name[:-4]}_mask.png"))
        means.append(expected.mean())
        np.testing.assert_array_equal(mask_of(tmp_path / "tiny.onnx", pixels), expected, name)
    assert any(0 < mean < 255 for mean in means)


@pytest.mark.parametrize(
    "intensity",
    [
        Intensity(scale="percentiles", low=5, high=90, over="picture"),
        Intensity(scale="zscore", over="picture"),
        Intensity(scale="zscore"),
        Intensity(scale="window", low=40, high=180),
    ],
    ids=str,
)
def test_intensities_from_the_file_alone(recipe, tmp_path, intensity):
    recipe = replace(recipe, epochs=6, data=replace(recipe.data, intensity=intensity))
    train(replace(recipe, optimiser=replace(recipe.optimiser, learning_rate=0.05)), tmp_path / "run", progress=False)
    to_onnx(deploy(tmp_path / "run"), None, tmp_path / "tiny.onnx")
    files = pictures(tmp_path, 1)
    if intensity.over == "set":
        files.pop("deep.tif")
    predict(tmp_path / "run", [tmp_path / name for name in files], tmp_path / "masks")
    for name, pixels in files.items():
        expected = np.asarray(Image.open(tmp_path / "masks" / f"{name[:-4]}_mask.png"))
        assert (mask_of(tmp_path / "tiny.onnx", pixels) != expected).mean() < 2e-3, name  # some logits are next to 0


def test_what_the_file_of_a_run_says(recipe, tmp_path):
    train(replace(recipe, epochs=1), tmp_path / "run", progress=False)
    to_onnx(deploy(tmp_path / "run"), None, tmp_path / "tiny.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "tiny.onnx"), providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    assert told["task"] == "segmentation"
    assert told["edgewise"].startswith("0.")
    assert json.loads(told["model"])["name"] == "tiny"
    given, made = json.loads(told["input"]), json.loads(told["output"])
    assert (given["size"], given["size_free"], given["colour_order"]) == ([16, 16], True, "grey")
    assert (made["classes"], made["threshold"]) == (["background", "foreground"], 0.5)
    assert [(i.name, i.shape) for i in session.get_inputs()] == [("image", ["batch", 1, "height", "width"])]
    assert [(o.name, o.shape) for o in session.get_outputs()] == [("logits", ["batch", 1, "height", "width"])]


def test_several_classes_are_chosen_by_the_largest_logit(tmp_path, networks):
    for part in ("images", "masks"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for number in range(20):
        draw = np.random.default_rng(number)
        labels = np.kron(draw.integers(0, 3, (4, 4)), np.ones((4, 4))).astype(np.uint8)
        Image.fromarray((labels * 100 + draw.integers(0, 30, labels.shape)).astype(np.uint8)).save(
            tmp_path / "data" / "images" / f"{number:02d}.png"
        )
        Image.fromarray(labels).save(tmp_path / "data" / "masks" / f"{number:02d}.png")
    data = MaskedData(name="folder", root=str(tmp_path / "data"), size=(16, 16), channels=1, classes=3)
    from edgewise.vision import SegmentationRecipe

    recipe = SegmentationRecipe(data=data, model=Model(name="tiny"), machine=Machine(accelerator="cpu"), epochs=3)
    train(recipe, tmp_path / "run", progress=False)
    to_onnx(deploy(tmp_path / "run"), None, tmp_path / "tiny.onnx")
    files = pictures(tmp_path, 1)
    predict(tmp_path / "run", [tmp_path / name for name in list(files)[:4]], tmp_path / "masks")
    for name, pixels in list(files.items())[:4]:
        expected = np.asarray(Image.open(tmp_path / "masks" / f"{name[:-4]}_mask.png"))
        np.testing.assert_array_equal(mask_of(tmp_path / "tiny.onnx", pixels), expected, name)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (Model(name="kan", options={"width": [144, 4, 2]}), {"channels": 1}),
        (Model(name="cnn", options={"width": 4}), {"channels": 3, "crop": 0.8, "normalise": "imagenet"}),
    ],
)
def test_classes_from_the_file_alone(tmp_path, model, settings):
    for number in range(20):
        draw = np.random.default_rng(number)
        folder = tmp_path / "data" / ("dark", "light")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 60, (12, 12, 3)) + 120 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    data = LabelledData(name="imagefolder", root=str(tmp_path / "data"), size=(12, 12), classes=2, **settings)
    machine = Machine(accelerator="cpu")
    train(
        ClassificationRecipe(data=data, model=model, optimiser=AdamW(), machine=machine, epochs=1, batch_size=4),
        tmp_path / "run",
        progress=False,
    )
    to_onnx(deploy(tmp_path / "run"), None, tmp_path / "model.onnx")
    files = {name: pixels for name, pixels in pictures(tmp_path, 3).items() if name != "deep.tif"}
    predict(tmp_path / "run", [tmp_path / name for name in files], tmp_path / "out")
    with (tmp_path / "out" / "predictions.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    for row, (name, pixels) in zip(rows, files.items(), strict=True):
        logits, made, _ = answered(tmp_path / "model.onnx", pixels)
        chances = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        assert made["classes"][chances.argmax()] == row["class"], name
        assert chances.max() == pytest.approx(float(row["probability"]), abs=1e-4), name


def test_an_unfinished_run_is_exported_with_a_warning(recipe, tmp_path):
    with pytest.raises(InterruptedError):
        train(recipe, tmp_path / "run", progress=False, callbacks=[StopAfter(0)])
    with pytest.warns(EdgewiseWarning, match="1 of 4 epochs are done"):
        deploy(tmp_path / "run")


def test_the_resizing_of_this_test_is_that_of_torch():
    x = np.random.default_rng(0).uniform(size=(2, 23, 31))
    for method, antialias in (("bilinear", True), ("bilinear", False), ("bicubic", True)):
        for size in ((10, 40), (23, 7), (60, 62)):
            expected = torch.nn.functional.interpolate(torch.tensor(x)[None], size, mode=method, antialias=antialias)[0]
            found = resized(x, size, {"method": method, "antialias": antialias})
            np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
