"""How much rows and classes count, with scikit-learn's meaning."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require

ClassWeight = str | Mapping[Any, float] | None


def weighed(
    rows: np.ndarray, targets: np.ndarray, given: ArrayLike | None, least: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Rows, targets and weights of the rows that count: those of weight 0 are dropped.

    Args:
        rows: ``(N, columns)``.
        targets: ``(N, ...)``.
        given: A weight a row, or None if all count alike.
        least: How many rows must count.

    Raises:
        ValueError: Weights that are no numbers a row, negative, or positive for fewer rows.
    """
    if given is None:
        return rows, targets, None
    check = require("sklearn.utils.validation", extra="science")._check_sample_weight
    weight = check(given, rows, dtype=np.float64, ensure_non_negative=True)
    kept = weight > 0
    if kept.sum() < least:
        rows_needed = f"{least} row{'s' * (least > 1)}"
        raise ValueError(f"a fit needs at least {rows_needed} of positive sample_weight, got {int(kept.sum())}")
    return rows[kept], targets[kept], weight[kept]


def of_classes(class_weight: ClassWeight, classes: np.ndarray, numbers: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The weights of rows times those of their classes.

    Args:
        class_weight: ``"balanced"`` for classes that count alike all in all, a dict of class to weight (1 for those that
            are not in it), or None.
        classes: All classes.
        numbers: The number of each row's class.
        weight: Of each row.

    Raises:
        ConfigError: ``class_weight`` is something else, names a class that is not there or a weight that is not positive.

    Example:
        >>> of_classes("balanced", np.array(["a", "b"]), np.array([0, 0, 0, 1]), np.ones(4)).round(3).tolist()
        [0.667, 0.667, 0.667, 2.0]
    """
    if class_weight is None:
        return weight
    if isinstance(class_weight, str) and class_weight == "balanced":
        totals = np.bincount(numbers, weight, len(classes))
        return weight * (totals.sum() / (len(classes) * totals))[numbers]
    if not isinstance(class_weight, Mapping):
        raise ConfigError(f"class_weight must be 'balanced', a dict of class to weight or None, got {class_weight!r}")
    unknown = [name for name in class_weight if name not in classes]
    if unknown:
        raise ConfigError(f"class_weight names {unknown[0]!r}, which is no class: they are {', '.join(map(str, classes))}")
    factors = np.array([float(class_weight.get(name, 1.0)) for name in classes.tolist()])
    if not (np.isfinite(factors) & (factors > 0)).all():
        raise ConfigError(f"weights of classes must be positive and finite, got {dict(class_weight)}")
    return weight * factors[numbers]
