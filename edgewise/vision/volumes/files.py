"""Scans in, masks out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.folders import make_folder
from edgewise.vision.data.intensity import scale_from
from edgewise.vision.data.legend import Legend
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.drawn import Colour, palette, write_pixels
from edgewise.vision.segmentation.inference.each import Predictions, write_each
from edgewise.vision.segmentation.inference.ensemble import Ensemble
from edgewise.vision.segmentation.inference.files import Inference
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.volumes.drawn import draw_planes
from edgewise.vision.volumes.finding import Scan, find_scans
from edgewise.vision.volumes.nifti import write_nifti
from edgewise.vision.volumes.opening import open_member
from edgewise.vision.volumes.recipe import ScanRecipe
from edgewise.vision.volumes.sample import VolumeSample
from edgewise.vision.volumes.volume import Volume


@dataclass(frozen=True)
class OpenedVolumes:
    """A predictor of scans with what its runs know of files.

    Attributes:
        predictor: What makes masks of scans.
        read: How scans are read: settings of :class:`VolumeSample`.
        channels: How many a scan has.
        colours: Of each foreground class.
    """

    predictor: MaskPredictor
    read: dict[str, Any]
    channels: int
    colours: Sequence[Colour]

    def scan(self, scan: Scan) -> Volume:
        """A scan in [0, 1] as training saw it.

        Raises:
            DataError: A file cannot be used, or there are other channels.
        """
        volume = VolumeSample(scan.name, scan.path, others=scan.others, **self.read).read_image()
        if len(volume.array) != self.channels:
            raise DataError(
                f"{scan.path} has {len(volume.array)} channels and the run was trained on {self.channels}; give as many"
            )
        return volume


def open_volume_predictor(
    runs: Sequence[Path], device: str = "cpu", decision: Decision | None = None, turned: bool = False
) -> OpenedVolumes:
    """What makes masks of scans: the best epoch of a run, or the mean of several; see :func:`open_member`.

    Raises:
        CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.
        ConfigError: Several runs do not go together.
    """
    folders = [RunFolder(run) for run in runs]
    data, facts = folders[0].read_recipe(ScanRecipe).data, folders[0].read_facts()
    for folder in folders[1:]:
        if any(folder.read_facts()[name] != facts[name] for name in ("window", "scale", "legend")):
            raise ConfigError(f"{folder.path} has other intensities or classes than {folders[0].path}: predict one by one")
        if (channels := folder.read_recipe(ScanRecipe).data.channels) != data.channels:
            raise ConfigError(
                f"{folder.path} takes scans of {channels} channels and {folders[0].path} of {data.channels}: predict one "
                "by one"
            )
    members = [open_member(folder.path, device, decision, turned) for folder in folders]
    predictor = members[0] if len(members) == 1 else Ensemble(members, decision)
    read = {"window": facts["window"], "scale": scale_from(facts["scale"]), "given": data.options.get("spacing")}
    return OpenedVolumes(predictor, read, data.channels, palette(Legend.noted(facts, data.classes).colours))


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
        runs: A folder made by :func:`edgewise.vision.train`, or several, whose probabilities are averaged.
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
