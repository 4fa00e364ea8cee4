"""The files of a run: what is in them, and whether it is finished."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, overload

import torch

from edgewise._ground.errors import CheckpointError, ConfigError, DataError, warn
from edgewise.io import atomic_write, read_json, write_json
from edgewise.vision.data.classification import ClassificationSet
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.training.recipe import Recipe

R = TypeVar("R", bound=Recipe)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a run ended."""

    epochs: int
    """Epochs trained."""
    best_epoch: int
    """The epoch of the best validation score, counted from 0."""
    score: str
    """What that score is called in the measurements, such as ``val_iou``."""
    best: float
    """Its best value."""
    seconds: float
    """Time spent in epochs, validation included, over all parts of an interrupted run."""
    parameters: int
    """Trainable parameters of the network."""


class RunFiles:
    """The files of a run, under one path.

    ``config.json`` the recipe, what its task noted and the versions that ran it; ``pictures.json`` the pictures of each
    side, with their digests; ``model.safetensors`` the best epoch by validation score; ``last.safetensors`` the last epoch;
    ``metrics.jsonl`` one line an epoch; ``last.ckpt`` Lightning's checkpoint, to resume from; ``epochs/NNNN.safetensors``
    the network after NNNN epochs, where the recipe asks to keep them; ``result.json`` once the run is finished; ``lock``,
    held by whoever writes here, and ``owner``, its process id.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.pictures = self.path / "pictures.json"
        self.model = self.path / "model.safetensors"
        self.last = self.path / "last.safetensors"
        self.metrics = self.path / "metrics.jsonl"
        self.checkpoint = self.path / "last.ckpt"
        self.result = self.path / "result.json"
        self.lock = self.path / "lock"
        self.owner = self.path / "owner"

    def epoch(self, count: int) -> Path:
        """The file of the network after so many epochs; 0 is the one before training."""
        return self.path / "epochs" / f"{count:04d}.safetensors"

    def kept_epochs(self) -> dict[int, Path]:
        """The networks kept on the way, by the epochs that they were trained for."""
        return {int(path.stem): path for path in sorted((self.path / "epochs").glob("[0-9]*.safetensors"))}

    @overload
    def read_recipe(self) -> Recipe: ...

    @overload
    def read_recipe(self, kind: type[R]) -> R: ...

    def read_recipe(self, kind: type[Recipe] = Recipe) -> Recipe:
        """The recipe that the run was started with.

        Args:
            kind: The recipe of the task that the run must be of; any, if none is named.

        Raises:
            CheckpointError: The folder holds no run, one of another task, or a configuration that cannot be read.
        """
        config = read_json(self.config)
        if not isinstance(config, dict) or "recipe" not in config:
            raise CheckpointError(f"{self.config} holds no recipe: give a folder made by `edgewise train`")
        try:
            return kind.from_dict(config["recipe"])
        except ConfigError as error:
            raise CheckpointError(f"{self.config} holds a recipe this edgewise cannot follow: {error}") from error

    def read_facts(self) -> dict[str, Any]:
        """What the task noted when the run was started, such as the names of its classes."""
        return read_json(self.config)["facts"]

    def write_config(self, recipe: Recipe, facts: Mapping[str, Any], **further: Any) -> None:
        """Note what the run is made of, what its task must know later, and further values."""
        versions = {"edgewise": version("edgewise"), "torch": torch.__version__}
        write_json(self.config, {"recipe": recipe.to_dict(), "facts": dict(facts), "versions": versions, **further})

    def read_inventory(self) -> Inventory | None:
        """Which pictures are on which side; None, with a warning, where the run's list of them is lost.

        Raises:
            CheckpointError: The list cannot be read.
        """
        if not self.pictures.exists():
            warn(
                f"{self.path} keeps no list of its pictures, so the sides are drawn anew, and whether they are those that "
                "it was trained on is not known: train it anew to be sure"
            )
            return None
        try:
            return Inventory.from_dict(read_json(self.pictures))
        except DataError as error:
            raise CheckpointError(f"{self.pictures}: {error}") from error

    def write_inventory(self, inventory: Inventory) -> None:
        """Note the pictures of each side."""
        write_json(self.pictures, inventory.to_dict())

    def read_metrics(self) -> list[dict]:
        """What was measured after each epoch, oldest first."""
        if not self.metrics.exists():
            return []
        try:
            return [json.loads(line) for line in self.metrics.read_text(encoding="utf-8").splitlines()]
        except ValueError as error:
            raise CheckpointError(f"{self.metrics} is not JSON lines ({error}): restore it from a copy") from error

    def write_metrics(self, lines: list[dict]) -> None:
        """Replace the measurements, atomically."""
        atomic_write(self.metrics, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode())

    def read_result(self) -> Result:
        """How the run ended.

        Raises:
            CheckpointError: It has not ended.
        """
        if not self.result.exists():
            raise CheckpointError(f"the run in {self.path} is not finished: resume it")
        values = read_json(self.result)
        try:
            return Result(**values)
        except TypeError as error:
            raise CheckpointError(f"{self.result} is not edgewise's ({error}): restore it from a copy") from error

    def best_model(self) -> Path:
        """The file of the best epoch; of a run that is not finished, with a warning.

        Raises:
            CheckpointError: The run has not finished an epoch yet.
        """
        if self.config.exists() and not self.result.exists():
            done, epochs = len(self.read_metrics()), self.read_recipe().epochs
            if not self.model.exists():
                raise CheckpointError(f"the run in {self.path} has done {done} of {epochs} epochs: resume it first")
            warn(
                f"the run in {self.path} is not finished, {done} of {epochs} epochs are done: this is the best of them, "
                "and --resume goes on with it"
            )
        return self.model

    def write_result(self, result: Result) -> None:
        """Mark the run as finished."""
        write_json(self.result, asdict(result))


def warn_of_learned(runs: Iterable[RunFiles], dataset: SegmentationSet | ClassificationSet) -> None:
    """Warn where images to be scored are among those that a run learned from, or chose its best epoch by.

    Warns:
        EdgewiseWarning: Some are.
    """
    for run in runs:
        if (inventory := run.read_inventory()) is not None:
            inventory.warn_of_learned(dataset)
