"""The folder of a run: what is in it, who may write to it, whether it is finished."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, overload

import torch
from filelock import FileLock, Timeout

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise.io import atomic_write, read_json, write_json
from edgewise.vision.training.recipe import Recipe, differences

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


class RunFolder:
    """The files of a run, under one path.

    ``config.json`` the recipe, what its task noted and the versions that ran it; ``model.safetensors`` the best epoch by
    validation score; ``last.safetensors`` the last epoch; ``metrics.jsonl`` one line an epoch; ``last.ckpt`` Lightning's
    checkpoint, to resume from; ``epochs/NNNN.safetensors`` the network after NNNN epochs, where the recipe asks to keep
    them; ``result.json`` once the run is finished; ``lock``, held by whoever writes here, and ``owner``, its process id.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "config.json"
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

    def write_config(self, recipe: Recipe, facts: dict[str, Any]) -> None:
        """Note what the run is made of, and what its task must know later."""
        versions = {"edgewise": version("edgewise"), "torch": torch.__version__}
        write_json(self.config, {"recipe": recipe.to_dict(), "facts": facts, "versions": versions})

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

    def write_result(self, result: Result) -> None:
        """Mark the run as finished."""
        write_json(self.result, asdict(result))

    @contextlib.contextmanager
    def open(self, recipe: Recipe, resume: bool) -> Iterator[None]:
        """Hold the folder for writing, as a new run or as the same one resumed.

        Raises:
            CheckpointError: Another process writes here, or the folder holds something else than what is asked for.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"cannot make the run folder {self.path} ({error.strerror}): choose another") from error
        with self.hold():
            for draft in self.path.glob(".*.tmp"):  # of a writer that was killed
                draft.unlink()
            self._check(recipe, resume)
            yield

    def _check(self, recipe: Recipe, resume: bool) -> None:
        if not self.config.exists():
            others = sorted({item.name for item in self.path.iterdir()} - {self.lock.name, self.owner.name})
            if others:
                raise CheckpointError(f"{self.path} is not empty and holds no run ({others[0]}): choose another folder")
            return
        if not resume:
            state = "a finished run" if self.result.exists() else "an unfinished run"
            raise CheckpointError(f"{self.path} already holds {state}: resume it, or choose another folder")
        changed = differences(self.read_recipe(), recipe)
        if changed:
            raise CheckpointError(
                f"{self.path} holds a run of another recipe (it differs in {', '.join(changed)}): "
                "resume it with its own recipe, or choose another folder"
            )

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """A lock that the system itself lets go when its process dies, however it dies."""
        lock = FileLock(self.lock)
        try:
            lock.acquire(blocking=False)
        except Timeout as error:
            owner = (self.owner.read_text() if self.owner.exists() else "") or "unknown"
            raise CheckpointError(
                f"the run folder {self.path} is in use by process {owner}: wait for it, or choose another folder"
            ) from error
        try:
            self.owner.write_text(str(os.getpid()))  # beside the lock, which not every system lets others read
            yield
        finally:
            self.owner.unlink(missing_ok=True)
            lock.release()


def make_folder(path: str | Path) -> Path:
    """A folder for results, made if needed.

    Raises:
        CheckpointError: It cannot be made.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"cannot make the folder {path} ({error.strerror}): choose another") from error
    return Path(path)
