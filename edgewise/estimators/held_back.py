"""Regression that knows from rows held back how far its predictions are off."""

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.estimators.chunks import KANInChunks
from edgewise.estimators.columns import Columns
from edgewise.estimators.intervals import Spread
from edgewise.estimators.rows import Rows
from edgewise.estimators.taking import validation
from edgewise.kan.kan import KAN


class KANWithIntervals(KANInChunks):
    """Adds intervals to an estimator of numbers."""

    _flat: bool  # whether targets come as ``(N,)``
    _spread: Spread

    def predict_interval(self, X: ArrayLike, coverage: float = 0.9) -> np.ndarray:
        """Lower and upper ends between which the targets of new rows lie, ``(N, 2)``, of several ``(N, outputs, 2)``.

        Cross-conformal: they are as wide as it takes to cover that share of the training rows when these are held back, so
        they cover about that share of new rows of the same kind, whatever the noise. Where rows held back agree on how far
        predictions are off at which rows, each interval has a width of its own, else all are as wide.

        Args:
            X: Rows.
            coverage: The share of the targets to be covered.

        Raises:
            ConfigError: A coverage that is no share, or a fit of a single network, which held no rows back.
            DataError: Too few training rows for such a coverage.

        Example:
            >>> from edgewise.estimators import KANRegressor
            >>> x = np.linspace(-1, 1, 100)[:, None]
            >>> y = x[:, 0] + np.random.default_rng(0).uniform(-1, 1, 100)
            >>> KANRegressor((), random_state=0).fit(x, y).predict_interval([[0.0]]).shape
            (1, 2)
        """
        spread = self._held_back()
        reach, x = spread.reach(coverage), self._rows(X)
        y, reach = self._told(self._outputs(x)).numpy(), reach * spread.of_rows(x)
        return self._shaped(np.stack([y - reach, y + reach], -1))

    def _shaped(self, y: np.ndarray) -> np.ndarray:
        return y[:, 0] if self._flat else y

    def _held_back(self) -> Spread:
        validation.check_is_fitted(self, "network_")
        if self.symbolic or self.penalty is not None or hasattr(self, "_course"):
            raise ConfigError(
                "how far predictions are off is known from rows held back, and partial_fit and the fit of a single network "
                "or of a formula hold none back: use fit, with penalty=None and symbolic=False"
            )
        return self._spread

    def _spread_of(self, left: Tensor, rows: Rows, model: KAN, columns: Columns) -> Spread:
        return Spread.of(left, rows, model, columns)
