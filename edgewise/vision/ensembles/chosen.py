"""Which runs somebody means by the paths of runs, ensembles and exported files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewise._ground.errors import ConfigError
from edgewise.vision.ensembles.folder import EnsembleFolder
from edgewise.vision.segmentation.inference.onnx import task_in
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.members import members_of
from edgewise.vision.training.tasks import TASKS, Task
from edgewise.vision.volumes.recipe import VolumeRecipe


def reader_of(path: Path) -> str:
    """The task that reads an exported file; of what none reads that of pictures, which says so.

    Raises:
        CheckpointError: It is missing, or no ONNX file.
    """
    return VolumeRecipe.task if task_in(path) == VolumeRecipe.task else SegmentationRecipe.task


@dataclass(frozen=True)
class Chosen:
    """Runs, ensembles and exported files that are asked as one.

    Attributes:
        runs: The files of runs and of ensembles.
        members: The runs, the members of the ensembles and the exported files.
    """

    runs: list[RunFolder]
    members: list[Path]

    @classmethod
    def of(cls, paths: str | Path | Sequence[str | Path]) -> "Chosen":
        """What some paths name."""
        runs, members = [], []
        for path in [paths] if isinstance(paths, str | Path) else paths:
            ensemble = EnsembleFolder(path)
            found = ensemble.members() if ensemble.is_there else members_of([path])
            runs += [ensemble] if ensemble.is_there else [RunFolder(each) for each in found if each.suffix != ".onnx"]
            members += found
        if not members:
            raise ConfigError("no run to score: give at least one")
        return cls(runs, members)

    def task(self) -> Task:
        """What all were trained for; of exported files alone, that which reads them."""
        first, *others = [run.read_recipe().task for run in self.runs] or [reader_of(self.members[0])]
        if any(other != first for other in others):
            raise ConfigError("the runs were trained for different tasks: score each for itself")
        return TASKS.create(first)

    def check_test_images(self) -> None:
        """Refuse runs of other test images, of which those of the first would be scored."""
        sides = [(run, inventory.sides["test"]) for run in self.runs if (inventory := run.read_inventory()) is not None]
        for run, side in sides[1:]:
            if side != sides[0][1]:
                raise ConfigError(
                    f"{run.path} was started with other test images than {sides[0][0].path}: say which to score, "
                    "--data NAME --root DIR"
                )
