"""What is done with a run, whatever it was trained for: its task is looked up and asked."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from edgewise._ground.errors import ConfigError, warn
from edgewise.models.deployment import Deployment
from edgewise.vision.data import ClassificationSet, SegmentationSet
from edgewise.vision.ensembles.chosen import Chosen, reader_of
from edgewise.vision.ensembles.folder import EnsembleFolder
from edgewise.vision.segmentation.inference.files import Inference
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.members import members_of
from edgewise.vision.training.page import Compared, Evaluation, Report
from edgewise.vision.training.tasks import TASKS, Predicted, Tuned, task_of


def evaluate(
    runs: str | Path | Sequence[str | Path],
    dataset: SegmentationSet | ClassificationSet | None = None,
    *,
    device: str = "cpu",
    inference: Inference | None = None,
) -> Evaluation:
    """Score the best epoch of a run as its task is scored; of several, or of an ensemble, the mean of their probabilities.

    Args:
        runs: The run, the folder of an ensemble, an ONNX file that was exported of a segmentation, or several of these.
        dataset: Pictures with their masks, each scored at its own size, or with their classes; None: the run's own test
            images.
        device: Where to compute.
        inference: Of a segmentation, how masks are made: as by :func:`predict`, which makes the same.

    Raises:
        CheckpointError: The folder holds no run, it has done no epoch yet, or its model is corrupted.
        ConfigError: Several runs do not go together or have other test images, an ONNX file is given without a dataset, or
            something was asked for that only a segmentation has.
        DataError: A picture, its mask or its class cannot be used.
    """
    scored = Chosen.of(runs)
    task = scored.task()
    if dataset is None and len(scored.runs) > 1:
        scored.check_test_images()
    return task.evaluate(scored.runs, scored.members, dataset, device, inference)


def compare_runs(
    first: str | Path | Sequence[str | Path],
    second: str | Path | Sequence[str | Path],
    dataset: SegmentationSet | ClassificationSet | None = None,
    *,
    device: str = "cpu",
    inference: Inference | None = None,
) -> Compared:
    """Score two runs or ensembles of one task on the same images; differences are the first less the second.

    Each difference has a 95 % interval by bootstrap over the groups of the images, both runs on the same samples.

    Args:
        first: What :func:`evaluate` takes.
        second: Another, whose classes are the same.
        dataset: Pictures with their masks or classes; None: the runs' own test images, which must be the same.
        device: Where to compute.
        inference: As in :func:`evaluate`, for both.

    Raises:
        ConfigError: The runs were not trained for the same task, or it has no comparison.
        CheckpointError: A folder holds no run, it has done no epoch yet, or its model is corrupted.
        DataError: A picture, its mask or its class cannot be used, or the images are not the same for both.
    """
    one, other = (Chosen.of(runs).task() for runs in (first, second))
    if type(one) is not type(other):
        raise ConfigError("the runs were trained for different tasks: score each for itself")
    compared = one.comparison()
    return compared(*(evaluate(runs, dataset, device=device, inference=inference) for runs in (first, second)))


def predict(
    runs: str | Path | Sequence[str | Path],
    images: Iterable[str | Path],
    out_dir: str | Path,
    device: str = "cpu",
    inference: Inference | None = None,
) -> Predicted:
    """Segment pictures, or name their classes, by the best epoch of a run or by the mean of the probabilities of several.

    A picture that cannot be read is noted and the others are done all the same. See
    :func:`edgewise.vision.segmentation.inference.files.predict_masks` and
    :func:`edgewise.vision.classification.files.predict_classes` for what is written.

    Args:
        runs: The run, a folder of runs such as an ensemble, an ONNX file that was exported of one, or several of these.
        images: Picture files, and folders of them.
        out_dir: Folder for the results; made if needed.
        device: Where to compute.
        inference: Of a segmentation, how masks are made and what is written.

    Raises:
        CheckpointError: The run or the folder for the results cannot be used.
        ConfigError: The run is of classification, and something was asked for that only a segmentation has; or several
            runs do not go together.
        DataError: A folder holds no picture.
    """
    paths = [runs] if isinstance(runs, str | Path) else runs
    for path in paths:
        if missing := EnsembleFolder(path).missing():
            warn(missing)
    members = members_of(paths)
    exported = members[0].suffix == ".onnx"
    task = TASKS.create(reader_of(members[0])) if exported else task_of(RunFolder(members[0]).read_recipe())
    return task.predict(members, images, Path(out_dir), device, inference)


def tune_threshold(run_dir: str | Path, device: str = "cpu") -> Tuned:
    """Choose the threshold of a run of one foreground and keep it in its folder.

    Of 0.001, 0.002, ..., 0.999 it is the one of largest IoU over all pixels of the validation images, at their own size
    and before components are removed; of several that are as good, the nearest to 0.5. Scores, predictions, reports and
    exports of the run use it from then on. The test images have no part in it.

    An ensemble uses the mean of the thresholds of its members, of which each is tuned for itself.

    Args:
        run_dir: The run.
        device: Where to compute.

    Raises:
        CheckpointError: The folder holds no finished run, or its model is corrupted.
        ConfigError: It is of no segmentation, or has several classes.
        DataError: The images cannot be used, or no validation image has any foreground.
    """
    return task_of(RunFolder(run_dir).read_recipe()).tune_threshold(Path(run_dir), device)


def deploy(run_dir: str | Path) -> Deployment:
    """The best epoch of a run for use where edgewise is not: for :func:`edgewise.export.to_onnx`.

    What goes with the network says how a picture is made ready for it and what its outputs mean; see ``docs/export.md``.

    Args:
        run_dir: The run.

    Raises:
        CheckpointError: The folder holds no run, it has done no epoch yet, or its model is corrupted.
    """
    return task_of(RunFolder(run_dir).read_recipe()).deployment(Path(run_dir))


def write_report(
    run_dirs: Sequence[str | Path], path: str | Path, titles: Sequence[str] | None = None, device: str = "cpu"
) -> Report:
    """Score finished runs on their test images and write what was found as HTML, and an overview as PNG next to it.

    The overview shows the outlines of the best, median and worst test image, or of a classification the mistakes.

    Args:
        run_dirs: Folders made by :func:`edgewise.vision.train`, all of the same data.
        path: The HTML file; the overview has its name with ``.png``.
        titles: A name for each run; none: its model's, with the folder's where two are of one model.
        device: Where to compute.

    Raises:
        ConfigError: The runs are not of the same data, or none is given.
        CheckpointError: A run is not finished or corrupted, or the report cannot be written.
        DataError: The images cannot be used.
    """
    recipes = [RunFolder(run_dir).read_recipe() for run_dir in run_dirs]
    if not recipes:
        raise ConfigError("no run to report on: give at least one run folder")
    if len({recipe.task for recipe in recipes}) > 1:
        raise ConfigError("the runs were trained for different tasks: report on them one by one")
    return task_of(recipes[0]).report(list(run_dirs), Path(path), titles, device)
