from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from edgewise.vision import RunFolder, train
from edgewise.vision.training.callbacks import KeepRun
from tests.vision.conftest import Tiny
from tests.vision.training.test_run import StopAfter, assert_same_run


class Marked(nn.Module):
    """A module to deploy, whose numbers tell which epoch it is of."""

    def __init__(self):
        super().__init__()
        self.learner = SimpleNamespace(deployed=Tiny())

    def mark(self, epoch):
        with torch.no_grad():
            self.learner.deployed.head.bias.fill_(epoch)


def kept(scores, folder):
    """What is kept after epochs of these scores."""
    keep, module = KeepRun(folder, "val_iou"), Marked()
    for epoch, score in enumerate(scores):
        module.mark(epoch)
        trainer = SimpleNamespace(
            current_epoch=epoch,
            is_global_zero=True,
            callback_metrics={"val_iou": torch.tensor(score)},
            save_checkpoint=lambda path: None,
        )
        keep.on_train_epoch_start(trainer, module)
        keep.on_train_epoch_end(trainer, module)
    return keep


def epoch_of(path):
    return load_file(path)["head.bias"].item()


@pytest.mark.parametrize(
    ("scores", "best"), [([0.5, 0.5], 0), ([0.2, 0.5, 0.5, 0.4], 1), ([0.0, 0.0], 0), ([0.1, 0.3, 0.2, 0.4], 3)], ids=str
)
def test_the_best_epoch_is_the_first_of_the_best(scores, best, tmp_path):
    folder = RunFolder(tmp_path)
    keep = kept(scores, folder)
    assert (keep.best_epoch, keep.best) == (best, pytest.approx(max(scores)))
    assert epoch_of(folder.model) == best
    assert epoch_of(folder.last) == len(scores) - 1
    assert [line["epoch"] for line in folder.read_metrics()] == list(range(len(scores)))


def test_what_a_callback_knows_goes_on_with_the_run(tmp_path):
    keep, again = kept([0.2, 0.5, 0.4], RunFolder(tmp_path)), KeepRun(RunFolder(tmp_path), "val_iou")
    again.load_state_dict(keep.state_dict())
    assert (again.best, again.best_epoch, again.seconds) == (keep.best, 1, keep.seconds)


@pytest.mark.parametrize("extra", [1, 2])
def test_epochs_measured_after_the_checkpoint_are_forgotten_and_measured_again(recipe, tmp_path, extra):
    """Metrics are written before the checkpoint is; killed in between, a run has lines of epochs it must do again."""
    train(recipe, tmp_path / "whole", progress=False)
    with pytest.raises(InterruptedError):
        train(recipe, tmp_path / "run", progress=False, callbacks=[StopAfter(1)])
    folder = RunFolder(tmp_path / "run")
    lines = folder.read_metrics()
    folder.write_metrics(lines + [lines[-1] | {"epoch": 2 + i, "val_iou": 1.0} for i in range(extra)])
    train(recipe, folder.path, resume=True, progress=False)
    assert_same_run(tmp_path / "whole", folder.path)
