"""Lightning around a learner and its images: the guard, the logs, the trainer."""

import os
from collections.abc import Sequence
from typing import Any, cast

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.utils.data import DataLoader

from edgewise._ground.errors import ConfigError, NonFiniteError
from edgewise._ground.optional import require
from edgewise.vision.training.callbacks import AtomicCheckpointIO, EpochLine, FollowSchedule, KeepRun
from edgewise.vision.training.files import Result
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.guard import all_finite, blame
from edgewise.vision.training.learner import Images, Learner
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.tasks import Task


class LoopImages(pl.LightningDataModule):
    """Images, asked for an epoch at a time (Lightning asks again each epoch)."""

    def __init__(self, images: Images):
        super().__init__()
        self.images = images

    def train_dataloader(self) -> DataLoader:
        """This epoch's batches."""
        trainer = cast("pl.Trainer", self.trainer)
        return self.images.train_batches(trainer.current_epoch, trainer.global_rank, trainer.world_size)

    def val_dataloader(self) -> DataLoader:
        """The validation images in order."""
        trainer = cast("pl.Trainer", self.trainer)
        return self.images.validation_batches(trainer.global_rank, trainer.world_size)

    def on_after_batch_transfer(self, batch: dict, dataloader_idx: int) -> dict:
        """Pictures as the network has its weights in memory."""
        return {**batch, "image": in_order_of(batch["image"], batch["image"].device)}


class GuardedLearner(pl.LightningModule):
    """A learner in training that stops before the optimiser steps on a loss or a gradient that is not finite.

    Args:
        learner: The network with what it learns by.

    Raises:
        NonFiniteError: From training, when a loss or a gradient is not finite.
    """

    def __init__(self, learner: Learner):
        super().__init__()
        self.learner = learner

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The learner's; its rates change once an epoch."""
        optimiser, schedule = self.learner.optimiser()
        return {"optimizer": optimiser, "lr_scheduler": schedule}

    def configure_gradient_clipping(self, optimizer: torch.optim.Optimizer, *args: object, **options: object) -> None:
        """Scale a gradient down to the largest norm that the learner allows."""
        if self.learner.clip is not None:
            self.clip_gradients(optimizer, gradient_clip_val=self.learner.clip, gradient_clip_algorithm="norm")

    def on_train_epoch_start(self) -> None:
        """Note the rate of this epoch."""
        optimiser = cast("LightningOptimizer", self.optimizers())  # the one
        self.log("learning_rate", optimiser.param_groups[-1]["lr"], on_step=False, on_epoch=True)

    def on_train_batch_start(self, batch: dict, batch_idx: int) -> None:
        """Seed stochastic layers by the step alone, so that a resumed run draws what the uninterrupted one did."""
        torch.manual_seed(self._seed())
        self._batch = batch  # until its gradients are known to be finite

    def training_step(self, batch: dict, batch_idx: int) -> Tensor:
        """The loss of a batch."""
        loss = self.learner.loss(batch, self._seed())
        self._check(loss, batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch["image"]), sync_dist=True)
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Refuse to step on a gradient that is not finite."""
        if not all_finite([p.grad for p in self.learner.network.parameters() if p.grad is not None]):
            self._stop("gradient", self._batch)

    def on_train_batch_end(self, outputs: Any, batch: dict, batch_idx: int) -> None:
        """Let the learner follow."""
        self.learner.after_step()

    def on_validation_epoch_start(self) -> None:
        """Count from nothing."""
        self._sums: dict[str, Tensor] = {}

    def validation_step(self, batch: dict, batch_idx: int) -> None:
        """Count a batch."""
        loss, tallies = self.learner.tally(batch)
        self._check(loss, batch)
        self._sums = {name: self._sums[name] + part if self._sums else part for name, part in tallies.items()}

    def on_validation_epoch_end(self) -> None:
        """Log the scores of all validation images, which every process has after gathering."""
        if self.trainer.world_size > 1:
            gather = self.trainer.strategy.reduce
            self._sums = {name: gather(part.to(self.device), reduce_op="sum") for name, part in self._sums.items()}
        scores = self.learner.scores(self._sums)
        self.log_dict({f"val_{name}": torch.tensor(score, device=self.device) for name, score in scores.items()})

    def _seed(self) -> int:
        """A seed for what this process draws in this step."""
        numbers = [self.learner.recipe.seed, self.global_step, self.global_rank]
        return int(np.random.SeedSequence(numbers).generate_state(1)[0])

    def _check(self, loss: Tensor, batch: dict) -> None:
        if not loss.isfinite():
            self._stop("loss", batch)

    def _stop(self, what: str, batch: dict) -> None:
        names = cast("Any", self.trainer).datamodule.images.names(batch, self.trainer.training)
        source = blame(self.learner.network, batch["image"], names, lambda: self.learner.rerun(batch))
        raise NonFiniteError(
            f"the {what} is not finite in epoch {self.current_epoch}, step {self.global_step}: {source}; training "
            "stopped before that step and the last checkpoint is good: lower the learning rates or mend the input"
        )


def fit(
    task: Task, recipe: Recipe, images: Images, learner: Learner, folder: RunFolder, progress: bool, watchers: Sequence
) -> Result:
    """Train a learner in a run's folder, from its checkpoint on if there is one; the folder is brought up to date."""
    score = task.score(recipe)
    keeper = KeepRun(folder, score.name, recipe.keep_every)
    # Early stopping before the keeper, whose checkpoint holds its state.
    stopping = [] if recipe.patience is None else [EarlyStopping(score.name, mode="max", patience=recipe.patience)]
    line = [EpochLine(recipe.model.name, score.name, score.title)] if progress else []
    trainer = _trainer(recipe, folder, [FollowSchedule(progress), *watchers, *stopping, keeper, *line])
    if trainer.is_global_zero and not folder.config.exists():  # only now: a recipe that cannot work leaves no run behind
        folder.write_inventory(images.inventory)
        folder.write_config(recipe, images.facts)
    checkpoint = folder.checkpoint if folder.checkpoint.exists() else None
    if trainer.strategy.root_device.type == "cuda":
        learner.to(memory_format=torch.channels_last)
    try:
        trainer.fit(GuardedLearner(learner), LoopImages(images), ckpt_path=checkpoint, weights_only=True)
    except SystemExit as exit:
        if isinstance(exit.__context__, KeyboardInterrupt):  # which Lightning turns into an exit
            raise KeyboardInterrupt from exit
        raise
    result = Result(
        epochs=trainer.current_epoch,
        best_epoch=keeper.best_epoch,
        score=score.name,
        best=keeper.best,
        seconds=round(keeper.seconds, 3),
        parameters=sum(p.numel() for p in learner.network.parameters() if p.requires_grad),
    )
    if trainer.is_global_zero:
        folder.write_result(result)
    return result


def in_order_of(pictures: Tensor, device: torch.device) -> Tensor:
    """Pictures in the order of memory that suits a device: on GPUs channels last, as KAN layers want them too."""
    # shape: pictures (B, C, H, W); scans (B, C, D, H, W) stay as they are
    is_suited = device.type == "cuda" and pictures.dim() == 4
    return pictures.contiguous(memory_format=torch.channels_last) if is_suited else pictures


def _trainer(recipe: Recipe, folder: RunFolder, callbacks: list[pl.Callback]) -> pl.Trainer:
    logger: TensorBoardLogger | bool = False
    if recipe.tensorboard:
        require("tensorboard", extra="tensorboard")
        logger = TensorBoardLogger(folder.path, name="", version="tensorboard")
    machine = recipe.machine
    try:
        trainer = pl.Trainer(
            max_epochs=recipe.epochs,
            accelerator=machine.accelerator,
            devices=machine.devices,
            strategy=machine.strategy,
            precision=machine.precision,
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            logger=logger,
            default_root_dir=folder.path,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (ValueError, MisconfigurationException) as error:
        reason = str(error).split(". ")[0].replace("`", "")
        raise ConfigError(f"this machine cannot train as the recipe says ({reason}): change machine in it") from error
    cores = os.cpu_count() or 1
    if isinstance(trainer.accelerator, CPUAccelerator) and trainer.num_devices > cores:
        raise ConfigError(
            f"machine.devices is {machine.devices} and each is a process on one of {cores} cores: ask for {cores} or fewer"
        )
    return trainer
