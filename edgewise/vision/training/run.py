"""Training: a recipe and a folder in, a trained model in the folder out."""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from edgewise._errors import ConfigError
from edgewise._optional import require
from edgewise.vision.training.folder import Result, RunFolder
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.start import start_from
from edgewise.vision.training.tasks import task_of

if TYPE_CHECKING:
    import lightning.pytorch as pl

_NOISE = (
    "does not have many workers",
    "smaller than the logging interval",
    "is available but not used",
    "is deprecated, use `isinstance\\(treespec, TreeSpec\\)",
    "You are using `torch.load` with `weights_only=False`",
    "Checkpoint directory .* exists and is not empty",
)


def train(
    recipe: Recipe,
    run_dir: str | Path,
    *,
    resume: bool = False,
    progress: bool = True,
    callbacks: Sequence["pl.Callback"] = (),
) -> Result:
    """Train the recipe's model and keep everything about it in a folder.

    After every epoch the folder holds a complete state, so a run may be stopped at any moment, also by force:
    resumed, it goes on from its last whole epoch and, on a CPU with as many threads, ends with the same bits as a run
    never stopped. The random state of the caller is left as it was.

    Args:
        recipe: What to train on what, and how.
        run_dir: Folder of the run; made if needed. See :class:`RunFolder` for what is in it.
        resume: Go on with the run in ``run_dir``, if there is one; if it is finished, only return its result.
        progress: Show a line with the state of the run.
        callbacks: Lightning callbacks that watch the training.

    Raises:
        ConfigError: The recipe asks for what does not exist or cannot work.
        DataError: The images are missing or unusable.
        CheckpointError: The folder is in use, holds another run, cannot be written (a full disk) or is corrupted.
        NonFiniteError: A loss or a gradient was not finite; the last checkpoint is good.
    """
    task_of(recipe).require()
    folder = RunFolder(run_dir)
    # With several devices, each has a process that runs this: the first holds the folder, the others follow.
    hold = folder.open(recipe, resume) if is_first_process() else contextlib.nullcontext()
    with hold, _quiet(), torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        if folder.result.exists():
            return folder.read_result()
        return _fit(recipe, folder, progress, callbacks)


def is_first_process() -> bool:
    """Whether this is the first of the processes that train together, the one that writes; alone, it is."""
    return require("lightning.pytorch.utilities", extra="training").rank_zero_only.rank == 0


def _fit(recipe: Recipe, folder: RunFolder, progress: bool, watchers: Sequence["pl.Callback"]) -> Result:
    from edgewise.vision.training.callbacks import KeepRun

    task = task_of(recipe)
    images = task.images(recipe)
    torch.manual_seed(recipe.seed)
    network = task.network(recipe)
    checkpoint = folder.checkpoint if folder.checkpoint.exists() else None
    if checkpoint is None:
        start_from(network, recipe.model.start)
    keeper = KeepRun(folder, task.score, recipe.keep_every)
    trainer = _trainer(recipe, folder, [*watchers, *_callbacks(recipe, keeper, progress)])
    if trainer.is_global_zero and not folder.config.exists():  # only now: a recipe that cannot work leaves no run behind
        folder.write_config(recipe, images.window, images.classes)
    try:
        trainer.fit(task.module(network, recipe), images, ckpt_path=checkpoint, weights_only=True)
    except SystemExit as exit:
        if isinstance(exit.__context__, KeyboardInterrupt):  # which Lightning turns into an exit
            raise KeyboardInterrupt from exit
        raise
    result = Result(
        epochs=trainer.current_epoch,
        best_epoch=keeper.best_epoch,
        seconds=round(keeper.seconds, 3),
        parameters=sum(p.numel() for p in network.parameters() if p.requires_grad),
        **{task.best: keeper.best},
    )
    if trainer.is_global_zero:
        folder.write_result(result)
    return result


def _callbacks(recipe: Recipe, keeper: "pl.Callback", progress: bool) -> list["pl.Callback"]:
    """What follows an epoch, in order: early stopping first, since the keeper's checkpoint holds its state."""
    from lightning.pytorch.callbacks import EarlyStopping

    from edgewise.vision.training.callbacks import ProgressLine

    task, patience = task_of(recipe), recipe.patience
    stopping = [] if patience is None else [EarlyStopping(task.score, mode="max", patience=patience)]
    line = [ProgressLine(recipe.model.name, task.score, task.score_title)] if progress else []
    return [*stopping, keeper, *line]


def _trainer(recipe: Recipe, folder: RunFolder, callbacks: list["pl.Callback"]) -> "pl.Trainer":
    import lightning.pytorch as pl

    from edgewise.vision.training.callbacks import AtomicCheckpointIO

    logger = False
    if recipe.tensorboard:
        require("tensorboard", extra="tensorboard")
        logger = pl.loggers.TensorBoardLogger(folder.path, name="", version="tensorboard")
    machine = recipe.machine
    try:
        return pl.Trainer(
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
    except (ValueError, pl.utilities.exceptions.MisconfigurationException) as error:
        reason = str(error).split(". ")[0].replace("`", "")
        raise ConfigError(f"this machine cannot train as the recipe says ({reason}): change machine in it") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's tips and the warnings that do not apply here; all others come through."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for message in _NOISE:
            warnings.filterwarnings("ignore", message=f".*{message}")
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
