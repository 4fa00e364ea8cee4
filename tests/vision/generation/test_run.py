"""A run of generation: trained, resumed, sampled, scored, and what is refused of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from edgewise._ground.errors import CheckpointError, ConfigError, EdgewiseWarning
from edgewise.cli import main
from edgewise.io import load_model
from edgewise.vision import (
    Model,
    RunFolder,
    create_recipe,
    deploy,
    evaluate,
    predict,
    sample,
    train,
    write_report,
)
from edgewise.vision.generation.images import PictureImages, open_run
from edgewise.vision.generation.learner import Denoiser
from edgewise.vision.generation.sample import PictureMaker, sheet
from edgewise.vision.training.reopen import reopen
from tests.vision.generation.conftest import SIDE
from tests.vision.training.test_run import StopAfter, assert_same_run


@pytest.fixture(scope="module")
def run(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "gen"
    train(small, folder, progress=False)
    return folder


def test_it_learns_and_keeps_the_average_of_the_best_epoch(small, tmp_path):
    recipe = replace(small, epochs=8, optimiser=replace(small.optimiser, learning_rate=0.02), ema=0.9)
    result = train(recipe, tmp_path / "run", progress=False)
    lines = RunFolder(tmp_path / "run").read_metrics()
    losses = [line["val_loss"] for line in lines]
    assert losses[-1] < 0.6 * losses[0]
    assert (result.score, result.best) == ("val_fit", -min(losses))
    images, learner = PictureImages(recipe), Denoiser(load_model(tmp_path / "run" / "model.safetensors"), recipe)
    batches = list(images.validation_batches(0, 1))
    sums = [learner.eval().tally(batch)[1] for batch in batches]
    total = {name: sum(part[name] for part in sums) for name in sums[0]}
    assert learner.scores(total)["loss"] == pytest.approx(min(losses), rel=1e-5)


def test_stopped_and_resumed_it_ends_with_the_same_bits(small, run, tmp_path):
    with pytest.raises(InterruptedError):
        train(small, tmp_path / "stopped", progress=False, callbacks=[StopAfter(0)])
    train(small, tmp_path / "stopped", resume=True, progress=False)
    assert_same_run(run, tmp_path / "stopped")


def test_a_seed_gives_the_same_pictures_and_the_first_do_not_depend_on_the_count(run):
    maker = PictureMaker.from_run(run)
    few, many, other = maker(3, seed=5), maker(6, seed=5), maker(3, seed=6)
    assert few.shape == (3, SIDE, SIDE, 1)
    assert few.dtype == np.uint8
    assert np.array_equal(few, maker(3, seed=5))
    assert np.abs(few.astype(int) - many[:3]).max() <= 1  # convolutions add up otherwise in other batches
    assert not np.array_equal(few, other)


def test_samples_are_files_with_a_sheet(run, tmp_path):
    made = sample(run, tmp_path / "out", count=5, seed=2, steps=3, eta=1.0)
    assert [path.name for path in made.pictures] == [f"2_{n:04d}.png" for n in range(5)]
    pixels = np.array(Image.open(made.pictures[4]))
    assert pixels.shape == (SIDE, SIDE)
    whole = np.array(Image.open(made.sheet))
    assert whole.shape == (2 * SIDE + 2, 3 * SIDE + 4)
    assert np.array_equal(whole[SIDE + 2 :, SIDE + 2 : 2 * SIDE + 2], pixels)
    before = [path.read_bytes() for path in made.pictures]
    again = sample(run, tmp_path / "again", count=5, seed=2, steps=3, eta=1.0)
    assert [path.read_bytes() for path in again.pictures] == before
    assert (sheet(np.zeros((1, 2, 2, 3), np.uint8)) == 0).all()


@pytest.fixture(scope="module")
def evaluation(run):
    with pytest.warns(EdgewiseWarning, match="is one of 8 pictures in 32 features, too few for an unbiased one"):
        return evaluate(run)


def test_scores_have_a_floor_of_as_many_held_out_pictures(run, small, evaluation):
    split = open_run(RunFolder(run))
    assert evaluation.count == len(split.test) == len(evaluation.samples) == len(evaluation.real)
    assert evaluation.trained == len(split.train)
    assert evaluation.scores["frechet"] > evaluation.scores["floor"] > 0
    assert evaluation.features == 32
    assert 0 <= evaluation.accuracy <= 1
    assert np.array_equal(evaluation.samples, PictureMaker.from_run(run)(8, 0))
    assert json.loads(json.dumps(evaluation.to_dict()))["scores"] == evaluation.scores
    assert "8 samples and 8 held-out pictures beside 28 training pictures" in evaluation.summary()


def test_a_generator_of_copies_is_found_out(run, monkeypatch):
    """One that repeats training pictures comes below the floor, and each sample is a copy."""
    train_side = PictureImages(RunFolder(run).read_recipe()).train.pictures
    pixels = ((train_side + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    monkeypatch.setattr(PictureMaker, "__call__", lambda maker, count, seed, condition: pixels[:count])
    with pytest.warns(EdgewiseWarning, match="too few"):
        found = evaluate(run)
    assert found.scores["nearest"] == 0 < found.scores["nearest_real"]
    assert found.copies == found.count == 8


def test_the_report_shows_samples_beside_real_pictures(run, tmp_path):
    with pytest.warns(EdgewiseWarning, match="too few"):
        report = write_report([run], tmp_path / "report.html")
    text = report.html.read_text()
    for part in ("Frechet distance", "Samples beside real pictures", "Nearest training pictures", "Learning curves"):
        assert part in text
    with Image.open(report.overview) as overview:
        assert overview.width > 500
    assert report.methods[0].evaluation.count == 8


def test_what_goes_elsewhere_has_two_inputs_and_its_schedule(run, small):
    deployment = deploy(run)
    assert deployment.inputs == ("image", "step")
    assert deployment.metadata["schedule"]["betas"] == small.noise.make().betas.tolist()
    with torch.no_grad():
        assert deployment.network(*deployment.example).shape == (2, 1, SIDE, SIDE)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--count", "0"], "count is 0 and must be at least 1: ask for one picture or more"),
        (["--seed", "-1"], "seed is -1 and must be from 0 to 2**32 - 1"),
        (["--steps", "0"], "sampler.steps is 0 and must be at least 1"),
        (["--eta", "2"], "sampler.eta is 2.0 and must be from 0 (DDIM) to 1 (DDPM)"),
    ],
)
def test_numbers_that_cannot_be_sampled(run, words, told, tmp_path, capsys):
    assert main(["sample", str(run), "--out", str(tmp_path / "out"), *words]) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_makes_pictures(run, tmp_path, capsys):
    assert main(["sample", str(run), "--out", str(tmp_path / "out"), "--count", "2"]) == 0
    assert f"2 pictures: {tmp_path / 'out'}" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0_0000.png", "0_0001.png", "sheet.png"]


def test_a_run_of_another_task_makes_no_pictures(run, tmp_path):
    config = json.loads((run / "config.json").read_text())
    (tmp_path / "other").mkdir()
    other = config | {"recipe": create_recipe("nuclei").to_dict()}
    (tmp_path / "other" / "config.json").write_text(json.dumps(other))
    with pytest.raises(CheckpointError, match="other is a run of segmentation and makes no pictures: give one of"):
        sample(tmp_path / "other", tmp_path / "out")
    with pytest.raises(CheckpointError, match="does not exist: give a folder made by `edgewise train`"):
        sample(tmp_path, tmp_path / "out")


def test_what_a_run_of_generation_cannot_do_is_told(run, hills, tmp_path):
    with pytest.raises(ConfigError, match="makes pictures and reads none: edgewise sample"):
        predict(run, [hills / "00.png"], tmp_path)
    with pytest.raises(ConfigError, match="which its own held-out pictures score: leave out"):
        evaluate(run, open_run(RunFolder(run)).test)
    with pytest.raises(ConfigError, match="the loss of a generation is that of noise put in"):
        reopen(run).criterion()


def test_the_recipe_by_name_says_what_it_trains():
    recipe = create_recipe("generation")
    assert (recipe.data.name, recipe.data.size, recipe.model) == ("pictures", (64, 64), Model(name="ukan_diffusion"))
