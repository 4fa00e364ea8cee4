"""Columns of a data frame that hold words: the categories of each, by number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewise._ground.errors import DataError, warn
from edgewise._ground.optional import require

if TYPE_CHECKING:
    from pandas import DataFrame, Series

MOST = 20  # categories of a column that are told apart
UNKNOWN = -1  # the number of a category that no training row had
NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean", "empty"}  # what objects may be, too


class Categories:
    """The columns of a data frame that hold categories, words or other objects, and what stands in them.

    Args:
        table: The training rows; what is no data frame of pandas has no such columns.

    Attributes:
        places: Where they are.
        names: What the numbers 0, 1, ... of each column stand for; the last of many is all others.

    Raises:
        DataError: A column of dates.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "town": ["Rome", "Bonn", None]})
        >>> kinds = Categories(frame)
        >>> kinds.names, kinds.numbered(frame)["town"].tolist()
        ([['Bonn', 'Rome']], [1.0, 0.0, nan])
    """

    def __init__(self, table: Any):
        self.places, self.objects = _not_plain(table) if _is_frame(table) else ([], [])
        self.names: list[list[str]] = []
        if not self.places:
            return
        self.encoder = require("sklearn.preprocessing", extra="science").OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=UNKNOWN, max_categories=MOST
        )
        self.encoder.set_output(transform="default").fit(_objects(table, self.places))
        rare = self.encoder.infrequent_categories_
        for place, known, others in zip(self.places, self.encoder.categories_, rare, strict=True):
            words = [str(word) for word in _present(known) if others is None or word not in others]
            self.names.append(words if others is None else [*words, "any other"])
            if others is not None:
                warn(
                    f"column {table.columns[place]!r} has {len(_present(known))} categories: the {len(words)} that most "
                    "rows have are told apart, all others count as one; broader ones may say more"
                )

    def numbered(self, table: Any) -> Any:
        """The same table with numbers for its categories, NaN where a cell is empty.

        A warning names categories that no training row had.

        Raises:
            DataError: The rows are no data frame, but the training rows were.
        """
        if not self.places and not self.objects:
            return table
        if not _is_frame(table):
            raise DataError(
                "the training rows were a data frame with columns of categories, and new rows must be one too, got "
                f"{type(table).__name__}: give them as a pandas.DataFrame with the same columns"
            )
        found = table.copy(deep=False)
        for place in self.objects:
            found.isetitem(place, _objects(table, [place]).iloc[:, 0].astype(float))
        if not self.places:
            return found
        numbers = self.encoder.transform(_objects(table, self.places))
        for place, known, column in zip(self.places, self.encoder.categories_, numbers.T, strict=True):
            cells = table.iloc[:, place]
            _warn_of_new(cells, known)
            found.isetitem(place, np.where(cells.isna(), np.nan, column))
        return found


def _is_frame(table: Any) -> bool:
    return hasattr(table, "iloc") and getattr(table, "ndim", 0) == 2


def _not_plain(table: "DataFrame") -> tuple[list[int], list[int]]:
    """Where columns hold words, and where numbers among other objects."""
    types, words, numbers = require("pandas.api.types", extra="science"), [], []
    for place, (column, kind) in enumerate(table.dtypes.items()):
        if types.is_datetime64_any_dtype(kind) or types.is_timedelta64_dtype(kind):
            raise DataError(f"column {column!r} holds dates: give numbers, such as the days since the first of them")
        if types.is_object_dtype(kind) and types.infer_dtype(table.iloc[:, place], skipna=True) in NUMBERS:
            numbers.append(place)
        elif not types.is_numeric_dtype(kind):  # truths are numeric
            words.append(place)
    return words, numbers


def _objects(table: "DataFrame", places: Sequence[int]) -> "DataFrame":
    """Columns as objects, NaN where a cell is empty, whatever stands for that."""
    some = table.iloc[:, places].astype(object)
    return some.where(some.notna(), np.nan)


def _present(known: np.ndarray) -> np.ndarray:
    """The categories without the one of empty cells, which is the last."""
    return known[:-1] if len(known) and known[-1] != known[-1] else known


def _warn_of_new(cells: "Series", known: np.ndarray) -> None:
    present = _present(known).tolist()
    if new := [word for word in cells.dropna().unique().tolist() if word not in present]:
        warn(
            f"column {cells.name!r} holds {_listed(new)}, which no training row had: such rows count as none of the "
            f"categories that are known, {_listed(present)}"
        )


def _listed(words: Sequence) -> str:
    return ", ".join(map(repr, words[:5])) + (", .." if len(words) > 5 else "")
