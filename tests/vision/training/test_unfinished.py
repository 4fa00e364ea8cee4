"""What is asked of a run that is not finished comes with a word."""

from dataclasses import replace

import pytest

from edgewise._ground.errors import CheckpointError, EdgewiseWarning
from edgewise.vision import Model, Predictor, evaluate, predict, train, tune_threshold, write_report
from tests.vision.training.test_run import StopAfter


@pytest.fixture
def stopped(recipe, tmp_path):
    with pytest.raises(InterruptedError):
        train(recipe, tmp_path / "stopped", progress=False, callbacks=[StopAfter(1)])
    return tmp_path / "stopped"


def test_scores_masks_and_weights_of_it_are_given_with_a_warning(recipe, discs, stopped, tmp_path):
    picture, other = discs / "images" / "03.png", replace(recipe, model=Model(name="tiny", start={"": str(stopped)}))
    for ask in (
        lambda: evaluate(stopped),
        lambda: Predictor.from_run(stopped),
        lambda: predict(stopped, [picture], tmp_path / "masks"),
        lambda: train(other, tmp_path / "other", progress=False),
    ):
        with pytest.warns(EdgewiseWarning, match=r"is not finished, 2 of 4 epochs are done"):
            ask()


def test_no_report_is_written_on_it(stopped, tmp_path):
    with pytest.raises(CheckpointError, match="is not finished: resume it"):
        write_report([stopped], tmp_path / "report.html")


def test_no_threshold_is_chosen_on_it(stopped):
    with pytest.raises(CheckpointError, match="is not finished: resume it"):
        tune_threshold(stopped)
    assert not (stopped / "threshold.json").exists()


def test_before_the_first_epoch_there_is_nothing_to_ask(recipe, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "run", progress=False, callbacks=[StopAfter(-1, KeyboardInterrupt)])
    with pytest.raises(CheckpointError, match=r"has done 0 of 4 epochs: resume it first"):
        evaluate(tmp_path / "run")


def test_a_run_that_stopped_early_is_finished(recipe, tmp_path):
    recipe = replace(recipe, epochs=30, patience=1, optimiser=replace(recipe.optimiser, learning_rate=1e-9))
    assert train(recipe, tmp_path / "run", progress=False).epochs < 30
    evaluate(tmp_path / "run")
