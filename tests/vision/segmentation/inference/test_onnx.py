import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import nn

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise.export import to_onnx
from edgewise.vision import Decision, Inference, RunFolder, deploy, evaluate, predict, train
from edgewise.vision.data.intensity import Percentiles
from edgewise.vision.data.reading import Levels
from edgewise.vision.segmentation.images import open_split
from edgewise.vision.segmentation.inference.onnx import _facts, open_onnx
from edgewise.vision.segmentation.inference.opening import open_predictor

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

KINDS = {
    "padded": ({"channels": 1}, Decision(smallest=(4,))),
    "stretched": ({"channels": 3, "fit": "stretch"}, Decision(largest_component=True)),
    "tiles": ({"channels": 1, "fit": "tiles", "size": (8, 8)}, Decision()),
}


@pytest.fixture
def pictures(tmp_path):
    """Of several sizes, depths and channels."""
    draw, folder = np.random.default_rng(3), tmp_path / "new"
    (folder / "below").mkdir(parents=True)
    for name, shape in {"grey": (16, 16), "wide": (9, 31), "below/colour": (40, 23, 3), "tiny": (3, 5)}.items():
        Image.fromarray(draw.integers(0, 256, shape).astype(np.uint8)).save(folder / f"{name}.png")
    tifffile.imwrite(folder / "deep.tif", draw.integers(0, 2**16, (21, 20)).astype(np.uint16))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_masks_of_the_file_are_those_of_the_run(kind, recipe, pictures, tmp_path):
    settings, decision = KINDS[kind]
    run = replace(recipe, data=replace(recipe.data, **settings), epochs=1)
    train(run, tmp_path / "run", progress=False)
    folder, of_run = RunFolder(tmp_path / "run"), open_predictor(tmp_path / "run")
    chances = of_run.predictor.probabilities(of_run.read(pictures / "grey.png"))
    decision = replace(decision, threshold=(float(chances.median()),))
    folder.write_config(replace(run, decision=decision), folder.read_facts())
    to_onnx(deploy(tmp_path / "run"), None, tmp_path / "model.onnx", free=() if kind == "tiles" else None)
    first, second = (predict(tmp_path / name, [pictures], tmp_path / f"of {name}") for name in ("run", "model.onnx"))
    assert len(first.masks) == len(second.masks) == 5
    for one, other in zip(first.masks, second.masks, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(other)), np.asarray(Image.open(one)), str(one))
    assert any(0 < np.asarray(Image.open(mask)).mean() < 255 for mask in first.masks)
    of_file = open_predictor(tmp_path / "model.onnx")
    assert (of_file.levels, of_file.colours, of_file.classes) == (of_run.levels, of_run.colours, of_run.classes)
    assert (of_file.predictor.decision, of_file.predictor.symmetry) == (decision.complete, of_run.predictor.symmetry)


@pytest.mark.slow
def test_a_run_and_a_file_are_averaged_as_well(recipe, pictures, tmp_path):
    train(replace(recipe, epochs=1), tmp_path / "run", progress=False)
    to_onnx(deploy(tmp_path / "run"), None, tmp_path / "model.onnx")
    alone, both = (open_predictor([tmp_path / name for name in names]) for names in (["run"], ["run", "model.onnx"]))
    picture = alone.read(pictures / "wide.png")
    np.testing.assert_allclose(both.predictor.probabilities(picture), alone.predictor.probabilities(picture), atol=1e-5)
    test, asked = open_split(recipe.data).test, Inference(turned=True)
    of_run, of_file = (evaluate(tmp_path / name, test, inference=asked) for name in ("run", "model.onnx"))
    assert of_file.scores == pytest.approx(of_run.scores, abs=1e-5)
    mean = evaluate([tmp_path / "run", tmp_path / "model.onnx"])
    assert mean.scores["f1"] == pytest.approx(evaluate(tmp_path / "run").scores["f1"])
    with pytest.raises(ConfigError, match="does not know its test images: say which to score, --data NAME"):
        evaluate(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    "levels",
    [
        Levels(),
        Levels((3.0, 900.0)),
        Levels((3.0, 90.0), shallow=True),
        Levels((0.0, 65535.0)),
        Levels(scale=Percentiles(1, 99)),
    ],
)
def test_levels_survive_the_file(levels):
    made = {"masks": None, "classes": ["a", "b"], "colours": ["#000000", "#ff0000"]}
    assert Levels.noted(_facts({"scaling": json.loads(json.dumps(levels.scaling()))}, made)) == levels


class Plain(nn.Module):
    def forward(self, x):
        return x[:, :1] * 2


def changed(path, **metadata):
    model = onnx.load(path)
    for entry in model.metadata_props:
        entry.value = metadata.get(entry.key, entry.value)
    onnx.save(model, path)


@pytest.mark.slow
def test_foreign_files_are_refused(tmp_path):
    (tmp_path / "text.onnx").write_text("no network")
    to_onnx(Plain(), torch.randn(2, 1, 8, 8), tmp_path / "plain.onnx")
    foreign = onnx.load(tmp_path / "plain.onnx")
    foreign.ClearField("metadata_props")
    onnx.save(foreign, tmp_path / "foreign.onnx")
    for name, message in {
        "none.onnx": "does not exist",
        "text.onnx": "cannot be read as ONNX",
        "foreign.onnx": "was not written by edgewise and makes no masks",
        "plain.onnx": "was not written by edgewise and makes no masks",
    }.items():
        with pytest.raises(CheckpointError, match=message) as caught:
            open_onnx(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_files_that_say_too_little_and_other_devices_are_refused(recipe, tmp_path):
    train(replace(recipe, epochs=1), tmp_path / "run", progress=False)
    path = tmp_path / "model.onnx"
    to_onnx(deploy(tmp_path / "run"), None, path)
    with pytest.raises(ConfigError, match="device is 'cuda' and ONNX files are computed on the cpu"):
        open_onnx(path, "cuda")
    changed(path, task="classification")
    with pytest.raises(CheckpointError, match="is of classification and makes no masks"):
        open_onnx(path)
    changed(path, task="segmentation", output="{}")
    with pytest.raises(CheckpointError, match="says too little of its pictures and masks"):
        open_onnx(path)


def test_runs_that_read_pictures_in_other_ways_do_not_go_together(recipe, tmp_path):
    for name in ("a", "b"):
        train(replace(recipe, epochs=1), tmp_path / "runs" / name, progress=False)
    assert len(open_predictor(tmp_path / "runs").predictor.predictors) == 2
    folder = RunFolder(tmp_path / "runs" / "b")
    folder.write_config(folder.read_recipe(), {**folder.read_facts(), "window": (0.0, 25700.0)})
    with pytest.raises(ConfigError, match=r"b has other levels than .*a"):
        open_predictor(tmp_path / "runs")
