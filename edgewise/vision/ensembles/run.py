"""Training of an ensemble: one run after another, and scores at the end."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgewise.io import write_json
from edgewise.vision.data.inventory import take_stock
from edgewise.vision.ensembles.folder import EnsembleFolder, Members
from edgewise.vision.ensembles.folds import divide_in_folds
from edgewise.vision.ensembles.scoring import EnsembleScores, score_ensemble
from edgewise.vision.training.files import Result
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.pool import Pool, pool_of
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.run import is_first_process, require_training, train


def train_ensemble(
    recipe: Recipe,
    path: str | Path,
    members: Members = Members(),  # noqa: B008 (frozen)
    *,
    resume: bool = False,
    progress: bool = True,
    device: str = "cpu",
    follow: Callable[[str, Result], None] = lambda name, result: None,
) -> EnsembleScores:
    """Train k folds times several seeds, and score them.

    All images but the test side are divided in folds, groups kept together. A member is an ordinary run that learns from
    the other folds and chooses its best epoch on a part of them; its own fold is its test side. In the end each image is
    scored by the members that did not see it, and the test side, which none of them saw, by the mean of their
    probabilities. Whatever has a :class:`~edgewise.vision.training.pool.Pool` can be trained so: pictures with masks or
    classes, and volumes.

    Stopped at any moment, also by force, it goes on where it was, and ends with the same bits on a CPU with as many
    threads.

    Args:
        recipe: What all members are trained by; their seeds are its seed and the following ones.
        path: Folder of the ensemble; made if needed. See :class:`EnsembleFolder` for what is in it.
        members: How many.
        resume: Go on with the ensemble in ``path``, if there is one. Epochs and seeds may be more than they were; members
            that patience stopped stay as they are.
        progress: Show a line with the state of each run.
        device: Where to compute the scores.
        follow: Called after each run with its name and how it ended.

    Raises:
        ConfigError: The recipe asks for what does not exist or cannot work, or is of a task that has no ensembles.
        DataError: The images are missing, unusable or too few.
        CheckpointError: The folder is in use, holds another ensemble, or cannot be written.
        NonFiniteError: A loss or a gradient was not finite.
    """
    require_training(recipe)
    folder = EnsembleFolder(path)
    hold = folder.open_members(recipe, members, resume) if is_first_process() else contextlib.nullcontext()
    with hold:
        pool = pool_of(recipe, folder.read_facts() if folder.is_there else None)
        if not folder.is_there:
            _begin(folder, recipe, pool, members)
        sides = folder.read_folds()
        for name, fold, seed in members.names():
            own, member = replace(pool.recipe, seed=(recipe.seed + seed) % 2**32), folder.member(name)
            ended = _stopped_by_patience(member)
            follow(name, ended or train(own, member.path, resume=True, progress=progress, inventory=sides[fold]))
        scores = score_ensemble(folder.path, device)
        if is_first_process():
            write_json(folder.scores, scores.to_dict())
        return scores


def _stopped_by_patience(member: RunFolder) -> Result | None:
    """How a run ended that would not go on if it were given more epochs; None where it is none."""
    result = member.read_result() if member.result.exists() else None
    return result if result is not None and result.epochs < member.read_recipe().epochs else None


def _begin(folder: EnsembleFolder, recipe: Recipe, pool: Pool, members: Members) -> None:
    """Draw the folds and note them."""
    sides, name = take_stock(pool.dataset, pool.split()), pool.dataset.name
    learned = [*sides.sides["train"], *sides.sides["validation"]]
    whole = sides.divided(learned, (), sides.sides["test"])
    whole.warn_of_copies(name)
    first: dict[str, str] = {}
    copies = [(first.setdefault(sides.pixels[id], id), id) for id in learned]
    folds = divide_in_folds(
        name, pool.members(learned), [*copies, *pool.copies(learned)], members.folds, recipe.data.split_seed
    )
    folder.begin(recipe, members, pool.facts, whole, [whole.divided(*fold) for fold in folds])
