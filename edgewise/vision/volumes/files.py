"""Scans in, masks out."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from edgewise._ground.folders import make_folder
from edgewise.vision.segmentation.inference.drawn import write_pixels
from edgewise.vision.segmentation.inference.each import Predictions, write_each
from edgewise.vision.segmentation.inference.files import Inference
from edgewise.vision.volumes.drawn import draw_planes
from edgewise.vision.volumes.finding import Scan, find_scans
from edgewise.vision.volumes.nifti import write_nifti
from edgewise.vision.volumes.opened import OpenedVolumes
from edgewise.vision.volumes.opening import open_volume_predictor


def predict_volumes(
    runs: str | Path | Sequence[str | Path],
    scans: Iterable[str | Path],
    out_dir: str | Path,
    device: str = "cpu",
    inference: Inference | None = None,
) -> Predictions:
    """Segment scans and write each one's mask as NIfTI on the scan's own grid, and slices with outlines as a picture.

    A scan that cannot be used is noted and the others are done all the same. Results of scans in subfolders, such as
    ``patient/study/series/``, lie in such subfolders.

    Args:
        runs: A folder made by :func:`edgewise.vision.train`, an ONNX file of one, or several, whose probabilities are
            averaged.
        scans: NIfTI files, TIFF stacks and folders of DICOM slices, and folders with any of these in them;
            ``ID_0000`` and ``ID_0001`` are channels of one.
        out_dir: Folder for ``ID_mask.nii.gz``, the class of each voxel; for ``ID_overlay.png``, see
            :func:`edgewise.vision.volumes.drawn.draw_planes`; and where asked for ``ID_probability.nii.gz``, that of the
            foreground or a volume for each class; made if needed.
        device: Where to compute.
        inference: How, and what is written.

    Raises:
        CheckpointError: The run or the folder for the results cannot be used, or a file of it cannot be written.
        ConfigError: The decision is not for as many classes, the runs do not go together, or scans should be mirrored and
            were not in training.
        DataError: A folder holds no scan.
    """
    inference = inference or Inference()
    opened = open_volume_predictor(
        [Path(run) for run in ([runs] if isinstance(runs, str | Path) else runs)],
        device,
        inference.decision,
        inference.turned,
    )
    opened.predictor.decision.check(len(opened.colours))
    found = find_scans(scans, Path(out_dir), opened.channels)
    return write_each(found, out_dir, "_mask.nii.gz", partial(_predict, opened, inference.probabilities))


def _predict(opened: OpenedVolumes, probabilities: bool, scan: Scan, out_dir: Path) -> None:
    """Write what is made of a scan."""
    volume = opened.scan(scan)
    chances = opened.predictor.probabilities(volume)  # pyright: ignore[reportArgumentType] (of volumes)
    labels = opened.predictor.decision(chances).numpy().astype(np.uint8)
    mask = scan.result(out_dir, "_mask.nii.gz")
    make_folder(mask.parent)
    write_nifti(mask, labels, volume.affine)
    write_pixels(scan.result(out_dir, "_overlay.png"), draw_planes(volume, labels, opened.colours))
    if probabilities:
        numbers = chances.numpy() if len(chances) > 1 else chances[0].numpy()
        write_nifti(scan.result(out_dir, "_probability.nii.gz"), numbers, volume.affine)
