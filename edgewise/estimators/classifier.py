"""Classification."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from edgewise._ground.optional import require
from edgewise.estimators.base import KANEstimator, validation
from edgewise.estimators.strength import strength_for_classes
from edgewise.estimators.weights import ClassWeight, of_classes, weighed
from edgewise.kan.fitting.columns import digit_of
from edgewise.kan.fitting.data import Loss, Table
from edgewise.kan.kan import KAN

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin
else:
    ClassifierMixin = require("sklearn.base", extra="science").ClassifierMixin
MODEST = 1e-3  # times the mean square of the logits: classes that can be told apart without error leave them finite


def _binary_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy of one logit ``(N, 1)`` and signed weights of rows: positive those of the second class."""
    weight = y.abs()
    entropy = binary_cross_entropy_with_logits(logits, (y > 0).to(logits), reduction="none")
    return (weight * (entropy + MODEST * logits.square())).sum() / weight.sum()


def _loss(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy of several logits and, in the column of its class, the weight of each row; both ``(N, classes)``."""
    weight = y.sum(1)
    entropy = -(y * logits.log_softmax(1)).sum(1)
    return (entropy + MODEST * weight * logits.square().mean(1)).sum() / weight.sum()


def _shares(y: Tensor) -> Tensor:
    """The weighted share of each class."""
    totals = y.sum(0) if y.shape[1] > 1 else torch.stack([-y.clamp(max=0).sum(), y.clamp(min=0).sum()])
    return totals / totals.sum()


def _entropy(y: Tensor) -> float:
    """The cross-entropy of the base rates, which knows no column."""
    return float(torch.special.entr(_shares(y)).sum())


class KANClassifier(ClassifierMixin, KANEstimator):
    """Classification by a small Kolmogorov-Arnold network that gives a logit for each class; for two classes, one logit.

    It minimises cross-entropy. All else is as in :class:`KANRegressor`.

    Args:
        hidden: Nodes of the hidden layers.
        grid: Intervals of each grid.
        k: Degree of the splines.
        penalty: Strength of the sparsity penalty, or one for each of several stages. None chooses: of 0.01, 0.005,
            0.002 and 0.0005 the strength of least cross-entropy on rows of each class, held back for that, times the
            entropy of the base rates in bits: of rare classes there is less to be gained. With fewer than 50 rows, or 10 of
            a class, it is the first.
        optimizer: ``"lbfgs"`` or ``"adam"``.
        steps: Of each stage; of L-BFGS each is 20 iterations.
        starts: Beginnings, of which the best is kept.
        class_weight: How much rows of each class count: ``"balanced"`` for classes that count alike all in all, a dict of
            class to weight (1 for others), or None for all rows alike.
        symbolic: Give each edge a named function: logits are then those of ``formula_``.
        functions: Names of the functions that formulas may have; the whole library by default.
        random_state: A seed, a numpy generator, or None for numpy's global one.

    Attributes:
        classes_: The classes; of two, the logit is that of the second.
        formula_: The formulas of the logits, with ``symbolic``.
        network_, mean_, scale_, grid_, penalty_, history_, discovery_: As in :class:`KANRegressor`.

    Example:
        >>> x = np.linspace(-1, 1, 100)[:, None]
        >>> inside = np.where(abs(x[:, 0]) < 0.5, "in", "out")
        >>> model = KANClassifier((), random_state=0).fit(x, inside)
        >>> model.predict([[0.2], [0.8]]).tolist()
        ['in', 'out']
    """

    def __init__(
        self,
        hidden: Sequence = (5,),
        *,
        grid: int = 3,
        k: int = 3,
        penalty: float | Sequence[float] | None = None,
        optimizer: str = "lbfgs",
        steps: int = 10,
        starts: int = 1,
        class_weight: ClassWeight = None,
        symbolic: bool = False,
        functions: Sequence[str] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        super().__init__(
            hidden,
            grid=grid,
            k=k,
            penalty=penalty,
            optimizer=optimizer,
            steps=steps,
            starts=starts,
            symbolic=symbolic,
            functions=functions,
            random_state=random_state,
        )
        self.class_weight = class_weight

    _constant = "the base rates of the classes"

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows ``(N, columns)`` and their classes ``(N,)``, at least two.

        ``sample_weight`` says how much each row counts in the cross-entropy: one of weight 2 as two rows, one of weight 0
        as none; all alike by default. It is multiplied by the weights of the classes.
        """
        rows, labels = validation.validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        require("sklearn.utils.multiclass", extra="science").check_classification_targets(labels)
        rows, labels, given = weighed(rows, labels, sample_weight)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise ValueError(f"a classifier needs at least 2 classes, got one class: {self.classes_[0]}")
        weight = of_classes(self.class_weight, self.classes_, numbers, np.ones(len(rows)) if given is None else given)
        if count == 2:
            self._fit(rows, (weight * (2 * numbers - 1))[:, None], None, 1, digit_of(X), _binary_loss)
        else:
            self._fit(rows, weight[:, None] * np.eye(count)[numbers], None, count, digit_of(X), _loss)
        return self

    def _chosen_penalty(self, model: KAN, table: Table, loss: Loss | None) -> float:
        unit = _entropy(table.y) / math.log(2)
        starts = iter([self.starts])

        def fit(model: KAN, rows: Table, strength: float) -> None:
            self._fit_network(model, rows, loss, strength * unit, next(starts, 1))

        def error(model: KAN, rows: Table) -> float:
            return float(rows.error(model(rows.x), loss))

        return unit * strength_for_classes(model, table, fit, error, lambda rows: _entropy(rows.y))

    def _floor(self, table: Table) -> float:
        shares = _shares(table.y)
        logits = (shares[1:] / shares[0]).log() if len(shares) == 2 else shares.log() - shares.log().mean()
        loss = _binary_loss if len(shares) == 2 else _loss
        return float(loss(logits.expand_as(table.y), table.y))

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """The logits of rows, ``(N, classes)``; for two classes ``(N,)``, positive for the second."""
        logits = self._forward(X).numpy()
        return logits[:, 0] if logits.shape[1] == 1 else logits

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Probabilities of the classes, ``(N, classes)``."""
        logits = self._forward(X)
        if logits.shape[1] == 1:
            logits = torch.cat([torch.zeros_like(logits), logits], 1)
        return logits.softmax(1).numpy()

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The most probable class of each row."""
        most_probable = self.predict_proba(X).argmax(1)
        return self.classes_[most_probable]

    def _output(self) -> dict[str, Any]:
        two = len(self.classes_) == 2
        reading = {"activation": "sigmoid", "decision": "threshold", "threshold": 0.5} if two else {"activation": "softmax"}
        return {"name": "logits", "classes": self.classes_.tolist(), "decision": "argmax", **reading}
