"""Scores of a run of volumes, at each scan's own voxels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import ConfigError
from edgewise.vision.data.legend import Legend
from edgewise.vision.segmentation.evaluate import Seen, evaluate_masks
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.training.files import RunFiles, warn_of_learned
from edgewise.vision.volumes.images import open_run, read_as_noted
from edgewise.vision.volumes.opened import OpenedVolumes
from edgewise.vision.volumes.recipe import ScanRecipe
from edgewise.vision.volumes.sample import VolumeSet, scans_of


def evaluate_files(
    run: RunFiles,
    masks: MaskPredictor,
    dataset: VolumeSet | None = None,
    others: Sequence[RunFiles] = (),
    seen: Seen | None = None,
) -> Evaluation:
    """Score what makes masks of the scans of a run.

    Args:
        run: Its files.
        masks: A predictor of scans.
        dataset: Scans with masks, read by the run's intensities; None: the run's own test scans.
        others: The files of further runs that the predictor is made of.
        seen: Told of each case, as in :func:`edgewise.vision.segmentation.evaluate.evaluate_masks`.

    Raises:
        CheckpointError: The folder holds no run of volumes.
        ConfigError: The dataset has no volumes.
        DataError: A scan or its mask cannot be used, the dataset has a class of the run under another number, or the run's
            own are not those that it was started with.

    Warns:
        EdgewiseWarning: The run was trained on scans of the dataset.
    """
    if dataset is None:
        found = open_run(run).test
    elif not isinstance(dataset, VolumeSet):
        raise ConfigError(f"dataset {dataset.name!r} has no volumes, of which {run.path} is a run: give scans with masks")
    else:
        facts = run.read_facts()
        Legend.from_dict(facts["legend"]).check_order(dataset.legend, dataset.name)
        warn_of_learned((run, *others), dataset)
        found = read_as_noted(dataset, facts, coding=False)
    found = replace(found, samples=tuple(scan.measured() for scan in scans_of(found)))
    return evaluate_masks(masks, found, run.read_recipe(ScanRecipe).data.classes, seen)


def evaluate_exported(path: Path, opened: OpenedVolumes, dataset: VolumeSet | None) -> Evaluation:
    """Score an exported file, which says how scans are read and knows no test side.

    Args:
        path: The file.
        opened: What it makes masks by.
        dataset: Scans with masks.

    Raises:
        ConfigError: There are no scans to score.
        DataError: A scan or its mask cannot be used, or the dataset has a class of the file under another number.
    """
    if not isinstance(dataset, VolumeSet):
        raise ConfigError(f"{path} does not know its test scans: say which with masks to score, --data NAME --root DIR")
    legend, (window, scale) = Legend.of(len(opened.classes), opened.classes), opened.levels
    legend.check_order(dataset.legend, dataset.name)
    read = {"window": tuple(window) if window else None, "scale": scale}
    samples = tuple(replace(scan, **read).measured() for scan in scans_of(dataset))
    classes = len(opened.colours) + 1 if len(opened.colours) > 1 else 1
    return evaluate_masks(opened.predictor, replace(dataset, samples=samples, legend=legend), classes)
