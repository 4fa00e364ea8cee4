"""From a scan to its mask: by a trained run, at the scan's own voxels."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError
from edgewise._ground.folders import make_folder
from edgewise.io import load_model
from edgewise.vision.data.intensity import scale_from
from edgewise.vision.segmentation.decision import Decision, probabilities_of
from edgewise.vision.segmentation.inference.ensemble import Ensemble
from edgewise.vision.segmentation.inference.files import Inference, Predictions
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.segmentation.inference.tiles import slide
from edgewise.vision.segmentation.tuned import decision_of
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.volumes.dataset import channels_of
from edgewise.vision.volumes.nifti import write_nifti
from edgewise.vision.volumes.preprocess import VolumePreprocess
from edgewise.vision.volumes.reading import volume_files
from edgewise.vision.volumes.recipe import VolumeRecipe
from edgewise.vision.volumes.sample import VolumeSample
from edgewise.vision.volumes.volume import Volume


class VolumePredictor(MaskPredictor):
    """A network as a function from a scan to the class of each of its voxels.

    Args:
        network: Maps ``(1, C, *size)`` to logits ``(1, classes, *size)``.
        size: Of the windows that slide over a scan.
        preprocess: What its training scans went through.
        device: Where to compute.
        decision: What is made of the probabilities.
    """

    def __init__(
        self,
        network: nn.Module,
        size: Sequence[int],
        preprocess: VolumePreprocess,
        device: str | torch.device = "cpu",
        decision: Decision | None = None,
    ):
        super().__init__(decision, symmetry="none")
        self.network = network.to(device).eval()
        self.size, self.preprocess = size, preprocess

    @classmethod
    def from_run(
        cls, run_dir: str | Path, device: str | torch.device = "cpu", decision: Decision | None = None
    ) -> "VolumePredictor":
        """The best epoch of a run.

        Raises:
            CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.

        Warns:
            EdgewiseWarning: The run is not finished.
        """
        folder = RunFolder(run_dir)
        size, facts = folder.read_recipe(VolumeRecipe).data.size, folder.read_facts()
        preprocess = VolumePreprocess(tuple(facts["spacing"]))
        return cls(load_model(folder.best_model()), size, preprocess, device, decision_of(folder, decision))

    @torch.no_grad()
    def probabilities(self, image: Volume) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] (of volumes)
        """The probability of each class ``(classes, D, H, W)`` of a scan in [0, 1]; of one foreground ``(1, D, H, W)``.

        Raises:
            NonFiniteError: The network's answer holds a NaN or an infinity.
        """
        like = next(self.network.parameters())
        batch = self.preprocess.image(image)[None].to(like.device, like.dtype)
        logits = self.preprocess.restore(slide(self.network, batch, self.size)[0].float().cpu(), image)
        if not torch.isfinite(logits).all():
            raise NonFiniteError(
                "the network's logits hold a NaN or an infinity: look for them in the scan, or train the network anew"
            )
        return probabilities_of(logits)


def predict_volumes(
    runs: str | Path | Sequence[str | Path],
    scans: Iterable[str | Path],
    out_dir: str | Path,
    device: str = "cpu",
    inference: Inference | None = None,
) -> Predictions:
    """Segment scans and write each one's mask as NIfTI on the scan's own grid.

    A scan that cannot be used is noted and the others are done all the same.

    Args:
        runs: A folder made by :func:`edgewise.vision.train`, or several, whose probabilities are averaged.
        scans: NIfTI files, and folders of DICOM slices; ``ID_0000`` and ``ID_0001`` are channels of one.
        out_dir: Folder for ``ID_mask.nii.gz``, the class of each voxel, and where asked for ``ID_probability.nii.gz``,
            a volume for each class; made if needed.
        device: Where to compute.
        inference: How, and what is written.

    Raises:
        CheckpointError: The run or the folder for the results cannot be used.
        ConfigError: The decision is not for as many classes, or the runs do not go together, or scans should be turned.
        DataError: A folder holds no scan.
    """
    inference = inference or Inference()
    if inference.turned:
        raise ConfigError("scans lie as they do in the body and are not turned in predictions: leave tta out")
    folders = [RunFolder(run) for run in ([runs] if isinstance(runs, str | Path) else runs)]
    data, facts = folders[0].read_recipe(VolumeRecipe).data, folders[0].read_facts()
    for folder in folders[1:]:
        if any(folder.read_facts()[name] != facts[name] for name in ("window", "scale", "legend")):
            raise ConfigError(f"{folder.path} has other intensities or classes than {folders[0].path}: predict one by one")
        if (channels := folder.read_recipe(VolumeRecipe).data.channels) != data.channels:
            raise ConfigError(
                f"{folder.path} takes scans of {channels} channels and {folders[0].path} of {data.channels}: predict one "
                "by one"
            )
    members = [VolumePredictor.from_run(folder.path, device, inference.decision) for folder in folders]
    predictor = members[0] if len(members) == 1 else Ensemble(members, inference.decision)
    predictor.decision.check(max(data.classes - 1, 1))
    out_dir, done = make_folder(out_dir), Predictions()
    read = {"window": facts["window"], "scale": scale_from(facts["scale"]), "given": data.options.get("spacing")}
    for name, files in channels_of(volume_files(scans, out_dir), data.channels):
        target = out_dir / f"{name}_mask.nii.gz"
        try:
            if target in done.masks:
                raise DataError(f"{files[0]} would overwrite the mask of another scan named {name}: rename it")
            volume = _read(name, files, data.channels, read)
            chances = predictor.probabilities(volume)  # pyright: ignore[reportArgumentType] (members take volumes)
        except (DataError, ConfigError, NonFiniteError) as error:
            done.fail(files[0], error)
            continue
        write_nifti(target, predictor.decision(chances).numpy().astype(np.uint8), volume.affine)
        if inference.probabilities:
            write_nifti(out_dir / f"{name}_probability.nii.gz", chances.numpy(), volume.affine)
        done.masks.append(target)
    return done


def _read(name: str, files: Sequence[Path], channels: int, read: dict[str, Any]) -> Volume:
    volume = VolumeSample(name, files[0], others=tuple(files[1:]), **read).read_image()
    if len(volume.array) != channels:
        raise DataError(f"{files[0]} has {len(volume.array)} channels and the run was trained on {channels}; give as many")
    return volume
