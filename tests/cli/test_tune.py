import re
import shlex

import numpy as np
import pytest
from PIL import Image

from edgewise.cli import main
from edgewise.vision import RunFolder
from edgewise.vision.tuning import command_line, read_tuning


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A study of two trials of a network on bright and dark pictures, 8 x 8."""
    root = tmp_path_factory.mktemp("brightness")
    for name, level in (("bright", 150), ("dark", 100)):
        (root / name).mkdir()
        for number in range(20):
            pixels = np.random.default_rng(number).normal(level, 25, (8, 8)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    text = f"mnist --data.name imagefolder --data.root {root} --data.size 8 8 --data.classes 2 --epochs 2 --batch-size 4"
    model = ["--model.options", '{"width": [64, 3, 2]}', "--machine.accelerator", "cpu"]
    space = "--space.bases bspline chebyshev --space.functions 4 6 --space.width None --pruner none"
    return [*text.split(), *model, *space.split(), "--trials", "2"]


@pytest.fixture(scope="module")
def study(tmp_path_factory, words):
    folder = tmp_path_factory.mktemp("studies") / "first"
    assert main(["tune", *words, "--run", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_it_goes_on_and_says_what_is_best(study, words, capsys):
    assert main(["tune", *words, "--run", str(study), "--trials", "3"]) == 0
    text = capsys.readouterr().out
    tuning = read_tuning(study)
    assert [line.split()[1] for line in text.splitlines() if line.startswith("trial 0")] == ["0002"]
    assert [trial.state for trial in tuning.trials] == ["complete"] * 3
    assert set(tuning.trials[0].settings) == {"basis", "functions", "learning_rate", "coefficient_factor"}
    assert all(4 <= trial.settings["functions"] <= 6 for trial in tuning.trials)
    rows = re.findall(r"^(\d{4}) .* ([01]\.\d{4})$", text, re.M)
    assert [(int(index), float(score)) for index, score in rows] == [
        (trial.index, round(trial.score, 4)) for trial in sorted(tuning.trials, key=lambda t: (-t.score, t.index))
    ]
    assert f"best run: {tuning.best_run}; report: {study / 'report.html'}" in text
    assert (study / "report.html").is_file()


@pytest.mark.slow
def test_its_command_line_trains_the_best_setting(study, capsys):
    tuning = read_tuning(study)
    program, *rest = shlex.split(command_line(tuning.best_recipe, str(study.parent / "best"), start="mnist"))
    assert program == "edgewise"
    assert main(rest) == 0
    best, again = RunFolder(tuning.best_run), RunFolder(study.parent / "best")
    assert again.read_recipe() == best.read_recipe()
    assert again.read_result().best == best.read_result().best
    assert main(["evaluate", str(tuning.best_run)]) == 0
    assert "Top-1" in capsys.readouterr().out


@pytest.mark.slow
def test_segmentation_is_tuned_too(settings, tmp_path, capsys):
    assert main(["tune", *settings, "--run", str(tmp_path / "study"), "--trials", "2"]) == 0
    text = capsys.readouterr().out
    tuning = read_tuning(tmp_path / "study")
    assert [set(trial.settings) for trial in tuning.trials] == [{"width", "learning_rate", "coefficient_factor"}] * 2
    assert tuning.best.score == RunFolder(tuning.best_run).read_result().best
    assert "--model.name ukan" in text.splitlines()[-1]


def test_help_lists_recipes_and_the_ranges(capsys):
    assert main(["tune"]) == 2
    assert main(["tune", "--help"]) == 0
    assert "\nmnist " in capsys.readouterr().out
    assert main(["tune", "busi", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--space.learning-rate {None}|{FLOAT FLOAT}" in text
    assert "(default: bspline gaussian_rbf chebyshev fourier)" in text


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("mnist --run a --space.bases bsplin", 2, "unknown basis 'bsplin'; did you mean 'bspline'?"),
        ("mnist --run a --trials 0", 1, "trials is 0 and must be at least 1"),
        ("mnist --run a --space.width 2 1", 2, "space.width is (2.0, 1.0) and must be two positive numbers"),
        ("vit-tiny-karat --run a --model.name vit_micro", 1, "has neither basis nor width to tune"),
        ("mnis --run a", 1, "did you mean 'mnist'?"),
        ("mnist", 2, "--run"),
    ],
)
def test_wrong_words_are_errors_that_say_what_is_wrong(tmp_path, monkeypatch, capsys, words, code, told):
    monkeypatch.chdir(tmp_path)
    assert main(["tune", *words.split()]) == code
    assert told in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not list(tmp_path.iterdir())
