"""How a run goes on: longer than it was planned, or not at all where what it goes on from is lost."""

import json
from dataclasses import replace

import pytest
import torch

from edgewise._ground.errors import CheckpointError, ConfigError, DataError, EdgewiseWarning
from edgewise.models.registry import MODELS
from edgewise.models.takes import Pictures
from edgewise.vision import Model, RunFolder, train
from tests.vision.training.test_run import StopAfter, assert_same_run


def falling(start, end, epochs):
    """The cosine, by torch's own schedule."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=start)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs, end)
    rates = []
    for _ in range(epochs):
        rates.append(cosine.get_last_lr()[0])
        optimiser.step()
        cosine.step()
    return rates


def rates(run):
    return [line["learning_rate"] for line in RunFolder(run).read_metrics()]


def test_a_finished_run_is_made_longer_and_follows_the_schedule_of_the_longer_run(recipe, tmp_path, capsys):
    run, settings = tmp_path / "run", recipe.optimiser
    first = train(recipe, run, progress=False)
    before = RunFolder(run).read_metrics()
    longer = replace(recipe, epochs=7)
    result = train(longer, run, resume=True)
    now, then = falling(settings.learning_rate, settings.final_learning_rate, 7)[4], settings.final_learning_rate
    said = f"7 epochs now, 4 done: learning rates follow the schedule of 7 epochs from here, {then:.3g} becomes {now:.3g}"
    assert said in capsys.readouterr().err
    assert (first.epochs, result.epochs) == (4, 7)
    lines = RunFolder(run).read_metrics()
    assert lines[:4] == before
    assert [line["epoch"] for line in lines] == list(range(7))
    assert RunFolder(run).read_recipe() == longer
    ends = settings.learning_rate, settings.final_learning_rate
    assert rates(run) == pytest.approx([*falling(*ends, 4), *falling(*ends, 7)[4:]], rel=1e-6)
    assert result.best == max(line["val_iou"] for line in lines)
    assert train(longer, run, resume=True, progress=False) == result


def test_a_run_made_longer_and_stopped_ends_with_the_same_bits(recipe, tmp_path):
    for run in ("whole", "stopped"):
        train(recipe, tmp_path / run, progress=False)
    longer = replace(recipe, epochs=7)
    train(longer, tmp_path / "whole", resume=True, progress=False)
    with pytest.raises(InterruptedError):
        train(longer, tmp_path / "stopped", resume=True, progress=False, callbacks=[StopAfter(5)])
    train(longer, tmp_path / "stopped", resume=True, progress=False)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_an_unfinished_run_may_be_made_longer_too(recipe, tmp_path):
    with pytest.raises(InterruptedError):
        train(recipe, tmp_path / "run", progress=False, callbacks=[StopAfter(1)])
    assert train(replace(recipe, epochs=6), tmp_path / "run", resume=True, progress=False).epochs == 6


def test_a_run_that_patience_stopped_is_not_made_longer_by_epochs(recipe, tmp_path):
    recipe = replace(recipe, epochs=30, patience=1, optimiser=replace(recipe.optimiser, learning_rate=1e-9))
    result = train(recipe, tmp_path / "run", progress=False)
    with pytest.raises(CheckpointError, match=f"stopped after {result.epochs} of 30 epochs, since patience is 1"):
        train(replace(recipe, epochs=40), tmp_path / "run", resume=True, progress=False)
    assert RunFolder(tmp_path / "run").read_result() == result


@pytest.mark.parametrize("done", [1, 3])
def test_a_lost_checkpoint_is_no_new_start(recipe, tmp_path, done):
    run = tmp_path / "run"
    with pytest.raises(InterruptedError):
        train(recipe, run, progress=False, callbacks=[StopAfter(done - 1)])
    RunFolder(run).checkpoint.unlink()
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(CheckpointError, match=rf"last\.ckpt is lost, .* after its {done} epochs") as caught:
        train(recipe, run, resume=True, progress=False)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    start = json.loads(str(caught.value).partition("model.start=")[2])
    with pytest.warns(EdgewiseWarning, match="is not finished"):  # as it says, and on request alone
        train(replace(recipe, epochs=1, model=Model(name="tiny", start=start)), tmp_path / "other", progress=False)


def test_a_finished_run_without_its_checkpoint_is_finished_and_not_made_longer(recipe, tmp_path):
    result = train(replace(recipe, epochs=2), tmp_path / "run", progress=False)
    RunFolder(tmp_path / "run").checkpoint.unlink()
    assert train(replace(recipe, epochs=2), tmp_path / "run", resume=True, progress=False) == result
    with pytest.raises(CheckpointError, match=r"last\.ckpt is lost"):
        train(recipe, tmp_path / "run", resume=True, progress=False)


@pytest.mark.parametrize("file", ["last.ckpt", "metrics.jsonl"])
def test_killed_between_the_files_of_an_epoch_it_goes_on(recipe, tmp_path, file):
    """Whichever is the first that is not written any more."""
    train(recipe, tmp_path / "whole", progress=False)
    run = tmp_path / "run"
    with pytest.raises(InterruptedError):
        train(recipe, run, progress=False, callbacks=[StopAfter(1)])
    folder = RunFolder(run)
    old = folder.checkpoint.read_bytes(), folder.metrics.read_bytes()
    with pytest.raises(InterruptedError):
        train(recipe, run, resume=True, progress=False, callbacks=[StopAfter(2)])
    if file == "last.ckpt":
        folder.checkpoint.write_bytes(old[0])
    folder.metrics.write_bytes(old[1])
    train(recipe, run, resume=True, progress=False)
    assert_same_run(tmp_path / "whole", run)


class Picky(torch.nn.Conv2d):
    """Fails on its first batch of training, and not when it is looked at."""

    def forward(self, x):
        if self.training:
            raise RuntimeError("not today")
        return super().forward(x)


@pytest.fixture
def picky():
    MODELS.register("picky", takes=Pictures(dense=True))(lambda in_channels=1, num_classes=1: Picky(1, 1, 1))
    yield
    MODELS.unregister("picky")


def refused(recipe, data):
    return [
        (replace(recipe, data=replace(recipe.data, size=(63, 65)), model=Model(name="ukan")), ConfigError),
        (replace(recipe, model=Model(name="nothing")), ConfigError),
        (replace(recipe, model=Model(name="mlp")), ConfigError),
        (replace(recipe, data=replace(recipe.data, root="/nowhere")), DataError),
        (replace(recipe, machine=replace(recipe.machine, accelerator="abacus")), ConfigError),
        (replace(recipe, model=Model(name="picky")), RuntimeError),
        (replace(recipe, model=Model(name="tiny", start={"": "/nowhere"})), CheckpointError),
    ]


@pytest.mark.parametrize("case", range(7))
def test_a_refused_start_leaves_the_folder_as_it_was(recipe, discs, picky, tmp_path, case):
    asked, error = refused(recipe, discs)[case]
    with pytest.raises(error):
        train(asked, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
    (tmp_path / "there").mkdir()
    with pytest.raises(error):
        train(asked, tmp_path / "there", progress=False)
    assert {path.name for path in (tmp_path / "there").iterdir()} <= {"lock"}
    for folder in ("run", "there"):
        train(replace(recipe, epochs=1), tmp_path / folder, progress=False)


def test_what_lay_in_a_folder_stays_when_a_start_is_refused(recipe, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"mine")
    with pytest.raises(CheckpointError, match="is not empty"):
        train(recipe, tmp_path, progress=False)
    assert (tmp_path / "model.safetensors").read_bytes() == b"mine"


def test_sides_that_a_network_cannot_take_are_named_before_anything_is_written(recipe, tmp_path):
    asked = replace(recipe, data=replace(recipe.data, size=(63, 65)), model=Model(name="ukan"))
    with pytest.raises(ConfigError, match=r"cannot take .* 63 x 65 pixels .*multiples of 32.*: change data\.size"):
        train(asked, tmp_path / "run", progress=False)
