"""Scoring a classifier: how often it is right, how well it knows, and where it is wrong."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import DataError
from edgewise.vision.classification.images import open_run
from edgewise.vision.classification.metrics import SCORES, by_class, summarise, tally
from edgewise.vision.classification.predict import ClassPredictor
from edgewise.vision.data import ClassificationSet
from edgewise.vision.training.folder import RunFolder

BATCH = 256


@dataclass(frozen=True)
class Mistake:
    """A picture named wrong."""

    index: int
    """Its place in the dataset."""
    id: str
    truth: str
    prediction: str
    probability: float
    """Of the wrong class."""


@dataclass(frozen=True)
class ClassificationEvaluation:
    """Scores of a dataset, defined in :mod:`edgewise.vision.classification.metrics`, and what they are made of."""

    scores: dict[str, float]
    """``top1``, ``top5``, ``ece`` and ``log_loss``."""
    count: int
    """Pictures scored."""
    classes: list[dict]
    """``name``, ``count``, ``precision``, ``recall`` and ``f1`` of each class."""
    confusion: np.ndarray = field(repr=False)
    """Pictures by true class and by predicted one."""
    bins: np.ndarray = field(repr=False)
    """(15, 3): pictures, sum of probabilities and pictures named right, by the largest probability."""
    mistakes: list[Mistake] = field(repr=False)
    """What was named wrong, the surest first."""

    digits: ClassVar[dict[str, int]] = {"top1": 4, "top5": 4, "ece": 4, "log_loss": 4}
    """Digits after the point."""
    lower: ClassVar[tuple[str, ...]] = ("ece", "log_loss")
    """Scores that are better the lower they are."""

    @property
    def titles(self) -> dict[str, str]:
        """What a reader calls each score."""
        return SCORES

    def rows(self) -> list[tuple[str, ...]]:
        """Title and value of every score."""
        return [(title, f"{self.scores[name]:.4f}") for name, title in self.titles.items()]

    def summary(self) -> str:
        """How many pictures, and which are the hardest to tell."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        truth, found = np.unravel_index(wrong.argmax(), wrong.shape)
        names = [row["name"] for row in self.classes]
        worst = f"; most often {names[truth]} is taken for {names[found]} ({int(wrong.max())})" if wrong.any() else ""
        return f"{self.count} pictures, {len(self.mistakes)} named wrong{worst}"

    def to_dict(self) -> dict:
        """Everything as plain JSON values."""
        return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in asdict(self).items()}


def score_logits(logits: Tensor, dataset: ClassificationSet) -> ClassificationEvaluation:
    """Score the logits (N, classes) of all pictures of a dataset."""
    labels = torch.from_numpy(dataset.labels)
    tallies = tally(logits, labels)
    columns = {name: part.tolist() for name, part in by_class(tallies["confusion"]).items()}
    classes = [{"name": name, **{key: columns[key][row] for key in columns}} for row, name in enumerate(dataset.classes)]
    sure, prediction = logits.double().softmax(1).max(1)
    wrong = (prediction != labels).nonzero()[:, 0]
    wrong = wrong[sure[wrong].argsort(descending=True, stable=True)]
    mistakes = [
        Mistake(i, dataset.id(i), dataset.classes[labels[i]], dataset.classes[prediction[i]], sure[i].item())
        for i in wrong.tolist()
    ]
    confusion, bins = tallies["confusion"].numpy(), tallies["bins"].numpy()
    return ClassificationEvaluation(summarise(tallies), len(dataset), classes, confusion, bins, mistakes)


def evaluate_classes(predictor: ClassPredictor, dataset: ClassificationSet) -> ClassificationEvaluation:
    """Score a predictor on all pictures of a dataset.

    Raises:
        DataError: A picture cannot be read, or the dataset has no picture or another number of classes.
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


def evaluate_run(
    run_dir: str | Path, dataset: ClassificationSet | None = None, device: str = "cpu"
) -> ClassificationEvaluation:
    """Score the best epoch of a run.

    Args:
        run_dir: The run.
        dataset: Pictures of the same classes in any order, of which the published test side is scored, or all where there
            is none; None: the run's own test pictures.
        device: Where to compute.

    Raises:
        CheckpointError: The folder holds no run, or its model is corrupted.
        DataError: The pictures cannot be used, have classes of other names, or, the run's own, are not those that it was
            started with.

    Warns:
        EdgewiseWarning: The run was trained on pictures of the dataset.
    """
    folder, own = RunFolder(run_dir), dataset is None
    if dataset is None:
        dataset = open_run(folder).test
    elif not isinstance(dataset, ClassificationSet):
        raise DataError(f"dataset {dataset.name!r} has masks and no classes: give the run pictures with classes")
    elif dataset.sides is not None and (dataset.sides == 2).any():
        dataset = dataset.take(np.flatnonzero(dataset.sides == 2))
    dataset = with_classes(dataset, folder.read_facts()["classes"])
    if not own and (inventory := folder.read_inventory()) is not None:
        inventory.warn_of_learned(dataset)
    return evaluate_classes(ClassPredictor.from_run(run_dir, device), dataset)


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
