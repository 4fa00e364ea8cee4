"""The folder that a fit leaves: the network, the names of its columns, the formula, and answers about new rows."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from edgewise._ground.errors import CheckpointError, warn
from edgewise._ground.folders import file_in_the_way, make_folder
from edgewise._ground.version import __version__
from edgewise.io import atomic_write, load_model, read_json, save_model, write_json
from edgewise.kan.discovery.result import Discovery
from edgewise.kan.discovery.written import as_latex, as_python, as_text
from edgewise.kan.interpret import Formula
from edgewise.kan.tables.decimals import Decimal
from edgewise.kan.tables.reading import Reading
from edgewise.kan.tables.table import DataTable, read_rows
from edgewise.models.deployment import Deployment, deployment_of

PREDICTIONS = "predictions.csv"


class FitFolder:
    """The files of a fit, under one path.

    ``model.safetensors`` the network, in the units of the data; ``fit.json`` the target, the columns in the order in which
    the network takes them, each with the range that it had in the rows learned from, how their cells were read, and the
    formula; ``formula.txt`` the formula in words, ``formula.py`` as a function of NumPy arrays, ``formula.tex`` as an
    equation.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.model = self.path / "model.safetensors"
        self.facts = self.path / "fit.json"
        self.report = self.path / "report.html"
        self.formulas = {kind: self.path / f"formula.{kind}" for kind in ("txt", "py", "tex")}

    @property
    def is_there(self) -> bool:
        """Whether a fit was kept under the path."""
        return self.facts.is_file()

    def check_free(self, overwrite: bool) -> None:
        """Refuse a path that a fit cannot be written to, before one is made.

        Args:
            overwrite: A fit that is there may be replaced.

        Raises:
            CheckpointError: It leads through a file, or holds a fit.
        """
        if (file := file_in_the_way(self.path)) is not None:
            raise CheckpointError(f"{file} is a file, and a fit is written to a folder: choose another name with --out")
        if self.is_there and not overwrite:
            raise CheckpointError(
                f"{self.path} holds a fit already: choose another folder with --out, or replace it with --overwrite"
            )

    def write(self, found: Discovery, x: np.ndarray, table: DataTable) -> None:
        """Keep what was found, in the place of what was kept here before.

        Args:
            found: What was found; after an interrupt there may be no formula to be kept.
            x: The rows learned from, ``(N, columns)``.
            table: The table that they are from.
        """
        make_folder(self.path)
        for old in (*self.formulas.values(), self.report):
            old.unlink(missing_ok=True)
        save_model(found.in_units(), self.model)
        ranges = {name: [float(part.min()), float(part.max())] for name, part in zip(table.names, x.T, strict=True)}
        formula = None if found.formula is None else str(found.formula)
        facts = {"target": table.target, "columns": ranges, **table.reading.to_dict(), "formula": formula}
        write_json(self.facts, {**facts, "edgewise": __version__})
        if found.formula is not None:
            self._write_formula(found, found.formula, table, ranges)

    def _write_formula(self, found: Discovery, formula: Formula, table: DataTable, ranges: dict[str, list[float]]) -> None:
        units = {name: f"{unit}, " if (unit := table.reading.unit(name)) else "" for name in ranges}
        span = "from {:g} to {:g} in the rows learned from"
        told = {name: units[name] + span.format(*ends) for name, ends in ranges.items()}
        written = {
            "txt": as_text(found, formula, table.target, told),
            "py": as_python(formula, table.target, told),
            "tex": as_latex(formula, table.target),
        }
        for kind, text in written.items():
            atomic_write(self.formulas[kind], text.encode())

    def predict(self, table: str | Path, out: str | Path, decimal: Decimal | None = None) -> Path:
        """The target of each row of a table, in a copy of the table with a column more.

        Columns are found by their names, in any order, and read as those of the fit were; others are left as they are. A
        row that the fit would have left out, since cells are missing, gets no number, and a warning counts such rows.

        Args:
            table: CSV file, Excel workbook or Parquet file whose first line names its columns.
            out: CSV file for the copy, or a folder for ``predictions.csv``; made if needed.
            decimal: The decimal sign of the table, ``"point"`` or ``"comma"``; by default the one that follows from it.

        Returns:
            The file.

        Raises:
            CheckpointError: This is no folder of a fit, or nothing can be written there.
            DataError: A column is missing, or a cell of it is no finite number.
        """
        facts, out = self._read(), Path(out)
        cells, x, whole = read_rows(table, Reading.from_dict(facts["columns"], facts), decimal)
        file = out if out.suffix == ".csv" else out / PREDICTIONS
        make_folder(file.parent)
        if file.is_dir():
            raise CheckpointError(f"{file} is a folder, and predictions are written to a file of that name: choose another")
        network = load_model(self.model)
        with torch.no_grad():
            found = network(torch.tensor(x).to(next(network.parameters()).dtype))[:, 0].numpy()
        self._note(table, x, found, facts["columns"])
        if not whole.all():
            warn(
                f"{(~whole).sum()} of {len(whole)} rows of {table} have missing cells and get no prediction, as in the fit"
            )
        told = np.full(len(whole), "", dtype=object)
        told[whole] = [repr(value) for value in found.tolist()]
        name = facts["target"] if facts["target"] not in cells.header else f"{facts['target']} (predicted)"
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([*cells.header, name])
        writer.writerows([*row.cells, value] for row, value in zip(cells.rows, told, strict=True))
        atomic_write(file, buffer.getvalue().encode())
        return file

    def deployment(self) -> Deployment:
        """The network with the names and the ranges of its columns, for :func:`edgewise.export.to_onnx`.

        Raises:
            CheckpointError: This is no folder of a fit.
        """
        facts, network = self._read(), load_model(self.model)
        ends = torch.tensor(list(facts["columns"].values()), dtype=next(network.parameters()).dtype)
        ranges = {"columns": list(facts["columns"]), "ranges": facts["columns"]}
        ranges |= {key: facts[key] for key in ("dates", "medians") if facts.get(key)}
        known = deployment_of(network)
        metadata = {
            **known.metadata,
            "task": "regression",
            "input": {**known.metadata["input"], **ranges},
            "output": {**known.metadata["output"], "columns": [facts["target"]]},
        }
        if facts.get("formula") is not None:
            metadata["formula"] = facts["formula"]
        return replace(known, example=torch.stack([ends[:, 0], ends.mean(1), ends[:, 1]]), metadata=metadata)

    def _read(self) -> dict:
        facts = read_json(self.facts)
        if not isinstance(facts, dict) or not {"target", "columns"} <= facts.keys():
            raise CheckpointError(f"{self.facts} is not edgewise's: give a folder made by `edgewise fit`")
        return facts

    def _note(self, table: str | Path, x: np.ndarray, found: np.ndarray, ranges: dict[str, list[float]]) -> None:
        """Warn of rows about which the network knows nothing."""
        ends = np.array(list(ranges.values()))
        beyond = (x < ends[:, 0]) | (x > ends[:, 1])
        if beyond.any():
            name = list(ranges)[int(beyond.sum(0).argmax())]
            low, high = ranges[name]
            warn(
                f"{int(beyond.any(1).sum())} of {len(x)} rows of {table} lie beyond the rows learned from, most in "
                f"{name!r}, which was from {low:g} to {high:g}: what is predicted there is a guess"
            )
        if not np.isfinite(found).all():
            warn(f"{int((~np.isfinite(found)).sum())} of {len(x)} rows of {table} have no finite prediction")
