import json
from dataclasses import replace

import pytest

from edgewise import DataError
from edgewise.cli import main
from edgewise.vision import RunFolder, create_recipe, list_recipes


@pytest.mark.slow
def test_a_run_has_its_settings_its_model_and_a_report_of_scores(run, settings, capsys):
    recipe = json.loads((run / "config.json").read_text())["recipe"]
    assert recipe["epochs"] == 1
    assert recipe["data"]["size"] == [32, 32]
    assert recipe["model"] == {"name": "ukan", "options": {"widths": [8, 8, 8]}, "start": {}}
    assert {"model.safetensors", "metrics.jsonl", "report.html"} <= {path.name for path in run.iterdir()}

    assert main(["train", *settings, "--run", str(run), "--resume"]) == 0
    text = capsys.readouterr().out
    assert "grey threshold" in text
    assert "best epoch 1 of 1" in text
    assert str(run / "report.html") in text


@pytest.mark.slow
def test_a_finished_run_is_not_overwritten(run, settings, capsys):
    assert main(["train", *settings, "--run", str(run)]) == 1
    assert f"edgewise: error: {run} already holds a finished run" in capsys.readouterr().err


def test_without_a_recipe_the_recipes_are_listed(capsys):
    assert main(["train", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n{name} " in text for name in list_recipes())
    assert main(["train"]) == 2


def test_the_help_of_a_recipe_shows_every_setting_with_its_value(capsys):
    assert main(["train", "busi", "--help"]) == 0
    text = capsys.readouterr().out
    for option in ("--epochs INT", "--data.size INT INT", "--model.options JSON", "--optimiser.learning-rate FLOAT"):
        assert option in text
    assert "(default: 15)" in text
    assert "Tumours in breast ultrasound" in text


def test_an_unknown_recipe_is_an_error_that_names_the_nearest(capsys):
    assert main(["train", "nucleus"]) == 1
    assert "unknown recipe 'nucleus'; did you mean 'nuclei'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--run", "a", "--epoch", "3"], "--epochs"),
        (["--run", "a", "--epochs", "three"], "invalid literal"),
        (["--run", "a", "--model.options", "[3]"], "is not a JSON object"),
        (["--run", "a", "--model.options", "{x"], "is not JSON"),
        (["--epochs", "3"], "--run"),
    ],
)
def test_wrong_words_are_usage_errors_that_say_what_is_wrong(tmp_path, monkeypatch, capsys, words, told):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "nuclei", *words]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_value_out_of_range_is_an_error_that_says_the_rule(capsys):
    assert main(["train", "nuclei", "--run", "a", "--epochs", "0"]) == 1
    assert capsys.readouterr().err == "edgewise: error: epochs is 0 and must be at least 1\n"


@pytest.mark.slow
def test_a_measure_of_no_baseline_is_an_error(settings, tmp_path, capsys):
    assert main(["train", *settings, "--run", str(tmp_path / "run"), "--match", "flops"]) == 1
    assert "--match is flops and there is no --baseline: leave it out, or give --baseline" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_unknown_model_is_an_error_that_names_the_nearest(tmp_path, settings, capsys):
    assert main(["train", *settings, "--run", str(tmp_path / "a"), "--model.name", "al_ukan"]) == 1
    assert "unknown model 'al_ukan'; did you mean 'all_ukan'?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "ensemble", "tune"])
def test_options_of_a_recipes_model_are_not_those_of_another(tmp_path, monkeypatch, command):
    """What is trained is watched, not trained."""
    asked = []

    def instead(recipe, *_, **__):
        asked.append(recipe.model.options)
        raise DataError("enough")

    names = {"train": "train_and_report", "ensemble": "train_ensemble", "tune": "tune"}
    monkeypatch.setattr(f"edgewise.cli.{command}.{names[command]}", instead)
    words = [command, "volumes", "--data.root", str(tmp_path), "--run", str(tmp_path / "run")]
    for more in ([], ["--model.name", "unet3d"], ["--model.name=unet3d", "--model.options", '{"norm": "batch"}']):
        assert main([*words, *more]) == 1
    assert asked == [create_recipe("volumes").model.options, {}, {"norm": "batch"}]


def test_none_and_the_settings_of_a_run_are_understood(tmp_path, monkeypatch, capsys):
    """What is trained is watched, not trained."""
    asked = []
    instead = lambda recipe, run, resume, plain: asked.append((recipe, resume))  # noqa: E731
    monkeypatch.setattr("edgewise.cli.train.train_and_report", instead)
    run = tmp_path / "run"
    assert main(["train", "busi", "--run", str(run), "--patience", "none", "--epochs", "3"]) == 0
    recipe, resume = asked.pop()
    assert (recipe.patience, recipe.epochs, resume) == (None, 3, False)
    run.mkdir()
    RunFolder(run).write_config(replace(recipe, batch_size=7, data=replace(recipe.data, size=(96, 64))), {})
    for words in (["--resume", "--run", str(run)], ["busi", f"--run={run}", "--resume"]):
        assert main(["train", *words, "--epochs", "9"]) == 0
        recipe, resume = asked.pop()
        assert (recipe.batch_size, recipe.data.size, recipe.epochs, resume) == (7, (96, 64), 9, True)
    assert main(["train", "mnist", "--run", str(run), "--resume"]) == 1
    assert "is a run on 'busi' and recipe 'mnist' is one on 'mnist': leave its name out" in capsys.readouterr().err
    assert main(["train", "--resume", "--run", str(tmp_path / "none")]) == 1
    assert "none holds no run: name the recipe to train" in capsys.readouterr().err
    assert main(["train", "--run", str(run)]) == 1
    assert "no recipe is named: name the recipe to train" in capsys.readouterr().err
    assert not asked


@pytest.mark.slow
def test_a_run_is_resumed_without_its_settings_and_made_longer(settings, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", *settings, "--run", str(run)]) == 0
    assert main(["train", "--resume", "--run", str(run), "--epochs", "2"]) == 0
    assert len(RunFolder(run).read_metrics()) == 2
    assert "of 2, " in capsys.readouterr().out
    assert main(["train", "--resume", "--run", str(run), "--batch-size", "3"]) == 1
    assert "it differs in batch_size" in capsys.readouterr().err
