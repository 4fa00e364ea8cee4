"""Classification."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.estimators.chunks import KANInChunks
from edgewise.estimators.weights import ClassWeight, of_classes, weighed
from edgewise.kan.fitting.columns import digit_of
from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.losses import CrossEntropy

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin
else:
    ClassifierMixin = require("sklearn.base", extra="science").ClassifierMixin

MODEST = 1e-3  # see CrossEntropy; less where a class is rare, since logits are then large and rows say little


class KANClassifier(ClassifierMixin, KANInChunks):
    """Classification by a small Kolmogorov-Arnold network that gives a logit for each class; for two classes, one logit.

    It minimises cross-entropy. All else is as in :class:`KANRegressor`.

    Args:
        hidden: Nodes of the hidden layers, 5 by default.
        grid: Intervals of each grid.
        k: Degree of the splines.
        penalty: None for the safe fit of :class:`KANRegressor`, in which the base rates of the classes stand for the mean.
            Strength of the sparsity penalty, or one for each of several stages, for a single network.
        optimizer: Of a single network: ``"lm"``, ``"lbfgs"`` or ``"adam"``.
        steps: Of each stage; see :class:`KANRegressor`.
        starts: Networks of each fold; of a single network beginnings, of which the best is kept.
        class_weight: How much rows of each class count: ``"balanced"`` for classes that count alike all in all, a dict of
            class to weight (1 for others), or None for all rows alike.
        max_time: Seconds for a safe fit or formulas; as many as it takes by default.
        symbolic: Give each edge a named function: logits are then those of ``formula_``.
        functions: Names of the functions that formulas may have; the whole library by default.
        random_state: A seed, a numpy generator, or None for numpy's global one.
        device: Where a single network (with ``penalty`` or ``symbolic``) is fitted, such as ``"cuda"``; None: on the CPU.

    Attributes:
        classes_: The classes; of two, the logit is that of the second.
        formula_: The formulas of the logits, with ``symbolic``.
        network_, mean_, scale_, columns_, grid_, penalty_, shares_, errors_, reach_, history_, discovery_: As of the
            regressor.

    Example:
        >>> x = np.linspace(-1, 1, 100)[:, None]
        >>> inside = np.where(abs(x[:, 0]) < 0.5, "in", "out")
        >>> model = KANClassifier((), random_state=0).fit(x, inside)
        >>> model.predict([[0.2], [0.8]]).tolist()
        ['in', 'out']
    """

    def __init__(
        self,
        hidden: Sequence | None = None,
        *,
        grid: int = 3,
        k: int = 3,
        penalty: float | Sequence[float] | None = None,
        optimizer: str = "lm",
        steps: int = 20,
        starts: int = 1,
        class_weight: ClassWeight = None,
        max_time: float | None = None,
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
        self.class_weight = class_weight

    _constant = "the base rates of the classes"

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows ``(N, columns)`` and their classes ``(N,)``, at least two.

        ``sample_weight`` says how much each row counts in the cross-entropy: one of weight 2 as two rows, one of weight 0
        as none; all alike by default. It is multiplied by the weights of the classes.
        """
        rows, labels = self._checked(X, y)
        require("sklearn.utils.multiclass", extra="science").check_classification_targets(labels)
        rows, labels, given = weighed(rows, labels, sample_weight)
        self.classes_ = np.unique(labels)
        numbers, given = self._numbered(labels, given)
        rarest = np.bincount(numbers, given).min() / (len(rows) if given is None else given.sum())
        self._fit(self._filled(rows), self._shares(numbers), given, self._entropy(rarest), digit_of(X))
        return self

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit a single network to one more chunk of rows, of which none is kept; see :meth:`KANRegressor.partial_fit`.

        Args:
            X: Rows of the chunk, ``(N, columns)``.
            y: Their classes, ``(N,)``; a chunk may lack some.
            classes: All classes that will ever come, at least two; needed with the first chunk.
            sample_weight: How much each row counts; all alike by default.

        Raises:
            ValueError: No classes with the first chunk, others later, or labels that are none of them.
            ConfigError: Settings for which rows cannot come in chunks, such as ``class_weight="balanced"``.
        """
        first = self._begins()
        if first and classes is not None:
            self.__dict__.pop("classes_", None)  # of a fit before
        if self.class_weight == "balanced":
            raise ConfigError("partial_fit does not know how frequent classes will be: give class_weight as a dict")
        rows, labels = self._checked(X, y, first)
        require("sklearn.utils.multiclass", extra="science").check_classification_targets(labels)
        rows, labels, given = weighed(rows, labels, sample_weight, 1 + first)
        require("sklearn.utils.multiclass", extra="science")._check_partial_fit_first_call(self, classes)
        numbers, given = self._numbered(labels, given)
        counts = np.bincount(numbers, given, len(self.classes_))
        if first:
            entropy = self._entropy((counts.min() + 1) / (counts.sum() + len(counts)))
            self._fit_chunk(self._filled(rows), self._shares(numbers), given, entropy, digit_of(X))
        else:
            self._go_on(self._filled(rows, False), self._shares(numbers), given)
        return self

    def _numbered(self, labels: np.ndarray, given: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """The numbers of labels among the classes, and weights of rows that know those of classes."""
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs at least 2 classes, got one class: {self.classes_[0]}")
        if len(new := np.setdiff1d(labels, self.classes_)):
            raise ValueError(f"class {new[0]} is none of the classes that were named: {', '.join(map(str, self.classes_))}")
        numbers = np.searchsorted(self.classes_, labels)
        if self.class_weight is None:
            return numbers, given
        given = np.ones(len(labels)) if given is None else given
        return numbers, of_classes(self.class_weight, self.classes_, numbers, given)

    def _shares(self, numbers: np.ndarray) -> np.ndarray:
        """The targets of rows: a column a class, or one for two."""
        count = len(self.classes_)
        return np.eye(count)[numbers] if count > 2 else numbers[:, None].astype(float)

    def _entropy(self, rarest: float) -> CrossEntropy:
        return CrossEntropy(MODEST * len(self.classes_) * rarest)

    def _class_numbers(self, table: Table) -> Tensor:
        return table.y.argmax(1) if table.y.shape[1] > 1 else table.y[:, 0].long()

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
