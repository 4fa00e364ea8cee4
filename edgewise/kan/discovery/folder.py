"""The folder that a fit leaves: the network, the names of its columns, the formula, and answers about new rows."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from edgewise._ground.errors import CheckpointError, warn
from edgewise._ground.version import __version__
from edgewise.io import atomic_write, load_model, read_json, save_model, write_json
from edgewise.kan.discovery.csv_table import read_rows
from edgewise.kan.discovery.result import Discovery
from edgewise.kan.discovery.written import as_latex, as_python, as_text
from edgewise.models.deployment import Deployment, deployment_of

PREDICTIONS = "predictions.csv"


class FitFolder:
    """The files of a fit, under one path.

    ``model.safetensors`` the network, in the units of the data; ``fit.json`` the target, the columns in the order in which
    the network takes them, each with the range that it had in the rows learned from, and the formula; ``formula.txt`` the
    formula in words, ``formula.py`` as a function of NumPy arrays, ``formula.tex`` as an equation.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.model = self.path / "model.safetensors"
        self.facts = self.path / "fit.json"
        self.formulas = {kind: self.path / f"formula.{kind}" for kind in ("txt", "py", "tex")}

    @property
    def is_there(self) -> bool:
        """Whether a fit was kept under the path."""
        return self.facts.is_file()

    def write(self, found: Discovery, x: np.ndarray, names: tuple[str, ...], target: str) -> None:
        """Keep what was found.

        Args:
            found: What was found; after an interrupt there is no formula to be kept.
            x: The rows learned from, ``(N, columns)``.
            names: Of the columns.
            target: What is explained.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        save_model(found.in_units(), self.model)
        ranges = {name: [float(part.min()), float(part.max())] for name, part in zip(names, x.T, strict=True)}
        formula = None if found.formula is None else str(found.formula)
        write_json(self.facts, {"target": target, "columns": ranges, "formula": formula, "edgewise": __version__})
        if found.formula is None:
            return
        told = {name: f"from {low:g} to {high:g} in the rows learned from" for name, (low, high) in ranges.items()}
        written = {
            "txt": as_text(found, found.formula, target, told),
            "py": as_python(found.formula, target, told),
            "tex": as_latex(found.formula, target),
        }
        for kind, text in written.items():
            atomic_write(self.formulas[kind], text.encode())

    def predict(self, table: str | Path, out_dir: str | Path) -> Path:
        """The target of each row of a table, in a copy of the table with a column more, ``predictions.csv``.

        Columns are found by their names, in any order; others are left as they are.

        Args:
            table: CSV file whose first line names its columns.
            out_dir: Folder for the copy; made if needed.

        Raises:
            CheckpointError: This is no folder of a fit.
            DataError: A column is missing, or a cell of it is no finite number.
        """
        facts = self._read()
        header, cells, x = read_rows(table, list(facts["columns"]))
        network = load_model(self.model)
        with torch.no_grad():
            found = network(torch.tensor(x).to(next(network.parameters()).dtype))[:, 0].tolist()
        self._note(table, x, np.array(found), facts["columns"])
        name = facts["target"] if facts["target"] not in header else f"{facts['target']} (predicted)"
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([*header, name])
        writer.writerows([*row, repr(value)] for row, value in zip(cells, found, strict=True))
        out = Path(out_dir)
        out.mkdir(parents=True, exist_ok=True)
        atomic_write(out / PREDICTIONS, buffer.getvalue().encode())
        return out / PREDICTIONS

    def deployment(self) -> Deployment:
        """The network with the names and the ranges of its columns, for :func:`edgewise.export.to_onnx`.

        Raises:
            CheckpointError: This is no folder of a fit.
        """
        facts, network = self._read(), load_model(self.model)
        ends = torch.tensor(list(facts["columns"].values()), dtype=next(network.parameters()).dtype)
        ranges = {"columns": list(facts["columns"]), "ranges": facts["columns"]}
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
