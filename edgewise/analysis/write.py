"""An analysis as files: its figure, and the numbers behind it."""

import abc
import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgewise._ground.folders import make_folder
from edgewise.io import atomic_write, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Analysis(Protocol):
    """What every result of an analysis can do."""

    @abc.abstractmethod
    def rows(self) -> list[dict]:
        """The numbers, a dictionary a line, all with the same keys."""

    @abc.abstractmethod
    def summary(self) -> dict:
        """The few numbers to read first, as plain JSON values."""

    @abc.abstractmethod
    def plot(self) -> "Figure":
        """The figure."""


def write_analysis(result: Analysis, folder: str | Path, name: str) -> list[Path]:
    """Write ``name.png``, ``name.csv`` (all numbers) and ``name.json`` (the summary).

    Args:
        result: Of any analysis.
        folder: Made if needed.
        name: Of the files, without suffix.

    Raises:
        CheckpointError: The folder cannot be written.
    """
    from edgewise._ground.figures import to_bytes

    folder = make_folder(folder)
    paths = [folder / f"{name}{suffix}" for suffix in (".png", ".csv", ".json")]
    atomic_write(paths[0], to_bytes(result.plot(), "png"))
    buffer, rows = io.StringIO(), result.rows()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(paths[1], buffer.getvalue().encode())
    write_json(paths[2], result.summary())
    return paths
