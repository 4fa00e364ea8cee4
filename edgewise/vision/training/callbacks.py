"""What happens after each epoch: the run's files are brought up to date, the terminal's line moves on."""

import io
import sys
import time
import zipfile
from pathlib import Path
from typing import Any, cast

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from edgewise._ground.errors import CheckpointError
from edgewise._ground.progress import ProgressLine
from edgewise.io import atomic_write, save_model
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.learner import Learner


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's checkpoints, replaced whole or not at all, checked by CRC, read without unpickling code."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        atomic_write(path, buffer.getbuffer())

    def load_checkpoint(
        self, path: str | Path, map_location: Any = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read a checkpoint of tensors and plain values.

        Raises:
            CheckpointError: The file is truncated, changed, or holds anything else.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
            if damaged is None:
                return torch.load(path, map_location=map_location, weights_only=True)
        except Exception as error:
            raise CheckpointError(
                f"{path} cannot be resumed from ({type(error).__name__}): restore it from a copy"
            ) from error
        raise CheckpointError(f"{path} cannot be resumed from, {damaged} in it is corrupted: restore it from a copy")


class KeepRun(Checkpoint):
    """Writes a run's files after each epoch, the networks first: what is newer than the checkpoint is made again.

    The measurements come last, so that where there are some there was a checkpoint; it holds their last line, too.
    """

    def __init__(self, folder: RunFolder, score: str, every: int | None = None):
        self.folder, self.score, self.every = folder, score, every
        self.best = float("-inf")
        self.best_epoch = -1
        self.seconds = 0.0
        self.line: dict[str, float] | None = None

    def state_dict(self) -> dict:
        """What a resumed run must know."""
        return {"best": self.best, "best_epoch": self.best_epoch, "seconds": self.seconds, "line": self.line}

    def load_state_dict(self, state_dict: dict) -> None:
        """Take up what an interrupted run knew."""
        self.best, self.best_epoch, self.seconds = (state_dict[name] for name in ("best", "best_epoch", "seconds"))
        self.line = state_dict["line"]

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Bring the measurements to where the checkpoint is."""
        done = 0 if self.line is None else int(self.line["epoch"]) + 1
        if trainer.is_global_zero:
            lines = self.folder.read_metrics()[:done]
            if self.line is not None and len(lines) == done - 1:
                lines.append(self.line)
            self.folder.write_metrics(lines)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the network before training, where the recipe asks for it."""
        if trainer.is_global_zero and trainer.current_epoch == 0:
            self._keep(pl_module, 0)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the epoch's clock."""
        self._start = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Bring the run's files up to date."""
        seconds = time.perf_counter() - self._start
        self.seconds += seconds
        scores = {name: value.item() for name, value in sorted(trainer.callback_metrics.items())}
        better = scores[self.score] > self.best
        if better:
            self.best, self.best_epoch = scores[self.score], trainer.current_epoch
        if trainer.is_global_zero:
            for path in [self.folder.model, self.folder.last] if better else [self.folder.last]:
                save_model(_deployed(pl_module), path)
            self._keep(pl_module, trainer.current_epoch + 1)
        self.line = {"epoch": trainer.current_epoch, **scores, "seconds": round(seconds, 3)}
        trainer.save_checkpoint(self.folder.checkpoint)
        if trainer.is_global_zero:
            self.folder.write_metrics([*self.folder.read_metrics(), self.line])

    def _keep(self, pl_module: pl.LightningModule, epochs: int) -> None:
        """The network on the way, where the recipe asks for it."""
        if self.every is not None and epochs % self.every == 0:
            path = self.folder.epoch(epochs)
            path.parent.mkdir(exist_ok=True)
            save_model(_deployed(pl_module), path)


def _deployed(trained: pl.LightningModule) -> nn.Module:
    return cast("Learner", trained.learner).deployed


class FollowSchedule(pl.Callback):
    """Takes the rates from the schedule where a run begins: those of a checkpoint follow one that was to be shorter."""

    def __init__(self, shown: bool):
        self.shown = shown

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Set the rates, and say what becomes of them where that is not what they were."""
        for schedule in (config.scheduler for config in trainer.lr_scheduler_configs):
            if not isinstance(schedule, LambdaLR):
                continue
            groups, before = schedule.optimizer.param_groups, [group["lr"] for group in schedule.optimizer.param_groups]
            for group, base, factor in zip(groups, schedule.base_lrs, schedule.lr_lambdas, strict=True):
                group["lr"] = base * factor(schedule.last_epoch)
            if self.shown and trainer.is_global_zero and before != [group["lr"] for group in groups]:
                print(
                    f"{trainer.max_epochs} epochs now, {trainer.current_epoch} done: learning rates follow the schedule of "
                    f"{trainer.max_epochs} epochs from here, {before[-1]:.3g} becomes {groups[-1]['lr']:.3g}",
                    file=sys.stderr,
                )


class EpochLine(pl.Callback):
    """One line for the whole run: how far, how long still, and how good by now."""

    def __init__(self, title: str, score: str, label: str):
        self.title, self.score, self.label = title, score, label
        self.line: ProgressLine | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the line."""
        epochs, steps, done = cast("int", trainer.max_epochs), int(trainer.num_training_batches), trainer.current_epoch
        self.line = ProgressLine(self.title, steps * epochs, done=steps * done, shown=trainer.is_global_zero)
        self.line.say(place=f"epoch {done}/{epochs}")
        self.line.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move on by one step."""
        if self.line:
            self.line.step()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say how good the network is by now."""
        now = trainer.callback_metrics
        note = f"loss {now['train_loss']:.3f}  {self.label} {now[self.score]:.3f}"
        if self.line:
            self.line.say(place=f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", note=note)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Leave the terminal as it was, whatever happened."""
        if self.line:
            self.line.stop()
