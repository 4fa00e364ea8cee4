"""What can be trained: tasks register themselves here, each an object that makes all that differs between them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from edgewise._ground.registry import Registry
from edgewise.models.deployment import Deployment
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.training.files import RunFiles
from edgewise.vision.training.learner import Images, Learner
from edgewise.vision.training.page import Compared, Evaluation, Report
from edgewise.vision.training.recipe import Recipe


class Predicted(Protocol):
    """What became of the pictures of a prediction."""

    @property
    def failures(self) -> dict[Path, str]:
        """The pictures that could not be read, and why, in a line each."""
        ...

    def summary(self) -> str:
        """What was written, in a line."""
        ...


class Tuned(Protocol):
    """A threshold that was chosen."""

    @property
    def threshold(self) -> float:
        """Probabilities above it count."""
        ...

    def summary(self) -> str:
        """A sentence on it."""
        ...


@dataclass(frozen=True)
class Score:
    """A score that is logged, higher being better.

    Attributes:
        name: Under which it is logged, such as ``val_iou``.
        title: What a reader calls it.
    """

    name: str
    title: str


class Task(Protocol):
    """What a training needs that depends on what is learnt.

    Attributes:
        truth: The part of a batch that holds what is to be learnt.
        any_size: Whether its networks take images of other sizes than the recipe's.
        packages: Optional packages that its training needs, beside Lightning.
    """

    truth: str
    any_size: bool
    packages: tuple[str, ...]

    def score(self, recipe: Recipe) -> Score:
        """What chooses the best epoch."""
        ...

    def images(self, recipe: Recipe, inventory: Inventory | None = None) -> Images:
        """Training and validation images.

        Args:
            recipe: Which.
            inventory: The sides that a run noted when it was started, to be compared and kept; None: a new run.
        """
        ...

    def network(self, recipe: Recipe) -> nn.Module:
        """The network, with fresh parameters."""
        ...

    def load(self, path: Path) -> nn.Module:
        """The network of a file, as it takes pictures."""
        ...

    def learner(self, network: nn.Module, recipe: Recipe, facts: Mapping[str, Any]) -> Learner:
        """The network with its loss, its scores and its optimiser; the facts are those that its images noted."""
        ...

    def criterion(self, recipe: Recipe, facts: Mapping[str, Any]) -> Callable[[Tensor, Tensor], Tensor]:
        """The loss of outputs and truth, without smoothing and mixing."""
        ...

    def baseline(self, recipe: Recipe, match: str) -> Recipe:
        """The recipe of a plain network that costs as much."""
        ...

    def evaluate(
        self, runs: Sequence[RunFiles], members: Sequence[Path], dataset: Any, device: str, inference: Any = None
    ) -> Evaluation:
        """Scores of the best epoch of a run, or of the mean of several.

        Args:
            runs: The files of runs and of ensembles, of the same test images; none, where all are exported files.
            members: The runs, the members of the ensembles and the exported files.
            dataset: What to score them on; None: the runs' own test images.
            device: Where to compute.
            inference: How masks are made, which a task without masks refuses; None: as the runs say.
        """
        ...

    def comparison(self) -> Callable[[Any, Any], Compared]:
        """What makes of the scores of two runs on the same images their differences.

        Raises:
            ConfigError: The task has no comparison.
        """
        ...

    def predict(
        self, runs: Sequence[Path], images: Iterable[str | Path], out_dir: Path, device: str, inference: Any = None
    ) -> Predicted:
        """What the best epochs of runs make of picture files and folders; how, by an object of the task, if it has one.

        Raises:
            ConfigError: The task has no such choice, or takes one run.
        """
        ...

    def tune_threshold(self, run_dir: Path, device: str) -> Tuned:
        """The threshold that the validation images of a run ask for, kept in its folder.

        Raises:
            ConfigError: The run has none.
        """
        ...

    def deployment(self, run_dir: Path) -> Deployment:
        """The best epoch of a run for use elsewhere, with how pictures are made ready for it and its outputs read."""
        ...

    def report(self, run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None, device: str) -> Report:
        """Score runs and write about them."""
        ...


TASKS: Registry[Callable[[], Task]] = Registry("task")
"""By the ``task`` of their recipes."""


def task_of(recipe: Recipe) -> Task:
    """What a recipe trains.

    Raises:
        ConfigError: Its task is not registered.
    """
    return TASKS.create(recipe.task)
