"""From a picture to its class: by a trained run."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.errors import DataError
from edgewise._ground.folders import make_folder
from edgewise.io import atomic_write, load_model
from edgewise.vision.classification.images import view_of
from edgewise.vision.classification.network import of_pictures
from edgewise.vision.classification.recipe import ClassificationRecipe
from edgewise.vision.data import View
from edgewise.vision.data.pictures import read_bytes
from edgewise.vision.data.pixels import picture_files
from edgewise.vision.training.folder import RunFolder


class ClassPredictor:
    """A network as a function from pictures to the logits of their classes.

    Args:
        network: Maps (B, C, H, W) to logits (B, classes).
        view: What it sees of a picture.
        device: Where to compute.
    """

    def __init__(self, network: nn.Module, view: View, device: str | torch.device = "cpu"):
        self.network = network.to(device).eval()
        self.view = view
        self.device = device

    @classmethod
    def from_run(cls, run_dir: str | Path, device: str | torch.device = "cpu") -> "ClassPredictor":
        """The best epoch of a run.

        Raises:
            CheckpointError: There is no run, it has done no epoch yet, or its model is corrupted.

        Warns:
            EdgewiseWarning: The run is not finished.
        """
        folder = RunFolder(run_dir)
        return cls(
            of_pictures(load_model(folder.best_model())), view_of(folder.read_recipe(ClassificationRecipe).data), device
        )

    @torch.no_grad()
    def __call__(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """The logits (B, classes) of pictures uint8 (H, W, C)."""
        like = next(self.network.parameters())
        return self.network(self.view(pictures).to(like.device, like.dtype)).cpu()


@dataclass(frozen=True)
class ClassPredictions:
    """What became of each picture."""

    table: Path
    """The CSV of all classes named."""
    classes: dict[Path, str] = field(default_factory=dict)
    """The likeliest class of each picture."""
    failures: dict[Path, str] = field(default_factory=dict)
    """The pictures that could not be read, and why, in a line each."""

    def summary(self) -> str:
        """How many pictures got a class."""
        return f"{len(self.classes)} of {len(self.classes) + len(self.failures)} pictures named and written"


def predict_classes(run_dir: Path, images: Iterable[str | Path], out_dir: Path, device: str = "cpu") -> ClassPredictions:
    """Name the classes of pictures in ``predictions.csv``: file, class, its probability, and the next four classes.

    A picture that cannot be read is noted and the others are done all the same.

    Args:
        run_dir: A folder made by :func:`edgewise.vision.train`.
        images: Picture files, and folders of them.
        out_dir: Folder for the table; made if needed.
        device: Where to compute.

    Raises:
        CheckpointError: The run or the folder for the results cannot be used.
        DataError: A folder holds no picture.
    """
    predictor = ClassPredictor.from_run(run_dir, device)
    names = RunFolder(run_dir).read_facts()["classes"]
    done = ClassPredictions(make_folder(out_dir) / "predictions.csv")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["picture", "class", "probability", "next"])
    for path in picture_files(images):
        try:
            logits = predictor([read_bytes(path)])[0]
        except DataError as error:
            done.failures[path] = str(error)
            continue
        chances, best = logits.double().softmax(0).topk(min(5, len(names)))
        first, *others = (names[index] for index in best.tolist())
        writer.writerow([path, first, f"{chances[0]:.4f}", "; ".join(others)])
        done.classes[path] = first
    atomic_write(done.table, buffer.getvalue().encode())
    return done
