import json
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from edgewise import CheckpointError, ConfigError
from edgewise.export import to_onnx
from edgewise.vision import Decision, Inference, deploy, evaluate, predict, train
from edgewise.vision.data import create_dataset
from edgewise.vision.data.intensity import Intensity
from edgewise.vision.volumes.onnx import open_onnx_volumes
from edgewise.vision.volumes.opening import open_volume_predictor

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["zscore", "percentiles"])
def test_the_masks_of_the_file_are_those_of_the_run(scale, recipe, scans, tmp_path):
    intensity = recipe.data.intensity if scale == "zscore" else Intensity(scale=scale)
    decision = Decision(threshold=(0.4, 0.3), smallest=(3,))
    recipe = replace(recipe, data=replace(recipe.data, intensity=intensity), decision=decision)
    train(recipe, tmp_path / "run", progress=False)
    to_onnx(deploy(tmp_path / "run"), None, tmp_path / "model.onnx", free=())
    inputs = [scans / "imagesTr" / f"case{number}_0000.nii.gz" for number in (0, 3, 4)]
    for name, asked in {"plain": Inference(probabilities=True), "turned": Inference(turned=True)}.items():
        one, other = (
            predict(tmp_path / source, inputs, tmp_path / name / source, inference=asked)
            for source in ("run", "model.onnx")
        )
        for mask, same in zip(one.masks, other.masks, strict=True):
            found, expected = nibabel.load(same), nibabel.load(mask)
            np.testing.assert_array_equal(found.dataobj, expected.dataobj)
            np.testing.assert_array_equal(found.affine, expected.affine)
    of_run, of_file = (open_volume_predictor([tmp_path / source]) for source in ("run", "model.onnx"))
    assert (of_file.levels, of_file.colours, of_file.classes) == (of_run.levels, of_run.colours, of_run.classes)
    assert (of_file.predictor.decision, of_file.predictor.symmetry) == (decision.complete, "mirror")
    both = predict([tmp_path / "run", tmp_path / "model.onnx"], inputs[:1], tmp_path / "both")
    assert len(both.masks) == 1
    dataset = create_dataset("volumes", scans)
    with pytest.warns(UserWarning, match="are on the training or validation side"):
        expected = evaluate(tmp_path / "run", dataset)
    assert evaluate(tmp_path / "model.onnx", dataset).scores == pytest.approx(expected.scores, abs=1e-6)
    with pytest.raises(ConfigError, match=r"does not know its test scans: say which with masks to score, --data NAME"):
        evaluate(tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match="ONNX files are computed on the cpu"):
        open_onnx_volumes(tmp_path / "model.onnx", "cuda")
    model = onnx.load(tmp_path / "model.onnx")
    (entry,) = (each for each in model.metadata_props if each.key == "input")
    entry.value = json.dumps({name: value for name, value in json.loads(entry.value).items() if name != "resample"})
    onnx.save(model, tmp_path / "old.onnx")
    with pytest.raises(CheckpointError, match=r"old\.onnx says too little of its pictures and masks \(KeyError"):
        predict(tmp_path / "old.onnx", inputs, tmp_path / "out")
