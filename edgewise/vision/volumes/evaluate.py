"""Scores of a run of volumes, at each scan's own voxels."""

from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import ConfigError
from edgewise.vision.data.legend import Legend
from edgewise.vision.segmentation.evaluate import Seen, evaluate_masks
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.volumes.images import open_run, read_as_noted
from edgewise.vision.volumes.opening import open_member
from edgewise.vision.volumes.recipe import ScanRecipe
from edgewise.vision.volumes.sample import VolumeSet, scans_of


def evaluate_volumes(
    run_dir: str | Path, dataset: VolumeSet | None = None, device: str = "cpu", seen: Seen | None = None
) -> Evaluation:
    """Score the best epoch of a run of volumes.

    Args:
        run_dir: The run.
        dataset: Scans with masks, read by the run's intensities; None: the run's own test scans.
        device: Where to compute.
        seen: Told of each case, as in :func:`edgewise.vision.segmentation.evaluate.evaluate_masks`.

    Raises:
        CheckpointError: The folder holds no run, or its model is corrupted.
        ConfigError: The dataset has no volumes.
        DataError: A scan or its mask cannot be used, the dataset has a class of the run under another number, or the run's
            own are not those that it was started with.

    Warns:
        EdgewiseWarning: The run was trained on scans of the dataset.
    """
    folder = RunFolder(run_dir)
    if dataset is None:
        found = open_run(folder).test
    elif not isinstance(dataset, VolumeSet):
        raise ConfigError(f"dataset {dataset.name!r} has no volumes, of which {run_dir} is a run: give scans with masks")
    else:
        facts = folder.read_facts()
        Legend.from_dict(facts["legend"]).check_order(dataset.legend, dataset.name)
        if (inventory := folder.read_inventory()) is not None:
            inventory.warn_of_learned(dataset)
        found = read_as_noted(dataset, facts, coding=False)
    found = replace(found, samples=tuple(scan.measured() for scan in scans_of(found)))
    classes = folder.read_recipe(ScanRecipe).data.classes
    return evaluate_masks(open_member(run_dir, device), found, classes, seen)
