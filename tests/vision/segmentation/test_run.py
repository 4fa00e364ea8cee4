"""What the settings of a training do to a run, and that it ends with the same bits if it was stopped."""

from dataclasses import replace

import lightning.pytorch as pl
import pytest
import torch
from safetensors.torch import load_file

from edgewise._ground.errors import ConfigError
from edgewise.io import load_model
from edgewise.vision import Loss, MaskedAugment, RunFolder, train
from edgewise.vision.training.reopen import reopen
from tests.vision.training.test_resuming import falling, rates
from tests.vision.training.test_run import StopAfter, assert_same_run

VARIED = {
    "strong": {"augment": MaskedAugment(preset="strong", probability=0.7), "oversample": 1.0},
    "averaged": {"ema": 0.9, "loss": Loss(name="focal", weights="balanced")},
}


@pytest.mark.parametrize("kind", VARIED)
def test_resumed_it_ends_with_the_same_bits(recipe, tmp_path, kind):
    recipe = replace(recipe, epochs=3, optimiser=replace(recipe.optimiser, warmup_epochs=2), **VARIED[kind])
    train(recipe, tmp_path / "whole", progress=False)
    with pytest.raises(InterruptedError):
        train(recipe, tmp_path / "run", progress=False, callbacks=[StopAfter(0)])
    torch.manual_seed(99)
    train(recipe, tmp_path / "run", resume=True, progress=False)
    assert_same_run(tmp_path / "whole", tmp_path / "run")


def test_rates_rise_in_a_line_and_then_follow_the_cosine(recipe, tmp_path):
    settings = replace(recipe.optimiser, warmup_epochs=2)
    train(replace(recipe, optimiser=settings, epochs=5), tmp_path, progress=False)
    cosine = falling(settings.learning_rate, settings.final_learning_rate, 5)
    assert rates(tmp_path) == pytest.approx([cosine[0] / 3, cosine[1] * 2 / 3, *cosine[2:]], rel=1e-6)


class Follow(pl.Callback):
    """The average, by its definition, and the weights themselves."""

    def __init__(self):
        self.steps, self.mean = 0, []

    def on_train_batch_end(self, trainer, pl_module, *args):
        self.live = [value.detach().clone() for value in pl_module.learner.network.state_dict().values()]
        decay = min(0.8, (1 + self.steps) / (10 + self.steps)) if self.steps else 0.0
        whole = zip(self.mean or self.live, self.live, strict=True)
        self.mean = [decay * mean + (1 - decay) * live if live.is_floating_point() else live for mean, live in whole]
        self.steps += 1


def test_the_average_is_what_is_validated_and_kept(recipe, tmp_path):
    spy = Follow()
    train(replace(recipe, ema=0.8), tmp_path / "run", progress=False, callbacks=[spy])
    kept = load_file(tmp_path / "run" / "last.safetensors")
    network = load_model(tmp_path / "run" / "last.safetensors").eval()
    for name, mean, live in zip(network.state_dict(), spy.mean, spy.live, strict=True):
        torch.testing.assert_close(kept[name], mean, rtol=1e-5, atol=1e-6)
        assert torch.equal(kept[name], live) == (not live.is_floating_point()), name
    opened, last = reopen(tmp_path / "run"), RunFolder(tmp_path / "run").read_metrics()[-1]
    ((images, truth),) = opened.batches(count=100, size=100)
    with torch.no_grad():
        assert opened.criterion()(network(images), truth).item() == pytest.approx(last["val_loss"], rel=1e-5)


def test_the_score_asked_for_chooses_the_epoch_and_stops_the_run(recipe, tmp_path):
    result = train(replace(recipe, score="image_f1"), tmp_path / "run", progress=False)
    lines = RunFolder(tmp_path / "run").read_metrics()
    best = max(lines, key=lambda line: line["val_image_f1"])
    assert (result.score, result.best, result.best_epoch) == ("val_image_f1", best["val_image_f1"], best["epoch"])
    slow = replace(recipe.optimiser, learning_rate=1e-9, coefficient_learning_rate=1e-9, final_learning_rate=0.0)
    still = replace(recipe, score="image_f1", optimiser=slow, patience=1, epochs=30)
    result = train(still, tmp_path / "still", progress=False)
    scores = [line["val_image_f1"] for line in RunFolder(tmp_path / "still").read_metrics()]
    assert result.epochs == len(scores) == result.best_epoch + 2 < 30
    assert scores[:-1] == sorted(set(scores[:-1]))
    assert scores[-1] <= scores[-2]


def test_settings_that_cannot_be_are_refused(recipe):
    with pytest.raises(ConfigError, match=r"optimiser\.warmup_epochs is 4 and must be below epochs, 4"):
        replace(recipe, optimiser=replace(recipe.optimiser, warmup_epochs=4))
    with pytest.raises(ConfigError, match=r"ema is 1\.0 and must be between 0 and 1, or none"):
        replace(recipe, ema=1.0)
