"""``edgewise fit``: a formula for a column of a table."""

from pathlib import Path
from typing import Annotated

import numpy as np
from tyro.conf import arg

from edgewise._errors import ConfigError
from edgewise.cli._parse import call
from edgewise.cli._tables import print_table


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise fit")


def command(
    table: Annotated[Path, arg(metavar="TABLE.csv")],
    /,
    *,
    target: Annotated[str, arg(metavar="COLUMN")],
    columns: Annotated[tuple[str, ...], arg(metavar="NAMES")] = (),
    hidden: tuple[int, ...] = (5,),
    grid: int = 3,
    functions: Annotated[tuple[str, ...], arg(metavar="NAMES")] = (),
    test: float = 0.2,
    seed: int = 0,
    out: Annotated[Path, arg(metavar="DIR")] = Path("formula"),
) -> None:
    """Find a formula for a column of a table: fit a network, prune it, name the
    functions on its edges, and fit all constants together.

    examples:
      edgewise fit data.csv --target y
      edgewise fit data.csv --target y --columns a b --functions x x^2 sin exp --out found

    Args:
        table: CSV file whose first line names its columns.
        target: The column to explain.
        columns: Columns to explain it by; all others by default.
        hidden: Nodes of each hidden layer.
        grid: Intervals of the first grid.
        functions: Functions to try; the whole library by default.
        test: Share of the rows that is held back to judge the formula.
        seed: Decides the rows held back and the start of the fit.
        out: Folder for report.html and model.safetensors; made if needed.
    """
    from edgewise.data.csv_table import read_csv
    from edgewise.fitting.discover import discover
    from edgewise.fitting.report import fidelity, write_report
    from edgewise.io import save_model

    if not 0 <= test < 1:
        raise ConfigError(f"--test is a share of the rows from 0 to below 1, got {test}")
    found = read_csv(table, target, columns or None)
    if found.dropped:
        print(f"left out, since they do not vary: {', '.join(found.dropped)}")
    order = np.random.default_rng(seed).permutation(len(found.y))
    held = order[: int(test * len(order))]
    used = order[len(held) :]
    held = held if len(held) > 1 else order
    result = discover(
        found.x[used], found.y[used], names=found.names, hidden=hidden, grid=grid, functions=functions or None, seed=seed
    )
    out.mkdir(parents=True, exist_ok=True)
    save_model(result.in_units(), out / "model.safetensors")
    if result.formula is None:
        print(f"interrupted before a formula was found; the network so far: {out / 'model.safetensors'}")
        raise SystemExit(130)
    x, y = found.x[held], found.y[held]
    print(f"{target} = {result.formula}\n")
    rows = [(name, f"{rmse:.3g}", f"{r2:.6f}") for name, rmse, r2 in fidelity(result, x, y)]
    print_table((f"on {len(held)} rows held back" if test else "on the rows of the fit", "RMSE", "R2"), rows, left=(0,))
    report = write_report(result, out / "report.html", x, y, target=target, title=f"{target} from {table.name}")
    print(f"report: {report}")
