"""Training of an ensemble: one run after another, and scores at the end."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgewise.io import write_json
from edgewise.vision.data.dataset import Split
from edgewise.vision.data.inventory import take_stock
from edgewise.vision.data.reading import facts_of
from edgewise.vision.ensembles.folder import EnsembleFolder, Members
from edgewise.vision.ensembles.folds import divide_in_folds
from edgewise.vision.ensembles.scoring import EnsembleScores, score_ensemble
from edgewise.vision.segmentation.images import open_dataset, split_of
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.training.files import Result
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.run import is_first_process, require_training, train


def train_ensemble(
    recipe: SegmentationRecipe,
    path: str | Path,
    members: Members = Members(),  # noqa: B008 (frozen)
    *,
    resume: bool = False,
    progress: bool = True,
    device: str = "cpu",
    follow: Callable[[str, Result], None] = lambda name, result: None,
) -> EnsembleScores:
    """Train k folds times several seeds, and score them.

    All pictures but the test side are divided in folds, groups kept together. A member is an ordinary run that learns from
    the other folds and chooses its best epoch on a part of them; its own fold is its test side. In the end each picture is
    scored by the members that did not see it, and the test side, which none of them saw, by the mean of their
    probabilities.

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
        ConfigError: The recipe asks for what does not exist or cannot work.
        DataError: The images are missing, unusable or too few.
        CheckpointError: The folder is in use, holds another ensemble, or cannot be written.
        NonFiniteError: A loss or a gradient was not finite.
    """
    require_training(recipe)
    folder = EnsembleFolder(path)
    hold = folder.open_members(recipe, members, resume) if is_first_process() else contextlib.nullcontext()
    with hold:
        if not folder.is_there:
            _begin(folder, recipe, members)
        sides = folder.read_folds()
        for name, fold, seed in members.names():
            own, member = replace(recipe, seed=(recipe.seed + seed) % 2**32), folder.member(name)
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


def _begin(folder: EnsembleFolder, recipe: SegmentationRecipe, members: Members) -> None:
    """Draw the folds and note them."""
    dataset = open_dataset(recipe.data)
    split = split_of(dataset, recipe.data)
    folds = divide_in_folds(dataset, split, members.folds, recipe.data.split_seed)
    learned = dataset.subset(sorted([*split.train.ids, *split.validation.ids]))
    whole = take_stock(dataset, Split(learned, dataset.subset(()), folds.test))
    sides = [whole.divided(sides) for sides in folds.members]
    folder.begin(recipe, members, facts_of(dataset), whole, sides)
