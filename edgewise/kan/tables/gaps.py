"""Cells that are no numbers: what is told of them, all at once."""

import shlex
from collections.abc import Container, Mapping

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.kan.tables.cells import SHOWN, Cells, listed
from edgewise.kan.tables.dates import AS, SLASHED
from edgewise.kan.tables.reading import is_missing

Numbers = Mapping[str, np.ndarray]


def check_cells(table: Cells, numbers: Numbers, dates: Container[str], target: str | None = None) -> None:
    """Refuse columns without any number, and cells that hold something else.

    Args:
        table: The cells.
        numbers: What was read of each column, NaN where that is no number.
        dates: Which columns are read as dates.
        target: The column to be explained, if one is.
    """
    gaps = {name: np.isnan(values) for name, values in numbers.items()}
    texts = [name for name, places in gaps.items() if places.all()]
    if target in texts:
        first = next((cell for cell in table.column(target) if not is_missing(cell)), "")
        raise DataError(
            f"the target {target!r} has no number in {table.path}, and begins with {first!r}: a formula explains numbers"
        )
    if texts:
        some = _counted({name: places for name, places in gaps.items() if name not in texts})
        also = f" (and {some} cells are no finite numbers)" if some else ""
        whole = _whole(gaps, target) or "of which there are none"
        fix = "the network takes numbers" if target is None else f"choose from the other columns with --columns, {whole}"
        first = next((cell for cell in table.column(texts[0]) if not is_missing(cell)), "")
        hint = f"; dates are read as {AS}, and not as {first}" if SLASHED.fullmatch(first) else ""
        raise DataError(f"{table.path} has no number in {listed(list(map(repr, texts)))}{also}: {fix}{hint}")
    wrong = {name: places & [not is_missing(cell) for cell in table.column(name)] for name, places in gaps.items()}
    if any(places.any() for places in wrong.values()):
        name, line, cell = _first(table, wrong)
        kind = f"date, such as {AS}" if name in dates else "finite number"
        raise DataError(
            f"line {line} of {table.path} holds {cell!r} in column {name!r}, which is no {kind}; of such cells there are "
            f"{_counted(wrong)}: {_drop(wrong)}{_or_columns(gaps, wrong, target)}"
        )


def check_gaps(table: Cells, numbers: Numbers, target: str | None = None) -> None:
    """Refuse missing cells, and say what can be done about them; arguments as for :func:`check_cells`."""
    gaps = {name: np.isnan(values) for name, values in numbers.items()}
    if not any(places.any() for places in gaps.values()):
        return
    name, line, cell = _first(table, gaps)
    drop = f"{_drop(gaps)} with --drop-missing"
    if target is None:
        fix = f"{_drop(gaps)}, or fit with --drop-missing or --impute, which predictions follow"
    elif gaps[target].sum() == _lines(gaps):
        fix = drop
    else:
        fix = f"{drop}, fill them with medians with --impute{_or_columns(gaps, gaps, target)}"
    raise DataError(
        f"line {line} of {table.path} holds {cell!r} in column {name!r}, which is no number; of missing cells there are "
        f"{_counted(gaps)}: {fix}"
    )


def _first(table: Cells, places: Numbers) -> tuple[str, int, str]:
    """The first of some cells: its column, its line, and what it holds."""
    name = next(name for name, found in places.items() if found.any())
    row = table.rows[int(places[name].argmax())]
    return name, row.line, row.cells[table.header.index(name)]


def _counted(places: Numbers) -> str:
    return listed([f"{found.sum()} in {name!r}" for name, found in places.items() if found.any()])


def _lines(places: Numbers) -> int:
    return int(np.any(list(places.values()), axis=0).sum())


def _drop(places: Numbers) -> str:
    count, rows = _lines(places), len(next(iter(places.values())))
    return "drop this line" if count == 1 else f"drop these {count} of {rows} lines"


def _whole(gaps: Numbers, target: str | None) -> str:
    """The columns without gaps, as words of a command line."""
    names = [name for name, found in gaps.items() if name != target and not found.any()]
    return shlex.join(names) if len(names) <= SHOWN else f"NAME... ({len(names)} have numbers in all lines)"


def _or_columns(gaps: Numbers, wrong: Numbers, target: str | None) -> str:
    """Another way, if the target is not among the columns that are wrong."""
    whole = _whole(gaps, target)
    if target is None or not whole or wrong[target].any():
        return ""
    return f", or leave the columns out with --columns {whole}"
