"""Training: a recipe and a folder in, a trained model in the folder out."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from edgewise._ground.errors import DataError
from edgewise._ground.optional import require
from edgewise._ground.quiet import quiet
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.training.files import Result
from edgewise.vision.training.folder import RunFolder
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
    "in eval mode at the start of training",  # as a teacher is, which does not learn
)


def train(
    recipe: Recipe,
    run_dir: str | Path,
    *,
    resume: bool = False,
    progress: bool = True,
    callbacks: Sequence["pl.Callback"] = (),
    inventory: Inventory | None = None,
) -> Result:
    """Train the recipe's model and keep everything about it in a folder.

    After every epoch the folder holds a complete state, so a run may be stopped at any moment, also by force:
    resumed, it goes on from its last whole epoch and, on a CPU with as many threads, ends with the same bits as a run
    never stopped. The random state of the caller is left as it was.

    Args:
        recipe: What to train on what, and how.
        run_dir: Folder of the run; made if needed. See :class:`RunFolder` for what is in it.
        resume: Go on with the run in ``run_dir``, if there is one; if it is finished, only return its result. The recipe
            must be the run's own, as ``RunFolder(run_dir).read_recipe()`` gives it, but for ``epochs``, which may be more,
            of a finished run, too: learning rates then follow the schedule of the longer run from there.
        progress: Show a line with the state of the run.
        callbacks: Lightning callbacks that watch the training.
        inventory: The pictures on each side of a new run; None: as the recipe divides them.

    Raises:
        ConfigError: The recipe asks for what does not exist or cannot work.
        DataError: The images are missing or unusable, or those of a resumed run are others or read otherwise.
        CheckpointError: The folder is in use, holds another run, cannot be written (a full disk) or is corrupted.
        NonFiniteError: A loss or a gradient was not finite; the last checkpoint is good.
    """
    require_training(recipe)
    folder = RunFolder(run_dir)
    # With several devices, each has a process that runs this: the first holds the folder, the others follow.
    hold = folder.open(recipe, resume) if is_first_process() else contextlib.nullcontext()
    hush = quiet(*_NOISE, loggers=("lightning.pytorch", "lightning.fabric"))
    with hold, hush, torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        if folder.result.exists():
            return folder.read_result()
        return _fit(recipe, folder, progress, callbacks, inventory)


def require_training(recipe: Recipe) -> None:
    """Import the packages that training by a recipe needs, or say which extra brings them.

    Raises:
        MissingPackageError: One is absent or broken.
    """
    for package in ("lightning.pytorch", *task_of(recipe).packages):
        require(package, extra="training")


def is_first_process() -> bool:
    """Whether this is the first of the processes that train together, the one that writes; alone, it is."""
    return require("lightning.pytorch.utilities", extra="training").rank_zero_only.rank == 0


def _check_facts(folder: RunFolder, facts: Mapping[str, Any]) -> None:
    """Refuse to go on with pictures that are read otherwise than before, as after a change of ``dataset.json``."""
    noted, found = folder.read_facts(), json.loads(json.dumps(facts))
    if changed := sorted(name for name in noted.keys() & found.keys() if noted[name] != found[name]):
        raise DataError(
            f"the pictures are read otherwise than when the run in {folder.path} was started, by other "
            f"{', '.join(changed)} ({changed[0]} was {noted[changed[0]]} and is {found[changed[0]]}): bring back what says "
            "so, or train a new run"
        )


def _fit(
    recipe: Recipe, folder: RunFolder, progress: bool, watchers: Sequence["pl.Callback"], inventory: Inventory | None
) -> Result:
    from edgewise.vision.training.loop import fit  # which needs Lightning; importing edgewise.vision does not

    task = task_of(recipe)
    images = task.images(recipe, folder.read_inventory() if folder.config.exists() else inventory)
    if folder.config.exists():
        _check_facts(folder, images.facts)
    torch.manual_seed(recipe.seed)
    network = task.network(recipe)
    if not folder.checkpoint.exists():
        start_from(network, recipe.model.start)
    return fit(task, recipe, images, task.learner(network, recipe, images.facts), folder, progress, watchers)
