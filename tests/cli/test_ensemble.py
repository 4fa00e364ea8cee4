import json

import pytest

from edgewise.cli import ensemble as command
from edgewise.cli import main
from edgewise.vision.data import create_dataset
from edgewise.vision.ensembles.folder import EnsembleFolder
from tests.vision.conftest import discs, networks, one_thread  # noqa: F401 (fixtures)


@pytest.fixture
def words(discs, networks, tmp_path):  # noqa: F811
    shape = ["--data.size", "16", "16", "--data.channels", "1", "--epochs", "1", "--batch-size", "8"]
    return ["ensemble", "folder", "--data.root", str(discs), "--model.name", "tiny", *shape, "--folds", "2",
            "--machine.accelerator", "cpu", "--run", str(tmp_path / "ens")]  # fmt: skip


@pytest.mark.slow
def test_one_command_trains_scores_and_goes_on(words, discs, tmp_path, capsys):  # noqa: F811
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "out of fold" in shown
    assert "fold1-seed0: best epoch 1 of 1, val_iou" in shown
    folder = EnsembleFolder(tmp_path / "ens")
    scores = json.loads(folder.scores.read_text())
    assert len(scores["folds"]) == 2
    low, high = scores["folds"][1]["intervals"]["iou"]
    row = next(line.split() for line in shown.splitlines() if line.startswith("fold 1"))
    assert row[2:] == [
        str(scores["folds"][1]["images"]),
        f"{scores['folds'][1]['scores']['iou']:.4f}",
        *f"{low:.3f} to {high:.3f}".split(),
    ]
    pictures = sum(len(scores[side]["cases"]) for side in ("out_of_fold", "test"))
    assert pictures == len(create_dataset("folder", discs))
    assert main(words) == 1
    assert "already holds an ensemble: resume it" in capsys.readouterr().err
    assert main(["ensemble", "--resume", "--run", str(tmp_path / "ens"), "--seeds", "2"]) == 0
    assert "fold1-seed1" in capsys.readouterr().out
    assert main(["evaluate", str(tmp_path / "ens")]) == 0
    assert f"{json.loads(folder.scores.read_text())['test']['scores']['iou']:.4f}" in capsys.readouterr().out
    pictures = [str(discs / "images" / name) for name in ("00.png", "01.png")]
    assert main(["predict", str(tmp_path / "ens"), *pictures, "--out", str(tmp_path / "masks")]) == 0
    assert (tmp_path / "masks" / "01_mask.png").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--run", "{tmp}"], "no recipe is named: name the recipe to train, edgewise ensemble RECIPE --run DIR"),
        (["--resume", "--run", "{tmp}"], "{tmp} holds no ensemble: name the recipe to train"),
        (
            ["generation", "--run", "{tmp}"],
            "and the recipe is of generation: choose one of these",
        ),
        (["nuclei", "--run", "{tmp}", "--folds", "1"], "folds is 1 and must be at least 2"),
    ],
)
def test_what_cannot_be_is_refused(given, message, tmp_path, capsys):
    assert main(["ensemble", *(word.format(tmp=tmp_path / "ens") for word in given)]) in (1, 2)
    assert message.format(tmp=tmp_path / "ens") in capsys.readouterr().err


def test_help_names_the_recipes_that_have_folds(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    shown = capsys.readouterr().out
    assert "usage: edgewise ensemble RECIPE" in shown
    assert "nuclei" in shown
    assert "mnist" in shown
    assert "\ngeneration " not in shown
