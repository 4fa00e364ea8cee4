"""`edgewise analyze` on small runs of all kinds, from the training to the files."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from edgewise.cli import main

pytest.importorskip("timm")

CLASSES = ("bright", "dark")
VIT = {"softmax": ("vit_micro", {}), "learned": ("vit_micro_karat", {"rank": 2})}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Bright and dark pictures, 8 x 8, fifteen of each."""
    folder = tmp_path_factory.mktemp("classes")
    for name, level in zip(CLASSES, (190, 60), strict=True):
        (folder / name).mkdir()
        for number in range(15):
            pixels = np.random.default_rng(number).normal(level, 25, (8, 8)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def classification(root, folder, name, options, *more):
    words = f"mnist --data.name imagefolder --data.root {root} --data.size 8 8 --data.classes 2 --epochs 3 --batch-size 8"
    words += " --data.validation 0.2"
    model = ["--model.name", name, "--model.options", json.dumps(options), "--machine.accelerator", "cpu"]
    assert main(["train", *words.split(), *model, *more, "--run", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def runs(root, tmp_path_factory):
    """A transformer with each kind of attention, all epochs kept."""
    folder = tmp_path_factory.mktemp("runs")
    return {kind: classification(root, folder / kind, *model, "--keep-every", "1") for kind, model in VIT.items()}


@pytest.fixture(scope="module")
def rows_run(root, tmp_path_factory):
    """A KAN of rows, no epoch kept."""
    return classification(root, tmp_path_factory.mktemp("runs") / "kan", "kan", {"width": [64, 2, 2]})


def results(run, name):
    with open(run / "analysis" / f"{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (run / "analysis" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    return rows, json.loads((run / "analysis" / f"{name}.json").read_text())


def test_landscape(runs, capsys):
    run = str(runs["learned"])
    assert main(["analyze", "landscape", run, "--points", "3", "--margin", "0", "--images", "4"]) == 0
    rows, summary = results(runs["learned"], "landscape")
    assert len(rows) == 9
    assert summary["components"] == [1, 2]
    assert summary["points not finite"] == 0
    assert sum(summary["explained by each direction"]) == pytest.approx(1)
    printed = " ".join(capsys.readouterr().out.split())
    assert f"explained by both {summary['explained by both']:.4g}" in printed
    assert "landscape.png, .csv, .json" in printed


def test_landscape_at_the_last_epoch_is_its_loss(runs):
    """The path ends at (0, 0); where a grid meets that point, the loss is the one in the metrics."""
    from edgewise.analysis import Plane, loss_landscape
    from edgewise.vision.training.reopen import reopen

    opened = reopen(runs["softmax"])
    here = Plane(({}, {}), np.zeros(1), np.zeros(1))
    found = loss_landscape(opened.last_kept(), here, opened.batches(100, 8), opened.criterion())
    assert found.loss.item() == pytest.approx(opened.folder.read_metrics()[-1]["val_loss"], rel=1e-5)


def test_landscape_along_random_directions_needs_no_kept_epochs(rows_run):
    assert main(["analyze", "landscape", str(rows_run), "--directions", "random", "--points", "3", "--images", "4"]) == 0
    rows, summary = results(rows_run, "landscape-random")
    assert [float(row["x"]) for row in rows[:3]] == [-1, 0, 1]
    assert "explained" not in summary


def test_path(runs):
    assert main(["analyze", "path", str(runs["learned"]), "--components", "1", "3"]) == 0
    rows, summary = results(runs["learned"], "path")
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3"]
    assert [float(rows[-1][name]) for name in ("PC1", "PC3", "distance")] == [0, 0, 0]
    assert summary["components"] == [1, 3]


def test_weights(runs, capsys):
    assert main(["analyze", "weights", str(runs["learned"]), "--bins", "7"]) == 0
    printed = capsys.readouterr().out
    assert [f"dense weights, epoch {epoch} " in printed for epoch in range(4)] == [True, False, False, True]
    rows, summary = results(runs["learned"], "weights")
    groups = {"attention functions", "attention projectors", "dense weights", "biases and norms", "all weights"}
    assert {row["group"] for row in rows} == set(summary) == groups
    assert len(rows) == 5 * 4 * 7
    size = sum(int(row["count"]) for row in rows if row["group"] == "attention projectors" and row["epoch"] == "3")
    moments = summary["attention projectors"]["epoch 3"]
    assert size == pytest.approx(6 * 2 * 5 * 2 * (1 - moments["outside"]))


@pytest.mark.parametrize("kind", VIT)
def test_attention(runs, kind):
    assert main(["analyze", "attention", str(runs[kind]), "--maps", "2", "--images", "3"]) == 0
    rows, summary = results(runs[kind], "attention")
    assert len(rows) == 2 * 2 * 4
    assert summary["patches"] == [2, 2]
    statistics, means = results(runs[kind], "attention-statistics")
    assert len(statistics) == 6 * 2
    assert (means["all"]["negative"] == 0) == (kind == "softmax")
    assert means["all"]["entropy"] == pytest.approx(np.mean([float(row["entropy"]) for row in statistics]))


@pytest.mark.parametrize(("kind", "least", "most"), [("softmax", 3, 5), ("learned", 2, 2)], ids=VIT)
def test_spectrum(runs, kind, least, most):
    assert main(["analyze", "spectrum", str(runs[kind]), "--images", "3", "--block", "0"]) == 0
    rows, summary = results(runs[kind], "spectrum")
    assert len(rows) == summary["tokens"] == 5
    assert summary["block"] == 0
    assert summary["matrices"] == 3 * 2
    assert least <= summary["least rank after"] <= summary["largest rank after"] <= most


@pytest.mark.parametrize("analysis", ["landscape", "path", "weights"])
def test_what_looks_at_epochs_says_how_to_keep_them(rows_run, capsys, analysis):
    assert main(["analyze", analysis, str(rows_run)]) == 1
    assert "keeps 0 epochs" in (error := capsys.readouterr().err)
    assert "train it with --keep-every 1" in error


@pytest.mark.parametrize("analysis", ["attention", "spectrum"])
def test_what_looks_at_attention_says_what_it_needs(rows_run, capsys, analysis):
    assert main(["analyze", analysis, str(rows_run)]) == 1
    assert "has no attention: a vision transformer is needed" in capsys.readouterr().err


def test_a_segmenter(pictures, settings, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", *settings, "--epochs", "2", "--keep-every", "1", "--run", str(run)]) == 0
    assert main(["analyze", "landscape", str(run), "--points", "2", "--images", "2"]) == 0
    assert main(["analyze", "weights", str(run)]) == 0
    assert {"functions on edges", "dense weights"} <= set(results(run, "weights")[1])
    assert len(results(run, "landscape")[0]) == 4
    assert main(["analyze", "spectrum", str(run)]) == 1
    assert "has no attention" in capsys.readouterr().err


def test_each_analysis_has_a_help_and_a_misspelt_one_names_the_nearest(capsys):
    for name in ("landscape", "path", "weights", "attention", "spectrum"):
        assert main(["analyze", name, "--help"]) == 0
        assert f"edgewise analyze {name} runs/vit" in capsys.readouterr().out
    assert main(["analyze", "spectra", "runs/vit"]) == 1
    assert "unknown analysis 'spectra'; did you mean 'spectrum'?" in capsys.readouterr().err
    assert main(["analyze"]) == 2
