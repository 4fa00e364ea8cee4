"""Picture files in, a table of classes out."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgewise._ground.errors import DataError
from edgewise._ground.folders import make_folder
from edgewise.io import atomic_write
from edgewise.vision.classification.opening import open_classifier
from edgewise.vision.data.pictures import read_bytes
from edgewise.vision.data.pixels import picture_files
from edgewise.vision.training.folder import RunFolder


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


def predict_classes(
    runs: Sequence[Path], images: Iterable[str | Path], out_dir: Path, device: str = "cpu"
) -> ClassPredictions:
    """Name the classes of pictures in ``predictions.csv``: file, class, its probability, and the next four classes.

    A picture that cannot be read is noted and the others are done all the same.

    Args:
        runs: Folders made by :func:`edgewise.vision.train`; of several, probabilities are averaged.
        images: Picture files, and folders of them.
        out_dir: Folder for the table; made if needed.
        device: Where to compute.

    Raises:
        CheckpointError: A run or the folder for the results cannot be used.
        ConfigError: The runs know other classes.
        DataError: A folder holds no picture.
    """
    predictor, names = open_classifier(runs, device), RunFolder(runs[0]).read_facts()["classes"]
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
