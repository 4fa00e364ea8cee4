"""The folder of a run: who may write to it, and what may be started or resumed in it."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from edgewise._ground.errors import CheckpointError
from edgewise._ground.folders import make_folder
from edgewise.vision.training.files import RunFiles
from edgewise.vision.training.recipe import Recipe, differences


class RunFolder(RunFiles):
    """The files of a run, under one path, held by whoever writes them; :class:`RunFiles` says what they are."""

    @contextlib.contextmanager
    def open(self, recipe: Recipe, resume: bool) -> Iterator[None]:
        """Hold the folder for writing, as a new run or as the same one resumed; one that cannot start leaves nothing.

        Raises:
            CheckpointError: Another process writes here, or the folder holds something else than what is asked for.
        """
        with self._taken(lambda: self._check(recipe, resume), (self.lock,)), self._left_as_it_was():
            yield

    @contextlib.contextmanager
    def _taken(self, check: Callable[[], None], own: Sequence[Path]) -> Iterator[None]:
        """Hold the folder for writing if it may be; where nothing begins, a folder made for it goes, with its own files."""
        made = not self.path.exists()
        make_folder(self.path)
        try:
            with self.hold():
                for draft in self.path.glob(".*.tmp"):  # of a writer that was killed
                    draft.unlink()
                check()
                yield
        except BaseException:
            if made and not self.config.exists():
                for path in own:
                    path.unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # another process is here by now
                    self.path.rmdir()
            raise

    @contextlib.contextmanager
    def _left_as_it_was(self) -> Iterator[None]:
        """A new run that an error stops before its first epoch is done leaves no file; an interrupted one may go on."""
        new = not self.config.exists()
        try:
            yield
        except Exception:
            if new and not self.checkpoint.exists():
                for path in (self.config, self.pictures, self.model, self.last, self.metrics):
                    path.unlink(missing_ok=True)
                for part in ("epochs", "tensorboard"):
                    shutil.rmtree(self.path / part, ignore_errors=True)
            raise

    def _check(self, recipe: Recipe, resume: bool) -> None:
        if not self.config.exists():
            own = {self.lock.name, self.owner.name, self.pictures.name}
            others = sorted({item.name for item in self.path.iterdir()} - own)
            if others:
                raise CheckpointError(f"{self.path} is not empty and holds no run ({others[0]}): choose another folder")
            return
        if not resume:
            state = "a finished run" if self.result.exists() else "an unfinished run"
            raise CheckpointError(f"{self.path} already holds {state}: resume it, or choose another folder")
        stored = self.read_recipe()
        changed = differences(stored, recipe)
        longer = changed == ["epochs"] and recipe.epochs > stored.epochs
        if changed and not longer:
            raise CheckpointError(
                f"{self.path} holds a run of another recipe (it differs in {', '.join(changed)}): "
                "resume it with its own recipe, of which epochs alone may be more, or choose another folder"
            )
        if not self.checkpoint.exists() and (not self.result.exists() or longer) and (lines := self.read_metrics()):
            raise CheckpointError(
                f"{self.checkpoint} is lost, from which the run would go on after its {len(lines)} epochs: restore it from "
                f"a copy, or start another run from the best weights, model.start={json.dumps({'': str(self.path)})}"
            )
        if longer:
            self._lengthen(stored, recipe)

    def _lengthen(self, stored: Recipe, recipe: Recipe) -> None:
        """Let the run go on to more epochs than it was started for."""
        if self.result.exists() and self.read_result().epochs < stored.epochs:
            raise CheckpointError(
                f"the run in {self.path} stopped after {self.read_result().epochs} of {stored.epochs} epochs, since "
                f"patience is {stored.patience}: more epochs change nothing, start another run with more patience"
            )
        facts = self.read_facts()
        self.result.unlink(missing_ok=True)  # first: in between, the run is one that only has to be concluded
        self.write_config(recipe, facts)

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
