"""From a picture to its mask: by a trained run, at the picture's own size."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.errors import DataError
from edgewise._ground.folders import make_folder
from edgewise._ground.optional import require
from edgewise.io import atomic_write, load_model
from edgewise.vision.data import Preprocess, Sample
from edgewise.vision.data.pixels import is_deep
from edgewise.vision.segmentation.decision import Decision, probabilities_of
from edgewise.vision.segmentation.figures import PREDICTION
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.training.folder import RunFolder


class Predictor:
    """A network as a function from a picture to the class of each of its pixels.

    The picture is scaled as in training, its logits are resized bilinearly to the picture's own size, and only then
    decided upon: a mask as sharp as the network's resolution allows. What was learned in tiles is seen in windows that
    slide over the picture, a quarter of each overlapping the next; where they overlap, logits are averaged with weights
    that fall towards the borders of a window.

    Args:
        network: Maps (1, C, H, W) to logits (1, classes, H, W).
        preprocess: What its training images went through.
        device: Where to compute.
        decision: From probabilities to classes; None: one half, or the largest.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        device: str | torch.device = "cpu",
        decision: Decision | None = None,
    ):
        self.network = network.to(device).eval()
        self.preprocess = preprocess
        self.device = device
        self.decision = decision or Decision()

    @classmethod
    def from_run(cls, run_dir: str | Path, device: str | torch.device = "cpu") -> "Predictor":
        """The best epoch of a run.

        Raises:
            CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.

        Warns:
            EdgewiseWarning: The run is not finished.
        """
        folder = RunFolder(run_dir)
        data = folder.read_recipe(SegmentationRecipe).data
        return cls(load_model(folder.best_model()), data.preprocess, device)

    def __call__(self, image: np.ndarray) -> Tensor:
        """The class of each pixel, integers (H, W), of a picture (C, H, W) in [0, 1]."""
        return self.decision(self.probabilities(image))

    @torch.no_grad()
    def probabilities(self, image: np.ndarray) -> Tensor:
        """Of each class, (classes, H, W), of a picture (C, H, W) in [0, 1]; (1, H, W) of one foreground."""
        like = next(self.network.parameters())
        batch = self.preprocess.image(image)[None].to(like.device, like.dtype)
        logits = self.preprocess.restore(self._logits(batch).float(), image.shape[1:])
        return probabilities_of(logits[0]).cpu()

    def _logits(self, batch: Tensor) -> Tensor:
        """Logits (1, classes, H, W) of a picture (1, C, H, W)."""
        if self.preprocess.fit != "tiles":
            return self.network(batch)
        slide = require("monai.inferers", extra="training").sliding_window_inference
        return slide(batch, self.preprocess.size, 1, self.network, overlap=0.25, mode="gaussian")


@dataclass(frozen=True)
class Predictions:
    """What became of each picture."""

    masks: list[Path] = field(default_factory=list)
    """The masks written; the overlay of ``ID_mask.png`` is ``ID_overlay.png``."""
    failures: dict[Path, str] = field(default_factory=dict)
    """The pictures that could not be read, and why, in a line each."""

    def summary(self) -> str:
        """How many masks were written."""
        return f"{len(self.masks)} of {len(self.masks) + len(self.failures)} masks written"


def predict_masks(
    run_dir: str | Path, images: Iterable[str | Path], out_dir: str | Path, device: str = "cpu"
) -> Predictions:
    """Segment pictures and write each one's mask and overlay at its own size.

    A picture that cannot be read is noted and the others are done all the same.

    Args:
        run_dir: A folder made by :func:`edgewise.vision.train`.
        images: Picture files.
        out_dir: Folder for ``ID_mask.png``, 255 in the foreground (or the class of each pixel, if there are
            several), and for ``ID_overlay.png``; made if needed.
        device: Where to compute.

    Raises:
        CheckpointError: The run or the folder for the results cannot be used.
    """
    predictor = Predictor.from_run(run_dir, device)
    folder = RunFolder(run_dir)
    classes = folder.read_recipe(SegmentationRecipe).data.classes
    window, scale = folder.read_facts()["window"], 255 if classes == 1 else 1
    out_dir = make_folder(out_dir)
    done = Predictions()
    for path in map(Path, images):
        target = out_dir / f"{path.stem}_mask.png"
        try:
            if target in done.masks:
                raise DataError(f"{path} would overwrite the mask of another picture named {path.stem}: rename it")
            image = _read(path, window)
        except DataError as error:
            done.failures[path] = str(error)
            continue
        labels = predictor(image).numpy().astype(np.uint8)
        _write_png(target, labels * scale)
        _write_png(out_dir / f"{path.stem}_overlay.png", overlay(image, labels))
        done.masks.append(target)
    return done


def overlay(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The picture (C, H, W) in [0, 1] with the outline of what is not background, as RGB bytes (H, W, 3)."""
    base = np.broadcast_to(image if len(image) == 3 else image[:1], (3, *image.shape[1:]))
    pixels = np.rint(base.transpose(1, 2, 0) * 255).astype(np.uint8)
    pixels[_outline(labels > 0)] = tuple(bytes.fromhex(PREDICTION[1:]))
    return pixels


def _outline(mask: np.ndarray) -> np.ndarray:
    """The foreground pixels that have background beside them; the picture's frame is no background."""
    inside = np.pad(mask, 1, mode="edge")
    return mask & ~(inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:])


def _read(path: Path, window: tuple[float, float] | None) -> np.ndarray:
    """A picture as training saw it: the window of its dataset is in units of 16 bits and says nothing of 8."""
    return Sample(path.stem, path, window=window if is_deep(path) else None).read_image()


def _write_png(path: Path, pixels: np.ndarray) -> None:
    buffer = io.BytesIO()
    require("PIL.Image", extra="data").fromarray(pixels).save(buffer, format="png")
    atomic_write(path, buffer.getvalue())
