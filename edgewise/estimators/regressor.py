"""Regression."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.estimators.chunks import check_varies
from edgewise.estimators.held_back import KANWithIntervals
from edgewise.estimators.losses import HUBER, LOSSES, MUCH_NOISE, NORMAL_QUARTILE, check_loss, robust_scale
from edgewise.estimators.ways import Ways, check_ways, ways_of
from edgewise.estimators.weights import weighed
from edgewise.kan.discovery.knowledge import Knowledge
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.fitting.columns import cut_outputs, digit_of, warn_of_far_out
from edgewise.kan.fitting.losses import Huber, Poisson
from edgewise.kan.kan import KAN

if TYPE_CHECKING:
    from sklearn.base import RegressorMixin
else:
    RegressorMixin = require("sklearn.base", extra="science").RegressorMixin


class KANRegressor(RegressorMixin, KANWithIntervals):
    """Regression by a small Kolmogorov-Arnold network; with ``symbolic=True`` by a formula.

    Columns and targets are taken in units of their deviations, and all is computed in float64. Targets may have several
    columns. A column, or a target, that is constant has no edge, and a warning names it. With few rows the grid is coarser
    than asked for (``grid_``), down to one interval, so that there are no more parameters than targets if that can
    be; a penalty holds the rest.

    As it comes, the fit is a safe one. Five folds of the rows are held back in turn. A line, a sum of curves and networks
    with ``hidden`` nodes are compared on them, each under several penalties, and blended by the shares of least error
    (``shares_``); what they leave of 1 is the mean's, all of it where columns say nothing, and then a warning says so. The
    networks that count, one for each fold, stand side by side in ``network_``. Beyond the training rows predictions stay
    what they are at their border, unless rows held back prove that curves go on, or a line alone counts.

    Of more than 5000 rows, shapes are compared on 2000; networks are polished on parts of the others, and a tenth judges.

    Tables may be arrays, data frames of pandas or sparse matrices, which are made dense. In a data frame, columns of words,
    categories and other objects get a column each of their (at most 20) categories; truths count as 0 and 1. Numbers may be
    missing (NaN): the median of the column stands in, and where training rows lack some, a column more says which. A
    category that no training row had counts as none, and a warning names it. ``columns_`` names what the network, and a
    formula, takes after that; :meth:`deployment` refuses such a table.

    Numbers far from all others of their column (:func:`edgewise.nn.outlying.far_out`) decide neither its unit nor the
    grids, and count as if they lay one range beyond the others. A warning names targets far from all others, which squares
    follow.

    Args:
        hidden: Nodes of the hidden layers; ``([3, 2],)`` has 3 that add and 2 that multiply, ``()`` is an additive model.
            By default 5, and formulas are looked for on the rows too, as in :func:`edgewise.kan.discover`.
        grid: Intervals of each grid.
        k: Degree of the splines.
        loss: ``"squares"``; ``"huber"``, which outlying targets pull no more than others; or ``"poisson"``, half the
            Poisson deviance of targets that are at least 0, with a log link: predictions are positive.
        penalty: None for the safe fit. Strength of the sparsity penalty, or one for each of several stages, for a single
            network fitted to all rows: then a warning says if it is worse than the mean on its own rows. With
            ``symbolic=True`` None means the stages of :func:`edgewise.kan.discover`.
        optimizer: Of a single network: ``"lm"``, ``"lbfgs"`` or ``"adam"``; see :func:`edgewise.kan.fitting.fit`.
        steps: Of each stage; of networks in a safe fit three fifths for the strongest penalty and a quarter for each other.
        starts: Networks of each fold, whose mean is taken; of a single network beginnings, of which the best is kept.
        max_time: Seconds for a safe fit or a formula; as many as it takes by default.
        monotonic_cst: 1 for columns with which predictions must rise, whatever the others are, -1 for those with which they
            must fall, 0 for others: a number a column, or a dictionary of names, as scikit-learn's trees take it. A safe
            fit is then a sum of a line and curves; with ``symbolic=True`` formulas are looked for that do so.
        symbolic: Look for a formula: predictions are then those of ``formula_``. It takes several times as long.
        functions: Names of the functions that formulas may have, such as ``["x", "x^2", "sin"]``; the whole library by
            default.
        random_state: A seed, a numpy generator, or None for numpy's global one. Torch's generators stay as they are.
        device: Where a single network (with ``penalty`` or ``symbolic``) is fitted, such as ``"cuda"``; None: on the CPU.

    Attributes:
        network_: The fitted :class:`~edgewise.kan.KAN`, for columns in units of ``mean_`` and ``scale_``, giving targets
            in units of ``target_mean_`` and ``target_scale_``.
        mean_, scale_: Of each column; of a constant one the scale is 1.
        target_mean_, target_scale_: Of each target.
        columns_: Names of the columns that the network takes, with those that were made of categories and empty cells.
        grid_: Intervals of the first grid.
        penalty_: The penalty used, without ``symbolic``; in a safe fit that on the networks' sizes, None if none counts.
        shares_: What each shape counts in a safe fit, by name: ``"line"``, ``"curves"``, ``"network"``.
        errors_: Of the shapes, of their ``"blend"`` and of the ``"constant"``, the loss on rows held back.
        reach_: How many ranges beyond the training rows a column is followed in a safe fit.
        history_: The course of the fit of a single network.
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

    def __init__(
        self,
        hidden: Sequence | None = None,
        *,
        grid: int = 3,
        k: int = 3,
        loss: str = "squares",
        penalty: float | Sequence[float] | None = None,
        optimizer: str = "lm",
        steps: int = 20,
        starts: int = 1,
        max_time: float | None = None,
        monotonic_cst: Ways = None,
        symbolic: bool = False,
        functions: Sequence[str] | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str | None = None,
    ):
        super().__init__(
            hidden,
            grid=grid,
            k=k,
            penalty=penalty,
            optimizer=optimizer,
            steps=steps,
            starts=starts,
            max_time=max_time,
            symbolic=symbolic,
            functions=functions,
            random_state=random_state,
            device=device,
        )
        self.loss, self.monotonic_cst = loss, monotonic_cst

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows ``(N, columns)`` and targets ``(N,)`` or ``(N, outputs)``, at least two rows.

        ``sample_weight`` says how much each row counts in the mean square: one of weight 2 as two rows, one of weight 0 as
        none; all alike by default.
        """
        numbers, columns, weight = self._taken(X, y, sample_weight)
        if self._ways() is not None:
            check_ways(None if self.symbolic else self.hidden, self.penalty, columns.shape[1])
        self._fit(numbers, columns, weight, LOSSES[self.loss], digit_of(X))
        if self.loss == "huber" and self.penalty is None:
            noise = float(np.median(np.abs(self._spread.left) / self.target_scale_) / NORMAL_QUARTILE)
            if 0 < noise < MUCH_NOISE:  # the distance was one for targets of which columns know nothing
                self._fit(numbers, columns, weight, Huber(HUBER * noise), digit_of(X))
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit a single network to one more chunk of rows; the arguments are those of :meth:`fit`.

        No row is kept, but the matrix by which they hold the parameters (see :mod:`edgewise.estimators.online`). Without
        hidden nodes and for squares the result is that of all rows at once. The first chunk decides units, grids and
        categories, so it should hold rows of all kinds. ``penalty`` is the factor of bends, in units of rows as ``alpha``
        of scikit-learn's ``Ridge``; None means 1. ``loss="huber"`` counts in deviations of the first chunk's targets.
        There are no intervals and no formula; a warning says that what :meth:`fit` learned is forgotten.
        """
        if self.monotonic_cst is not None:
            raise ConfigError("monotonic_cst is of fit, which compares lines and curves: leave it out, or use fit")
        first = self._begins()
        numbers, columns, weight = self._taken(X, y, sample_weight, first)
        if first:
            check_varies(columns)
            self._fit_chunk(numbers, columns, weight, LOSSES[self.loss], digit_of(X))
        else:
            self._go_on(numbers, columns, weight)
        return self

    def _taken(
        self, X: ArrayLike, y: ArrayLike, given: ArrayLike | None, first: bool = True
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Rows as numbers, targets ``(N, outputs)`` and weights of the rows that count."""
        rows, targets = self._checked(X, y, first, multi_output=True, y_numeric=True)
        rows, columns, weight = weighed(rows, targets.reshape(len(targets), -1).astype(float), given, 1 + first)
        check_loss(self.loss, columns, self.symbolic, first)
        if first:
            self._flat = targets.ndim == 1
        return self._filled(rows, first), columns, weight

    def _target_scale(self, targets: Tensor, weight: Tensor | None) -> Scale:
        if self.loss == "poisson":
            return Scale.none(targets.shape[1])
        if self.loss == "huber":
            return robust_scale(targets)
        return Scale.of(targets, None, None if weight is None else weight.unsqueeze(1))

    def _ways(self) -> list[int] | None:
        names = getattr(self, "feature_names_in_", None)
        given = ways_of(self.monotonic_cst, len(self._cells.names_in), None if names is None else list(names))
        return self._cells.spread(given) if any(given) else None

    def _known(self) -> Knowledge | None:
        ways = dict(zip(self.columns_, self._ways() or [], strict=False))
        return Knowledge(monotone={name: way for name, way in ways.items() if way}) if ways else None

    def _warn_of_targets(self, model: KAN, targets: Tensor) -> None:
        cut_outputs(model, targets)
        if self.loss == "squares":
            warn_of_far_out(targets)

    def _told(self, outputs: Tensor) -> Tensor:
        return Poisson.mean(outputs) if self.loss == "poisson" else outputs

    def predict(self, X: ArrayLike, return_std: bool = False) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """The targets of rows, shaped as those of the fit.

        With ``return_std`` also how far they are off, shaped alike: the root mean square of what was left of targets when
        their rows were held back, more at rows where more was left.
        """
        x = self._rows(X)
        y = self._told(self._outputs(x)).numpy()
        if not return_std:
            return self._shaped(y)
        spread = self._held_back()
        return self._shaped(y), self._shaped(np.zeros_like(y) + spread.deviation() * spread.of_rows(x))

    def _output(self) -> dict[str, Any]:
        return super()._output() | ({"activation": "exp"} if self.loss == "poisson" else {})

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
