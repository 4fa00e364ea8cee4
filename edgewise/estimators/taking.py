"""The side of an estimator that takes tables of any kind and hands on numbers."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from edgewise._ground.optional import require
from edgewise.estimators.cells import Cells

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
else:
    BaseEstimator = require("sklearn.base", extra="science").BaseEstimator
validation = require("sklearn.utils.validation", extra="science")


class TakesTables(BaseEstimator):
    """An estimator that takes arrays, data frames and sparse rows, with empty cells and categories among them."""

    def _checked(self, X: ArrayLike, y: ArrayLike, first: bool = True, **checks: Any) -> tuple[np.ndarray, np.ndarray]:
        """Training rows and targets; empty cells are NaN. The first ones say what columns there are."""
        if first:
            self._cells = Cells(X)
        return self._cells.checked(self, X, y, reset=first, ensure_min_samples=1 + first, **checks)

    def _filled(self, rows: np.ndarray, first: bool = True) -> np.ndarray:
        """Training rows that count, as numbers."""
        if not first:
            return self._cells.fill(rows)
        names = getattr(self, "feature_names_in_", None)
        filled = self._cells.fit(rows, None if names is None else list(names))
        self.columns_ = self._cells.names or self._cells.names_in
        return filled

    def _rows(self, X: ArrayLike) -> np.ndarray:
        """New rows as numbers."""
        validation.check_is_fitted(self, "network_")
        return self._cells.fill(self._cells.checked(self, X))

    def _names(self) -> list[str] | None:
        """Of the columns that the network takes, if they have any."""
        return self._cells.names

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.sparse = tags.input_tags.categorical = True
        return tags
