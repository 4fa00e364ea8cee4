"""Tables on the terminal, and the units in them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from edgewise.vision.training.page import Method


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[int] = (0,)) -> None:
    """Print rows under their column names; piped, nothing is cut.

    Args:
        columns: Names.
        rows: Cells.
        left: Indices of the columns that hold text; the others are aligned to the right.
    """
    table = Table(box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index in left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 240
    console.print(table)


def print_methods(methods: "Sequence[Method]") -> None:
    """Print what a report compares with its scores on the test images."""
    first = methods[0].evaluation
    rows = []
    for method in methods:
        scores = method.evaluation.scores
        parameters = f"{method.result.parameters:,}" if method.result else "1"
        rows.append((method.title, parameters, *(f"{scores[name]:.{first.digits.get(name, 3)}f}" for name in first.titles)))
    print_table(("", "parameters", *first.titles.values()), rows)


def megabytes(count: int) -> str:
    """Bytes in MB (a million bytes).

    Example:
        >>> megabytes(1_250_000_000)
        '1,250.0 MB'
    """
    return f"{count / 1e6:,.1f} MB"


def giga(count: int) -> str:
    """Operations in G (a thousand million).

    Example:
        >>> giga(1_752_700_000)
        '1.753 G'
    """
    return f"{count / 1e9:,.3f} G"
