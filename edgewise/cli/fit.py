"""``edgewise fit``: a formula for a column of a table."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from edgewise._ground.errors import ConfigError, DataError
from edgewise.cli._knowledge import Behaviour, known_of
from edgewise.cli._parse import call
from edgewise.cli._tables import print_table

if TYPE_CHECKING:
    import numpy as np

    from edgewise.kan.discovery.folder import FitFolder
    from edgewise.kan.discovery.result import Discovery
    from edgewise.kan.tables import DataTable, Missing

FEWEST = 10
"""Rows from which a formula can be learned."""
MUCH_WORSE = 4
"""The formula is worse than the network if it leaves over so many times as much,"""
NOTICED = 1e-3
"""and that is more than this share of the variance."""


MOST = 20
"""Inputs whose scores are printed."""
TWICE = 2
"""A formula may know its rows by heart if its error on others is more than so many times that of another formula."""


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise fit")


def command(
    table: Annotated[Path, arg(metavar="TABLE")],
    /,
    *,
    target: Annotated[str, arg(metavar="COLUMN")],
    columns: Annotated[tuple[str, ...], arg(metavar="NAME...")] = (),
    hidden: Annotated[tuple[int, ...], arg(metavar="NODES...")] = (),
    grid: int = 3,
    functions: Annotated[tuple[str, ...], arg(metavar="NAME...")] = (),
    forbidden: Annotated[tuple[str, ...], arg(metavar="NAME...")] = (),
    longest: int | None = None,
    form: Annotated[str | None, arg(metavar="FORMULA")] = None,
    increasing: Annotated[tuple[str, ...], arg(metavar="NAME...")] = (),
    decreasing: Annotated[tuple[str, ...], arg(metavar="NAME...")] = (),
    even: Annotated[tuple[str, ...], arg(metavar="NAME...")] = (),
    odd: Annotated[tuple[str, ...], arg(metavar="NAME...")] = (),
    units: Annotated[str | None, arg(metavar="UNIT,...")] = None,
    target_unit: Annotated[str | None, arg(metavar="UNIT")] = None,
    constant_units: Annotated[tuple[str, ...], arg(metavar="UNIT...")] = (),
    drop_missing: bool = False,
    impute: bool = False,
    decimal: Literal["point", "comma"] | None = None,
    test: float = 0.2,
    max_time: Annotated[float | None, arg(metavar="SECONDS")] = None,
    seed: int = 0,
    device: str = "cpu",
    out: Annotated[Path, arg(metavar="DIR")] = Path("formula"),
    overwrite: bool = False,
) -> None:
    """Find a formula for a column of a table, and judge it on rows held back.

    Formulas are looked for on the rows; if none is exact, a network is fitted and pruned,
    the functions on its edges are named, and its formula joins the others. Those that are
    the shortest for their error are printed, and the one that is chosen is marked.

    Writes report.html, the formula as formula.txt, formula.py and formula.tex, and
    model.safetensors, which edgewise.io.load_model reads: a network that takes and gives
    the units of the table. `edgewise predict` asks it about new rows. Interrupted, it
    keeps what it has then.

    examples:
      edgewise fit data.csv --target y
      edgewise fit data.csv --target y --columns a b --functions x x^2 sin exp --out found
      edgewise fit measured.xlsx --target y --impute --max-time 60
      edgewise fit falls.csv --target way --units "m/s, s" --target-unit m --constant-units m/s^2
      edgewise fit cells.csv --target rate --form "V*s/(K + s)"

    Args:
        table: CSV file (commas, semicolons or tabs), Excel workbook (.xlsx) or Parquet file whose
            first line names its columns; dates are read as days since the first.
        target: The column to explain.
        columns: Columns to explain it by; all others by default.
        hidden: Nodes of each hidden layer; then the formula is that of the network.
        grid: Intervals of the first grid; fewer if there are few rows.
        functions: Functions to try, such as x x^2 sin exp log; the whole library by default.
        forbidden: Functions that the formula must not have.
        longest: How many numbers, variables and operations it has at most.
        form: The formula as far as it is known, such as "m*a + f(x, v)" with an unknown function f of
            columns, or "V*s/(K + s)" with unknown constants; the rest stays as it is written.
        increasing: Columns with which the formula rises, on the rows and 10 % of their range beyond.
        decreasing: Columns with which it falls.
        even: Columns in which it is even: with the other sign of one of them it gives the same.
        odd: Columns in which it is odd: with the other sign of one of them it gives the other sign.
        units: Units of the columns in their order, such as "m, s, kg*m/s^2, 1", where 1 is none; then
            formulas are offered only if they add like to like and have the target's unit.
        target_unit: The unit of the target.
        constant_units: Units that constants of the formula may carry, such as m/s^2; none by default.
        drop_missing: Leave out rows with missing cells.
        impute: Fill missing cells with the median of their column; `edgewise predict` does the same.
        decimal: The decimal sign, where the table leaves it open.
        test: Share of the rows that is held back to judge the formula.
        max_time: Seconds of the processor after which it ends with what it has.
        seed: Decides the rows held back and the start of the fit.
        device: Where networks are fitted, such as cpu or cuda.
        out: Folder for what is written; made if needed.
        overwrite: Replace a fit that the folder holds.
    """
    from edgewise.kan.discovery.discover import discover
    from edgewise.kan.discovery.folder import FitFolder
    from edgewise.kan.tables import read_table

    if not 0 <= test < 1:
        raise ConfigError(f"--test is a share of the rows from 0 to below 1, got {test}")
    folder = FitFolder(out)
    folder.check_free(overwrite)
    data = read_table(table, target, columns or None, missing=_missing(drop_missing, impute), decimal=decimal)
    if len(data.y) < FEWEST:
        raise DataError(f"{table} has {len(data.y)} rows: a formula needs at least {FEWEST} to be learned from")
    used, held = _split(len(data.y), test, seed)
    behaviour = Behaviour(increasing, decreasing, even, odd)
    known = known_of(data, units, target_unit, constant_units, forbidden, longest, form, behaviour)
    options = {"hidden": hidden or None, "max_time": max_time, "grid": grid, "functions": functions or None, "seed": seed}
    options["device"] = device
    found = discover(data.x[used], data.y[used], names=data.names, known=known, **options)
    folder.write(found, data.x[used], data)
    if found.formula is None:
        print(f"{found.stopped} before a formula was found; the network as it was: {folder.model}")
        raise SystemExit(130)
    notes = _notes(data, len(used), len(held))
    _report(found, data, used if len(held) < 2 else held, f"{target} from {table.name}", notes, folder)


def _split(rows: int, test: float, seed: int) -> "tuple[np.ndarray, np.ndarray]":
    """The rows to learn from and the rows held back, at least two if any."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(rows)
    count = max(2, round(test * rows)) if test else 0
    if rows - count < FEWEST // 2:
        raise ConfigError(f"--test {test} leaves {rows - count} of {rows} rows to learn from: hold back fewer")
    return order[count:], order[:count]


def _missing(drop: bool, impute: bool) -> "Missing":
    """What becomes of rows with missing cells."""
    if drop and impute:
        raise ConfigError("--drop-missing and --impute are two ways of treating missing cells: choose one")
    return "drop" if drop else "median" if impute else "refuse"


def _notes(data: "DataTable", used: int, held: int) -> list[str]:
    from edgewise.kan.tables.cells import listed

    learned = (
        f"Learned from {used} rows, judged on {held} held back." if held else f"Learned from and judged on {used} rows."
    )
    return [learned, f"The network takes {listed(data.names)}, in this order.", *data.notes]


def _print_front(found: "Discovery") -> None:
    """Print the formulas of the front, the chosen one marked, and how it was chosen."""
    from edgewise.kan.discovery.front import RULE

    if not found.front:
        return
    print()
    marks = {True: "* ", False: "  "}
    rows = [
        (str(m.length), f"{m.error:.2g}", f"{m.between:.2g}", f"{m.beyond:.2g}", f"{marks[m is found.chosen]}{m}")
        for m in found.front
    ]
    print_table(("length", "error", "between", "beyond", "formula"), rows, left=(4,))
    print(
        "error: root mean square on a fifth of the rows that the search held back, in standard deviations of the target.\n"
        "between, beyond: how far the formula leaves the span of the target between the rows, and in a box 20 % wider.\n"
        f"* chosen: {RULE}"
    )
    best = min(found.front, key=lambda member: member.error)
    if found.chosen is not None and found.chosen.error > max(TWICE * best.error, NOTICED):
        print(
            f"Beware: on the rows held back {best} has an error of {best.error:.2g}, and the chosen formula "
            f"{found.chosen.error:.2g}: it may know its rows by heart; give more rows, or take the other."
        )


def _report(found: "Discovery", data: "DataTable", rows, title: str, notes: list[str], folder: "FitFolder") -> None:
    """Print what was found and write the page."""
    from edgewise.kan.discovery.report import between, feature_scores, fidelity, write_report

    x, y, target = data.x[rows], data.y[rows], data.target
    print(*notes, sep="\n")
    if found.stopped != "all stages done":
        print(f"The search was ended early: {found.stopped}.")
    _print_front(found)
    print(f"\n{target} = {found.formula}\n")
    if found.chosen is not None and found.chosen.constants:
        print(f"constants that were fitted, ± their standard errors: {found.chosen.uncertainties}\n")
    scores = fidelity(found, x, y)
    print_table((f"on {len(rows)} rows", "RMSE", "R²"), [(name, f"{rmse:.3g}", f"{r2:.6f}") for name, rmse, r2 in scores])
    noted = between(found)
    print(f"{noted}\n" if noted else "")
    inputs = feature_scores(found, x)
    print_table(("input", "score"), [(name, f"{score:.3f}") for name, score in inputs[:MOST]])
    print(f"and {len(inputs) - MOST} more, which matter less\n" if len(inputs) > MOST else "")
    (_, _, formula), (_, _, network) = scores
    if not 1 - formula <= max(MUCH_WORSE * (1 - network), NOTICED):
        print("The network knows more than the formula: allow more functions, or a deeper network such as --hidden 5 3.\n")
    print(f"report: {write_report(found, folder.report, x, y, target=target, title=title, notes=notes)}")
    print(f"formula: {', '.join(map(str, folder.formulas.values()))}")
    print(f"network: {folder.model}; for new rows: edgewise predict {shlex.quote(str(folder.path))} NEW.csv --out DIR")
