"""Scoring a classifier: a predictor, or a run."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import DataError, NonFiniteError
from edgewise.vision.classification.cohort import Cohort
from edgewise.vision.classification.evaluation import ClassificationEvaluation
from edgewise.vision.classification.images import open_run
from edgewise.vision.classification.opening import Named
from edgewise.vision.data import ClassificationSet
from edgewise.vision.training.files import RunFiles, warn_of_learned

BATCH = 256


def score_logits(logits: Tensor, dataset: ClassificationSet) -> ClassificationEvaluation:
    """Score the logits (N, classes) of all pictures of a dataset.

    Raises:
        NonFiniteError: A logit is not finite.
    """
    if not (finite := logits.isfinite().all(1)).all():
        odd = dataset.id(int((~finite).nonzero()[0]))
        raise NonFiniteError(f"the network gives {odd!r} logits that are not finite: train another run")
    ids = tuple(dataset.id(index) for index in range(len(dataset)))
    return ClassificationEvaluation.of(
        Cohort(ids, dataset.groups, torch.from_numpy(dataset.labels), logits), dataset.classes
    )


def evaluate_classes(predictor: Named, dataset: ClassificationSet) -> ClassificationEvaluation:
    """Score a predictor on all pictures of a dataset.

    Raises:
        DataError: A picture cannot be read, or the dataset has no picture or another number of classes.
        NonFiniteError: A logit is not finite.
    """
    if not len(dataset):
        raise DataError(f"dataset {dataset.name!r} has no picture to score: give a larger one")
    pictures = range(len(dataset))
    batches = [[dataset.pictures[i] for i in pictures[start : start + BATCH]] for start in pictures[::BATCH]]
    logits = torch.cat([predictor(batch) for batch in batches])
    if logits.shape[1] != len(dataset.classes):
        raise DataError(
            f"dataset {dataset.name!r} has {len(dataset.classes)} classes and the network {logits.shape[1]}: score it on "
            "data of its own classes"
        )
    return score_logits(logits, dataset)


def evaluate_files(
    run: RunFiles, predictor: Named, dataset: ClassificationSet | None = None, others: Sequence[RunFiles] = ()
) -> ClassificationEvaluation:
    """Score what names the classes of the pictures of a run.

    Args:
        run: Its files.
        predictor: As in :func:`evaluate_classes`.
        dataset: Pictures of the same classes in any order, of which the published test side is scored, or all where there
            is none; None: the run's own test pictures.
        others: The files of further runs that the predictor is made of.

    Raises:
        CheckpointError: The folder holds no run of classification.
        DataError: The pictures cannot be used, have classes of other names, or, the run's own, are not those that it was
            started with.

    Warns:
        EdgewiseWarning: The run was trained on pictures of the dataset.
    """
    own = dataset is None
    if dataset is None:
        dataset = open_run(run).test
    elif not isinstance(dataset, ClassificationSet):
        raise DataError(f"dataset {dataset.name!r} has masks and no classes: give the run pictures with classes")
    elif dataset.sides is not None and (dataset.sides == 2).any():
        dataset = dataset.take(np.flatnonzero(dataset.sides == 2))
    dataset = with_classes(dataset, run.read_facts()["classes"])
    if not own:
        warn_of_learned((run, *others), dataset)
    return evaluate_classes(predictor, dataset)


def with_classes(dataset: ClassificationSet, classes: Sequence[str]) -> ClassificationSet:
    """The dataset with its labels in the order of a network's classes.

    Raises:
        DataError: It has other classes.
    """
    if odd := sorted(set(dataset.classes) ^ set(classes)):
        raise DataError(
            f"dataset {dataset.name!r} has {len(dataset.classes)} classes and the network {len(classes)}, and only one of "
            f"them knows {odd[0]!r}: score it on data of its own classes"
        )
    return dataset.only(tuple(classes))
