"""Picture files in, masks out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError
from edgewise._ground.folders import make_folder
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.inference.drawn import write_mask, write_overlay, write_probability
from edgewise.vision.segmentation.inference.opened import Opened, open_predictor


@dataclass(frozen=True, kw_only=True)
class Inference:
    """How masks are made and what is written.

    Attributes:
        decision: What is made of the probabilities; None: what the run says.
        probabilities: Write these too.
    """

    decision: Decision | None = None
    probabilities: bool = False


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
    run_dir: str | Path,
    images: Iterable[str | Path],
    out_dir: str | Path,
    device: str = "cpu",
    inference: Inference | None = None,
) -> Predictions:
    """Segment pictures and write each one's mask and overlay at its own size.

    A picture that cannot be used is noted and the others are done all the same.

    Args:
        run_dir: A folder made by :func:`edgewise.vision.train`.
        images: Picture files.
        out_dir: Folder for ``ID_mask.png``, 255 in the foreground (or the class of each pixel, if there are several, and
            its colour in the palette), for ``ID_overlay.png``, and where asked for ``ID_probability.png``, 16 bits with
            65535 for 1 (of several classes ``ID_probability_N.png`` for each N but the background); made if needed.
        device: Where to compute.
        inference: How, and what is written.

    Raises:
        CheckpointError: The run or the folder for the results cannot be used.
        ConfigError: The decision is not for as many classes.
    """
    inference = inference or Inference()
    opened = open_predictor(run_dir, device, inference.decision)
    return write_predictions(opened, images, out_dir, probabilities=inference.probabilities)


def write_predictions(
    opened: Opened, images: Iterable[str | Path], out_dir: str | Path, *, probabilities: bool = False
) -> Predictions:
    """:func:`predict_masks` by what was opened.

    Raises:
        CheckpointError: A file cannot be written, or the folder cannot be made.
        ConfigError: The decision is not for as many classes.
    """
    opened.predictor.decision.check(len(opened.colours))
    out_dir = make_folder(out_dir)
    done = Predictions()
    for path in map(Path, images):
        target = out_dir / f"{path.stem}_mask.png"
        try:
            if target in done.masks:
                raise DataError(f"{path} would overwrite the mask of another picture named {path.stem}: rename it")
            image = opened.read(path)
            chances = opened.predictor.probabilities(image)
        except (DataError, ConfigError, NonFiniteError) as error:
            done.failures[path] = str(error) if str(path) in str(error) else f"{path}: {error}"
            continue
        labels = opened.predictor.decision(chances).numpy()
        write_mask(target, labels, opened.colours if len(chances) > 1 else ())
        write_overlay(out_dir / f"{path.stem}_overlay.png", image, labels, opened.colours)
        if probabilities:
            _write_probabilities(out_dir / f"{path.stem}_probability.png", chances)
        done.masks.append(target)
    return done


def _write_probabilities(path: Path, chances: Tensor) -> None:
    if len(chances) == 1:
        write_probability(path, chances[0].numpy())
        return
    for index, chance in enumerate(chances[1:], start=1):
        write_probability(path.with_stem(f"{path.stem}_{index}"), chance.numpy())
