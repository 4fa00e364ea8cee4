"""Scoring a generator: how far its samples are from training pictures, beside how far held-out real ones are."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from edgewise._ground.errors import warn
from edgewise.vision.generation.frechet import PER_FEATURE, frechet_distance
from edgewise.vision.generation.images import PictureSamples, open_run
from edgewise.vision.generation.judge import judge_of
from edgewise.vision.generation.nearest import nearest
from edgewise.vision.generation.recipe import GenerationRecipe
from edgewise.vision.generation.sample import PictureMaker, to_pixels
from edgewise.vision.training.folder import RunFolder

SEED = 0
"""Of the samples that are scored."""
SCORES = {
    "frechet": "Frechet distance",
    "floor": "its floor, held-out pictures",
    "nearest": "to the nearest training picture",
    "nearest_real": "the same of held-out pictures",
}


@dataclass(frozen=True)
class GenerationEvaluation:
    """Scores of samples, and what they are made of."""

    scores: dict[str, float]
    """``frechet`` and ``floor``, squared Frechet distances of samples and of as many held-out pictures from the training
    pictures; ``nearest`` and ``nearest_real``, median distances from the nearest training picture in grey levels of 255."""
    count: int
    """Samples, and held-out pictures."""
    trained: int
    """Training pictures."""
    judge: str
    """What the classifier tells whose features are compared."""
    features: int
    """How many features it has."""
    accuracy: float | None
    """Share of held-out pictures that it is right on; None: not known."""
    copies: int
    """Samples nearer to a training picture than every held-out picture."""
    samples: np.ndarray = field(repr=False)
    """The samples, uint8 (count, H, W, C)."""
    real: np.ndarray = field(repr=False)
    """The held-out pictures, likewise."""
    neighbours: np.ndarray = field(repr=False)
    """The nearest training picture of each sample, likewise."""
    distances: np.ndarray = field(repr=False)
    """How far it is, (count,)."""

    digits: ClassVar[dict[str, int]] = {"frechet": 4, "floor": 4, "nearest": 1, "nearest_real": 1}
    lower: ClassVar[tuple[str, ...]] = ("frechet", "floor")

    @property
    def titles(self) -> dict[str, str]:
        """What a reader calls each score."""
        return SCORES

    def rows(self) -> list[tuple[str, ...]]:
        """Title and value of every score."""
        return [(title, f"{self.scores[name]:.4f}") for name, title in self.titles.items()]

    def summary(self) -> str:
        """How many pictures, by which judge, and how many look like copies."""
        right = "" if self.accuracy is None else f", right on {self.accuracy:.0%} of held-out pictures"
        return (
            f"{self.count} samples and {self.count} held-out pictures beside {self.trained} training pictures, by "
            f"{self.features} features of a network that tells {self.judge}{right}; {self.copies} samples are nearer to a "
            "training picture than every held-out picture"
        )

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain JSON values."""
        whole = ("count", "trained", "judge", "features", "accuracy", "copies")
        plain = {name: getattr(self, name) for name in whole}
        return {"scores": self.scores, **plain, "distances": self.distances.tolist()}


def evaluate_run(run_dir: str | Path, device: str = "cpu") -> GenerationEvaluation:
    """Score the best epoch of a run of generation.

    As many pictures are made as are held out, ``judge.most`` at most, so that both distances have the same bias: a perfect
    generator comes to the floor on average. One that repeats training pictures comes below it, which the distances from the
    nearest ones tell. A run that makes pictures for masks is given those of the held-out pictures.

    Args:
        run_dir: The run.
        device: Where to compute.

    Raises:
        CheckpointError: The folder holds no run of generation, or its model or judge is corrupted.
        DataError: The run's pictures are not those that it was started with.

    Warns:
        EdgewiseWarning: Pictures are few for so many features.
    """
    maker = PictureMaker.from_run(run_dir, device)
    folder = RunFolder(run_dir)
    recipe, split = folder.read_recipe(GenerationRecipe), open_run(folder)
    train, test = (PictureSamples(part, recipe.data) for part in (split.train, split.test))
    held_out, condition = test.pictures[: recipe.judge.most], test.conditions
    made = maker(len(held_out), SEED, None if condition is None else condition[: recipe.judge.most])
    judge = judge_of(recipe.judge, train.pictures, held_out, recipe.seed, device)
    known, real = to_pixels(train.pictures), to_pixels(held_out)
    of_known, of_real, of_made = (judge.features(pictures) for pictures in (known, real, made))
    _warn_of_few(len(real), of_real.shape[1])
    distances, places = nearest(made, known, recipe.data.mirror)
    of_held_out, _ = nearest(real, known, recipe.data.mirror)
    return GenerationEvaluation(
        scores={
            "frechet": frechet_distance(of_made, of_known),
            "floor": frechet_distance(of_real, of_known),
            "nearest": float(np.median(distances)),
            "nearest_real": float(np.median(of_held_out)),
        },
        count=len(made),
        trained=len(known),
        judge=judge.what,
        features=of_real.shape[1],
        accuracy=judge.accuracy,
        copies=int((distances < of_held_out.min()).sum()),
        samples=made,
        real=real,
        neighbours=known[places],
        distances=distances,
    )


def _warn_of_few(count: int, features: int) -> None:
    if count < PER_FEATURE * features:
        warn(
            f"the Frechet distance is one of {count} pictures in {features} features, too few for an unbiased one: compare "
            "it with its floor, which has the same bias, and with no distance of other numbers of pictures"
        )
