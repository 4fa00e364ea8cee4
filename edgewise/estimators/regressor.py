"""Regression."""

from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from numpy.typing import ArrayLike

from edgewise._ground.optional import require
from edgewise.estimators.base import KANEstimator, validation
from edgewise.estimators.weights import weighed
from edgewise.kan.fitting.columns import digit_of
from edgewise.kan.fitting.data import Table

if TYPE_CHECKING:
    from sklearn.base import RegressorMixin
else:
    RegressorMixin = require("sklearn.base", extra="science").RegressorMixin


class KANRegressor(RegressorMixin, KANEstimator):
    """Regression by a small Kolmogorov-Arnold network; with ``symbolic=True`` by the formula that it is.

    Columns and targets are taken in units of their deviations, and all is computed in float64. Targets may have several
    columns. A column, or a target, that is constant has no edge, and a warning names it. With few rows the grid is coarser
    than asked for (``grid_``), down to one interval, so that there are no more parameters than targets if that can
    be; a penalty holds the rest.

    Numbers far from all others of their column (:func:`edgewise.nn.outlying.far_out`) decide neither its unit nor the
    grids, and count as if they lay one range beyond the others. Where that, and fresh starts, leave a network worse than
    the mean on its own rows, a warning says so; one also names targets far from all others, which squares follow.

    Args:
        hidden: Nodes of the hidden layers; ``([3, 2],)`` has 3 that add and 2 that multiply, ``()`` is an additive model.
        grid: Intervals of each grid.
        k: Degree of the splines.
        penalty: Strength of the sparsity penalty, or one for each of several stages. None chooses: of 0.03, 0.01, 0.001 and
            0 the weakest worth it on a fifth of the rows, held back for that; all rows are then fitted under it. With fewer
            than 50 rows it is 0.03. With ``symbolic=True`` None means the stages of :func:`edgewise.kan.discover`.
        optimizer: ``"lm"``, ``"lbfgs"`` or ``"adam"``; see :func:`edgewise.kan.fitting.fit`.
        steps: Of each stage.
        starts: Beginnings, of which the best is kept.
        symbolic: Make the network sparse, prune it and give each edge a named function: predictions are then those of
            ``formula_``. It takes several times as long.
        functions: Names of the functions that formulas may have, such as ``["x", "x^2", "sin"]``; the whole library by
            default.
        random_state: A seed, a numpy generator, or None for numpy's global one. Torch's generators stay as they are.

    Attributes:
        network_: The fitted :class:`~edgewise.kan.KAN`, for columns in units of ``mean_`` and ``scale_``, giving targets
            in units of ``target_mean_`` and ``target_scale_``.
        mean_, scale_: Of each column; of a constant one the scale is 1.
        target_mean_, target_scale_: Of each target.
        grid_: Intervals of the first grid.
        penalty_: The penalty used, without ``symbolic``.
        history_: The course of the last fit, without ``symbolic``.
        formula_: The :class:`~edgewise.kan.interpret.Formula` in the units of the data, with ``symbolic``.
        discovery_: How it was found, a :class:`~edgewise.kan.fitting.Discovery`.

    Example:
        >>> x = np.linspace(-1, 1, 100)[:, None]
        >>> model = KANRegressor((), symbolic=True, functions=["x", "x^2", "sin"], random_state=0)
        >>> print(model.fit(x, 3 * x[:, 0] ** 2).formula_)
        3*x_1**2
        >>> float(model.predict([[2.0]])[0].round(6))
        12.0
    """

    _constant = "their mean"

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows ``(N, columns)`` and targets ``(N,)`` or ``(N, outputs)``, at least two rows.

        ``sample_weight`` says how much each row counts in the mean square: one of weight 2 as two rows, one of weight 0 as
        none; all alike by default.
        """
        rows, targets = validation.validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2
        )
        self._flat = targets.ndim == 1
        columns = targets.reshape(len(targets), -1).astype(float)
        rows, columns, weight = weighed(rows, columns, sample_weight)
        self._fit(rows, columns, weight, columns.shape[1], digit_of(X))
        return self

    def _floor(self, table: Table) -> float:
        weight = torch.ones(len(table), dtype=table.y.dtype) if table.weight is None else table.weight
        mean = weight @ table.y / weight.sum()
        return float(table.error(mean.expand_as(table.y)))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The targets of rows, shaped as those of the fit."""
        y = self._forward(X).numpy()
        return y[:, 0] if self._flat else y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
