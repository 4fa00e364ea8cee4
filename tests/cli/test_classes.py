"""The commands on a classification run."""

import json

import numpy as np
import pytest
from PIL import Image

from edgewise import EdgewiseWarning
from edgewise.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Bright and dark pictures, 8 x 8, fifteen of each."""
    folder = tmp_path_factory.mktemp("classes")
    for name, level in (("bright", 190), ("dark", 60)):
        (folder / name).mkdir()
        for number in range(15):
            pixels = np.random.default_rng(number).normal(level, 25, (8, 8)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def words(root):
    settings = (
        f"mnist --data.name imagefolder --data.root {root} --data.size 8 8 --data.classes 2 --epochs 8 --batch-size 4"
    )
    model = ["--model.options", '{"width": [64, 3, 2]}', "--machine.accelerator", "cpu"]
    return [*settings.split(), "--optimiser.learning-rate", "0.01", *model]


@pytest.fixture(scope="module")
def run(tmp_path_factory, words):
    folder = tmp_path_factory.mktemp("runs") / "first"
    assert main(["train", *words, "--run", str(folder), "--baseline"]) == 0
    return folder


def test_the_baseline_is_trained_beside_it_and_stands_in_the_report(run, words, capsys):
    assert main(["train", *words, "--run", str(run), "--baseline", "--resume"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (kan,), (mlp,) = ([line for line in lines if line.startswith(name)] for name in ("kan ", "mlp "))
    assert float(kan.split()[2]) == float(mlp.split()[2]) == 1.0
    assert int(mlp.split()[1].replace(",", "")) == pytest.approx(int(kan.split()[1].replace(",", "")), rel=0.05)
    assert (run / "baseline" / "model.safetensors").is_file()
    assert "mlp" in (run / "report.html").read_text()


def test_a_baseline_of_equal_time_is_not_measured_again_when_it_is_resumed(words, tmp_path, monkeypatch):
    words = [*words, "--run", str(tmp_path / "run"), "--baseline", "--match", "time", "--epochs", "1"]
    assert main(["train", *words]) == 0
    started = (tmp_path / "run/baseline/config.json").read_text()
    monkeypatch.setattr("edgewise.vision.classification.task.matched_baseline", None)
    assert main(["train", *words, "--resume"]) == 0
    assert (tmp_path / "run/baseline/config.json").read_text() == started


def test_it_is_scored(run, root, tmp_path, capsys):
    assert main(["evaluate", str(run), "--out", str(tmp_path / "scores.json")]) == 0
    assert "Top-1 1.0000" in " ".join(capsys.readouterr().out.split())
    assert json.loads((tmp_path / "scores.json").read_text())["confusion"] == [[3, 0], [0, 3]]
    with pytest.warns(EdgewiseWarning, match=r"pictures .* are on the training or validation side of the run"):
        assert main(["evaluate", str(run), "--data", "imagefolder", "--root", str(root)]) == 0
    assert "30 pictures" in capsys.readouterr().out


def test_it_names_pictures(run, root, tmp_path, capsys):
    assert main(["predict", str(run), str(root / "dark" / "3.png"), "--out", str(tmp_path / "out")]) == 0
    assert "1 of 1 pictures named and written to" in capsys.readouterr().out
    assert "dark" in (tmp_path / "out" / "predictions.csv").read_text().splitlines()[1]


def test_it_is_compared_with_its_score(run, capsys):
    assert main(["compare", "--runs", str(run / "baseline"), "--channels", "1", "--rounds", "1", "--size", "8"]) == 0
    text = capsys.readouterr().out
    assert "top-1" in text
    assert "IoU" not in text


def test_it_is_compared_at_its_own_size_only(run, capsys):
    assert main(["compare", "--runs", str(run), "--channels", "1", "--size", "9"]) == 1
    assert "takes pictures of (8, 8) pixels and --size is 9" in capsys.readouterr().err


def test_the_dataset_is_described(root, capsys):
    assert main(["data", "imagefolder", "--root", str(root)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "classes 2, from 15 (bright) to 15 (bright) pictures" in text
    assert "22 train, 2 validation, 6 test" in text
    assert "groups unknown" in text
    assert main(["data", "imagefolder", "--root", str(root), "--options", '{"groups": "(.*)"}']) == 0
    assert "groups 15 leaks none known" in " ".join(capsys.readouterr().out.split())


def test_a_segmentation_has_no_plain_baseline(tmp_path, capsys):
    assert main(["train", "nuclei", "--run", str(tmp_path / "run"), "--baseline"]) == 1
    assert "a plain baseline is made for classification" in capsys.readouterr().err
