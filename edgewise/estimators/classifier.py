"""Classification."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from edgewise._ground.optional import require
from edgewise.estimators.base import KANEstimator, validation
from edgewise.kan.fitting.columns import digit_of

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin
else:
    ClassifierMixin = require("sklearn.base", extra="science").ClassifierMixin
MODEST = 1e-3  # times the mean square of the logits: classes that can be told apart without error leave them finite


def _loss(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy of one logit ``(N, 1)`` and zeros and ones, or of several and class numbers ``(N,)``."""
    entropy = binary_cross_entropy_with_logits if y.is_floating_point() else cross_entropy
    return entropy(logits, y) + MODEST * logits.square().mean()


class KANClassifier(ClassifierMixin, KANEstimator):
    """Classification by a small Kolmogorov-Arnold network that gives a logit for each class; for two classes, one logit.

    It minimises cross-entropy. All else is as in :class:`KANRegressor`.

    Args:
        hidden: Nodes of the hidden layers.
        grid: Intervals of each grid.
        k: Degree of the splines.
        penalty: Strength of the sparsity penalty, or one for each of several stages; None chooses, as in
            :class:`KANRegressor`.
        optimizer: ``"lbfgs"`` or ``"adam"``.
        steps: Of each stage; of L-BFGS each is 20 iterations.
        starts: Beginnings, of which the best is kept.
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
        penalty: float | Sequence[float] | None = 1e-2,
        optimizer: str = "lbfgs",
        steps: int = 10,
        starts: int = 1,
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

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows ``(N, columns)`` and their classes ``(N,)``, at least two."""
        rows, labels = validation.validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        require("sklearn.utils.multiclass", extra="science").check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs at least 2 classes, got one class: {self.classes_[0]}")
        if len(self.classes_) == 2:
            self._fit(rows, numbers[:, None].astype(float), 1, digit_of(X), _loss)
        else:
            self._fit(rows, numbers, len(self.classes_), digit_of(X), _loss)
        return self

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
