import json

import numpy as np
import pytest

from edgewise.cli import main

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.slow


def told(path):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.get_inputs()[0].shape, json.loads(session.get_modelmeta().custom_metadata_map["input"])


def test_a_run_becomes_a_file_that_takes_other_sizes_or_its_own(run, tmp_path, capsys):
    assert main(["export", str(run), "--out", str(tmp_path / "free.onnx")]) == 0
    assert f"segmentation, image of 32 x 32 pixels: {tmp_path / 'free.onnx'}" in capsys.readouterr().out
    shape, given = told(tmp_path / "free.onnx")
    assert shape == ["batch", 3, "height", "width"]
    assert (given["size"], given["size_free"], given["size_multiple"]) == ([32, 32], True, 32)
    assert main(["export", str(run), "--out", str(tmp_path / "fixed.onnx"), "--fixed", "--opset", "20"]) == 0
    shape, given = told(tmp_path / "fixed.onnx")
    assert shape == ["batch", 3, 32, 32]
    assert not given["size_free"]


def test_mistakes_are_one_sentence(run, tmp_path, capsys):
    assert main(["export", str(run), "--out", "model.pt"]) == 1
    assert "must end in .onnx" in capsys.readouterr().err
    assert main(["export", str(tmp_path), "--out", str(tmp_path / "m.onnx")]) == 1
    assert str(tmp_path / "config.json") in capsys.readouterr().err


def test_a_fit_becomes_a_file_that_knows_its_columns(tmp_path, capsys):
    rows = np.random.default_rng(0).uniform([1, -3], [2, 5], (60, 2))
    np.savetxt(tmp_path / "t.csv", np.c_[rows, rows @ [2, 3]], delimiter=",", header="mass,speed,work", comments="")
    fit, out = tmp_path / "fit", tmp_path / "fit.onnx"
    assert main(["fit", str(tmp_path / "t.csv"), "--target", "work", "--out", str(fit)]) == 0
    capsys.readouterr()
    assert main(["export", str(fit), "--out", str(out)]) == 0
    assert f"work of mass, speed: {out}" in capsys.readouterr().out
    assert main(["export", str(fit), "--out", str(out), "--fixed"]) == 1
    assert "--fixed is of runs of pictures" in capsys.readouterr().err
    assert main(["predict", str(fit), str(tmp_path / "t.csv"), "--out", str(tmp_path), "--device", "cuda"]) == 1
    assert "a fit is computed on the cpu" in capsys.readouterr().err
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    given, made = json.loads(facts["input"]), json.loads(facts["output"])
    assert (given["columns"], made["columns"], facts["task"]) == (["mass", "speed"], ["work"], "regression")
    assert given["ranges"]["speed"] == [rows[:, 1].min(), rows[:, 1].max()]
    (found,) = session.run(None, {"x": rows.astype(given["dtype"])})
    assert np.abs(found[:, 0] - rows @ [2, 3]).max() < 1e-5 * 19
