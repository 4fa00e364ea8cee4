"""Tables as numbers: what stands for missing cells, and a column for each category."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edgewise._ground.errors import ConfigError, DataError, warn
from edgewise._ground.optional import require
from edgewise.estimators.categories import Categories

CHECKS = {"dtype": np.float64, "accept_sparse": "csr", "ensure_all_finite": "allow-nan"}


class Cells:
    """How the cells of a table become numbers, none of which is missing.

    Words and categories get a column each (:class:`~edgewise.estimators.categories.Categories`), 1 in the rows that hold
    it, and so do empty cells among them. For missing numbers the median of the training rows stands in, beside a column
    that is 1 in such rows. Sparse rows are made dense.

    Args:
        table: The training rows as they came.

    Attributes:
        names: Of the columns that come out; None if those that came in have none and stay as they are.
    """

    names: list[str] | None = None
    change: bool = False  # whether other columns come out than came in

    def __init__(self, table: Any):
        self.categories = Categories(table)

    def checked(self, estimator: Any, table: Any, *targets: ArrayLike, reset: bool = False, **checks: Any) -> Any:
        """Rows ``(N, columns)`` as numbers, NaN where a cell is empty, checked by scikit-learn for an estimator.

        With targets these too, in a pair.
        """
        validate = require("sklearn.utils.validation", extra="science").validate_data
        if self.categories.places and hasattr(table, "columns"):
            validate(estimator, table, reset=reset, skip_check_array=True)  # names first: columns are told by their place
        found = validate(estimator, self.categories.numbered(table), *targets, reset=reset, **CHECKS | checks)
        rows, *rest = found if targets else (found,)
        rows = rows if isinstance(rows, np.ndarray) else rows.toarray()
        return (rows, *rest) if targets else rows

    def fit(self, rows: np.ndarray, names: list[str] | None) -> np.ndarray:
        """Learn from checked rows what to fill in, and do so.

        Raises:
            DataError: A column that is empty in all rows.
        """
        lacking, worded = np.isnan(rows), self.categories.places
        self.names_in = names or [f"x_{place + 1}" for place in range(rows.shape[1])]
        if (empty := lacking.all(0)).any():
            raise DataError(f"column {self.names_in[empty.argmax()]!r} is empty in all rows: leave it out")
        self.lacked: np.ndarray = np.any(lacking, 0)
        self.change = bool(worded or self.lacked.any())
        plain = [place for place in range(rows.shape[1]) if place not in worded]
        self.names = self._names_out(plain) if self.change else names
        numbers = require("sklearn.impute", extra="science").SimpleImputer(strategy="median", add_indicator=True)
        words = require("sklearn.preprocessing", extra="science").OneHotEncoder(
            categories=[
                np.append(np.arange(len(kinds)), [np.nan] * int(self.lacked[place]))
                for place, kinds in zip(worded, self.categories.names, strict=True)
            ],
            handle_unknown="ignore",
            sparse_output=False,
        )
        both = require("sklearn.compose", extra="science").ColumnTransformer(
            [("numbers", numbers, plain), ("words", words, worded)]
        )
        self.filler = both.set_output(transform="default")
        return self.filler.fit_transform(rows)

    def spread(self, ways: Sequence[int]) -> list[int]:
        """Numbers for the columns that come in as such for those that come out, 0 for those that are made.

        Raises:
            ConfigError: A number other than 0 for a column of words.
        """
        for place in self.categories.places:
            if ways[place]:
                raise ConfigError(f"column {self.names_in[place]!r} holds words, with which nothing rises or falls")
        plain = [way for place, way in enumerate(ways) if place not in self.categories.places]
        return [*plain, *[0] * (len(self.names or self.names_in) - len(plain))]

    def fill(self, rows: np.ndarray) -> np.ndarray:
        """Checked rows as numbers; a warning names columns with empty cells that were empty in no training row."""
        lacking = np.any(np.isnan(rows), 0)
        new = np.flatnonzero(lacking & ~self.lacked)
        if len(new):
            said = ", ".join(repr(self.names_in[place]) for place in new)
            warn(
                f"cells are empty in column {said}, where no "
                "training row lacked one: the median stands in for a number, and a word counts as no category"
            )
        return self.filler.transform(rows) if self.change or lacking.any() else rows

    def _names_out(self, plain: list[int]) -> list[str]:
        lacked = [place for place in plain if self.lacked[place]]
        names = [self.names_in[place] for place in plain] + [f"{self.names_in[place]} is missing" for place in lacked]
        for place, kinds in zip(self.categories.places, self.categories.names, strict=True):
            names += [f"{self.names_in[place]} is {kind}" for kind in [*kinds, *["missing"] * int(self.lacked[place])]]
        return names
