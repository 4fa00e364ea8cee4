"""Picture files in, masks out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.folders import make_folder
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.drawn import write_mask, write_overlay, write_probability
from edgewise.vision.segmentation.inference.each import Predictions, write_each
from edgewise.vision.segmentation.inference.opened import Opened
from edgewise.vision.segmentation.inference.opening import open_predictor
from edgewise.vision.segmentation.inference.pictures import Picture, find_pictures


@dataclass(frozen=True, kw_only=True)
class Inference:
    """How masks are made and what is written.

    Attributes:
        decision: What is made of the probabilities; where it says nothing, what the run says.
        turned: See each picture or scan turned and flipped too, as in training, and average the probabilities: two to eight
            times the work.
        probabilities: Write these too.
    """

    decision: Decision | None = None
    turned: bool = False
    probabilities: bool = False


def scored_by(inference: Inference | None) -> Inference:
    """How masks are made that are scored, and not written.

    Raises:
        ConfigError: Probabilities are to be written.
    """
    if inference is not None and inference.probabilities:
        raise ConfigError("probabilities are written by a prediction and not by an evaluation: leave them out")
    return inference or Inference()


def predict_masks(
    runs: str | Path | Sequence[str | Path],
    images: Iterable[str | Path],
    out_dir: str | Path,
    device: str = "cpu",
    inference: Inference | None = None,
) -> Predictions:
    """Segment pictures and write each one's mask and overlay at its own size.

    Pictures are turned as their EXIF says, and alpha is left out. One that cannot be used is noted, and the others are done
    all the same. Results of pictures in subfolders lie in such subfolders, and so do those of several folders.

    Args:
        runs: A folder made by :func:`edgewise.vision.train`, a folder of such, an ONNX file of one, or several of these;
            of several, the probabilities are averaged.
        images: Picture files, and folders of them.
        out_dir: Folder for ``ID_mask.png``, 255 in the foreground (or the class of each pixel, if there are several, and
            its colour in the palette), for ``ID_overlay.png``, and where asked for ``ID_probability.png``, 16 bits with
            65535 for 1 (of several classes ``ID_probability_N.png`` for each N but the background); made if needed.
        device: Where to compute.
        inference: How, and what is written.

    Raises:
        CheckpointError: The run or the folder for the results cannot be used, or a file of it cannot be written.
        ConfigError: The decision is not for as many classes, or several runs do not go together.
        DataError: A folder holds no picture.
    """
    inference = inference or Inference()
    opened = open_predictor(runs, device, inference.decision, inference.turned)
    return write_predictions(opened, images, out_dir, probabilities=inference.probabilities)


def write_predictions(
    opened: Opened, images: Iterable[str | Path], out_dir: str | Path, *, probabilities: bool = False
) -> Predictions:
    """:func:`predict_masks` by what was opened.

    Raises:
        CheckpointError: A file cannot be written, or the folder cannot be made.
        ConfigError: The decision is not for as many classes.
        DataError: A folder holds no picture.
    """
    opened.predictor.decision.check(len(opened.colours))
    pictures = find_pictures(images, Path(out_dir))
    return write_each(pictures, out_dir, "_mask.png", partial(_predict, opened, probabilities))


def _predict(opened: Opened, probabilities: bool, picture: Picture, out_dir: Path) -> None:
    """Write what is made of a picture."""
    image = opened.read(picture.path)
    chances = opened.predictor.probabilities(image)
    labels = opened.predictor.decision(chances).numpy()
    mask = picture.result(out_dir, "_mask.png")
    make_folder(mask.parent)
    write_mask(mask, labels, opened.colours if len(chances) > 1 else ())
    write_overlay(picture.result(out_dir, "_overlay.png"), image, labels, opened.colours)
    if probabilities:
        _write_probabilities(picture.result(out_dir, "_probability.png"), chances)


def _write_probabilities(path: Path, chances: Tensor) -> None:
    if len(chances) == 1:
        write_probability(path, chances[0].numpy())
        return
    for index, chance in enumerate(chances[1:], start=1):
        write_probability(path.with_stem(f"{path.stem}_{index}"), chance.numpy())
