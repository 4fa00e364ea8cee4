"""What an ensemble asks of a task: all images of a recipe, to be divided in folds and scored by several runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import Registry
from edgewise.vision.data.classification import ClassificationSet, ClassificationSplit
from edgewise.vision.data.dataset import SegmentationSet, Split
from edgewise.vision.training.comparing import Comparable
from edgewise.vision.training.recipe import Recipe


class Pooled(Comparable, Protocol):
    """Scores of images that can be told of several sets together."""

    def interval(self, name: str) -> str:
        """The interval of a score as a reader sees it; empty where there is none."""
        ...

    def summary(self) -> str:
        """How many images, and what is hardest."""
        ...

    @classmethod
    def together(cls, parts: Sequence[Self], order: Sequence[int]) -> Self:
        """The scores of all images of several sets.

        Args:
            parts: Of each set.
            order: The places of all images, one set after the other, in the order that they are to have.
        """
        ...


class Member(NamedTuple):
    """An image as folds see it."""

    id: str
    group: str | None
    """What it shares with others that must stay in its fold, such as a patient; None: it is not known."""
    stratum: int
    """What should be in all folds alike, such as its class."""


class Pool(Protocol):
    """All images of a recipe."""

    @property
    def recipe(self) -> Recipe:
        """What each run is trained by, but for its seed: the recipe, with what follows from all images put in."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """How the images are read, to be noted."""
        ...

    @property
    def dataset(self) -> SegmentationSet | ClassificationSet:
        """All of them."""
        ...

    def split(self) -> Split | ClassificationSplit:
        """The sides that a single run would have."""
        ...

    def members(self, ids: Iterable[str]) -> list[Member]:
        """The images of these ids."""
        ...

    def copies(self, ids: Iterable[str]) -> Iterable[tuple[str, str]]:
        """Pairs of these that look the same, beside those of the same pixels."""
        ...

    def score(self, runs: Sequence[Path], ids: Iterable[str], device: str) -> Any:
        """The scores, as :class:`Pooled`, of the images of these ids by the mean of the probabilities of runs."""
        ...


POOLS: Registry[Callable[[Any, Mapping[str, Any] | None], Pool]] = Registry("pool")
"""By the ``task`` of their recipes."""


def pool_of(recipe: Recipe, facts: Mapping[str, Any] | None = None) -> Pool:
    """All images of a recipe.

    Args:
        recipe: Which.
        facts: What an ensemble noted of how it reads them; None: a new one.

    Raises:
        ConfigError: The task of the recipe has no ensembles.
        DataError: The images are missing or unusable.
    """
    if recipe.task not in POOLS:
        raise ConfigError(f"ensembles are of {', '.join(POOLS)} and the recipe is of {recipe.task}: choose one of these")
    return POOLS[recipe.task](recipe, facts)
