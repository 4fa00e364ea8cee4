"""The folder of an ensemble: what is in it, and what may be started or resumed in it."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edgewise._ground.errors import CheckpointError
from edgewise.io import read_json, write_json
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.recipe import Recipe, differences
from edgewise.vision.training.strict import require_that


@dataclass(frozen=True, kw_only=True)
class Members:
    """How many runs an ensemble has.

    Example:
        >>> [name for name, _, _ in Members(folds=2, seeds=2).names()]
        ['fold0-seed0', 'fold0-seed1', 'fold1-seed0', 'fold1-seed1']
    """

    folds: int = 5
    """Parts of the images, each of which is left out once."""
    seeds: int = 1
    """Runs for each of them, with the seed of the recipe and the following ones."""

    def __post_init__(self):
        require_that(self.folds >= 2, "folds", self.folds, "at least 2")
        require_that(self.seeds >= 1, "seeds", self.seeds, "at least 1")

    def names(self) -> Iterator[tuple[str, int, int]]:
        """Of each run its name, its fold and its seed."""
        for fold in range(self.folds):
            for seed in range(self.seeds):
                yield f"fold{fold}-seed{seed}", fold, seed


class EnsembleFolder(RunFolder):
    """The files of an ensemble, under one path.

    ``ensemble.json`` the recipe, what its task noted and the number of folds and seeds; ``folds.json`` the pictures of each
    side of each fold, with their digests; ``pictures.json`` those of the whole, where the test side is what no member sees;
    ``fold0-seed0`` and so on, ordinary runs, whose test sides are their folds; ``scores.json`` once all are finished.
    """

    def __init__(self, path: str | Path):
        super().__init__(path)
        self.config = self.path / "ensemble.json"
        self.folds = self.path / "folds.json"
        self.scores = self.path / "scores.json"

    @property
    def is_there(self) -> bool:
        """Whether the folder holds an ensemble."""
        return self.config.exists()

    def member(self, name: str) -> RunFolder:
        """The run of a member."""
        return RunFolder(self.path / name)

    def members(self, fold: int | None = None) -> list[Path]:
        """The runs of all members, by name.

        Args:
            fold: Of those alone that did not see this fold; None: of all.

        Raises:
            CheckpointError: A member has not begun.
        """
        if missing := self.missing():
            raise CheckpointError(missing)
        return sorted(self.path / name for name, of, _ in self.read_members().names() if fold in (None, of))

    def read_members(self) -> Members:
        """How many members there are.

        Raises:
            CheckpointError: The folder holds no ensemble, or the file is damaged.
        """
        values = read_json(self.config)
        try:
            return Members(**values["members"])
        except (TypeError, KeyError, ValueError) as error:
            raise CheckpointError(f"{self.config} is not edgewise's ({error}): restore it from a copy") from error

    def missing(self) -> str:
        """A sentence on the members of an ensemble that have not begun; empty where there are none."""
        names = [name for name, _, _ in self.read_members().names()] if self.is_there else []
        missing = [name for name in names if not self.member(name).config.exists()]
        if not missing:
            return ""
        return (
            f"{self.path} lacks {len(missing)} of {len(names)} members, the first is {missing[0]}: `edgewise ensemble "
            "--resume` trains them"
        )

    def read_folds(self) -> list[Inventory]:
        """The pictures of each side of each fold."""
        return [Inventory.from_dict(values) for values in read_json(self.folds)]

    def begin(
        self, recipe: Recipe, members: Members, facts: Mapping[str, Any], whole: Inventory, folds: Sequence[Inventory]
    ) -> None:
        """Note what the ensemble is made of; its configuration last, so that where there is one there is all."""
        self.write_inventory(whole)
        write_json(self.folds, [fold.to_dict() for fold in folds])
        self.write_members(recipe, members, facts)

    def write_members(self, recipe: Recipe, members: Members, facts: Mapping[str, Any]) -> None:
        """Note the recipe and how many members there are to be."""
        self.write_config(recipe, facts, members=asdict(members))

    @contextlib.contextmanager
    def open_members(self, recipe: Recipe, members: Members, resume: bool) -> Iterator[None]:
        """Hold the folder for writing, as a new ensemble or as the same one resumed.

        Raises:
            CheckpointError: Another process writes here, or the folder holds something else than what is asked for.
        """
        own = (self.lock, self.pictures, self.folds)
        with self._taken(lambda: self._check_members(recipe, members, resume), own):
            yield

    def _check_members(self, recipe: Recipe, members: Members, resume: bool) -> None:
        if not self.is_there:
            own = {self.lock.name, self.owner.name, self.pictures.name, self.folds.name}
            if others := sorted({item.name for item in self.path.iterdir()} - own):
                raise CheckpointError(
                    f"{self.path} is not empty and holds no ensemble ({others[0]}): choose another folder"
                )
            return
        if not resume:
            raise CheckpointError(f"{self.path} already holds an ensemble: resume it, or choose another folder")
        stored, before = self.read_recipe(), self.read_members()
        changed = differences(stored, recipe)
        longer = changed == ["epochs"] and recipe.epochs > stored.epochs
        if (changed and not longer) or members.folds != before.folds or members.seeds < before.seeds:
            what = [*changed, *(name for name in ("folds", "seeds") if getattr(members, name) != getattr(before, name))]
            raise CheckpointError(
                f"{self.path} holds another ensemble (it differs in {', '.join(what)}): resume it as it is, of which "
                "epochs and seeds alone may be more, or choose another folder"
            )
        if longer or members != before:
            self.scores.unlink(missing_ok=True)  # first: in between, it only has to be scored again
            self.write_members(replace(stored, epochs=recipe.epochs), members, self.read_facts())
