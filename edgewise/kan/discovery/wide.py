"""Of a table with very many columns, those in which formulas are looked for: pairs of all of them would take hours."""

from collections.abc import Sequence

import numpy as np

from edgewise._ground.errors import warn
from edgewise._ground.optional import require

MOST = 20  # columns in which formulas are looked for
TREES = 100
ROWS = 2000  # that they see


def likely(x: np.ndarray, y: np.ndarray, columns: Sequence[int]) -> list[int]:
    """The columns by which trees tell a target best (:func:`likeliest`), if there are too many; a warning says so.

    Args:
        x: Rows, ``(N, inputs)``.
        y: The target, ``(N,)``.
        columns: Which of the inputs there are to choose from.

    Example:
        >>> likely(np.eye(4), np.arange(4.0), [0, 2, 3])
        [0, 2, 3]
    """
    if len(columns) <= MOST:
        return list(columns)
    warn(
        f"formulas on the rows are looked for in {MOST} of {len(columns)} columns, those by which trees tell the target "
        "best: choose fewer columns to look in others"
    )
    return likeliest(x, y, columns, MOST)


def likeliest(x: np.ndarray, y: np.ndarray, columns: Sequence[int], most: int) -> list[int]:
    """So many of the columns, those by which extremely randomised trees tell targets best.

    Trees see columns that matter together as well as alone (P. Geurts, D. Ernst, L. Wehenkel, Machine Learning 63, 2006).

    Args:
        x: Rows, ``(N, inputs)``.
        y: Targets, ``(N,)`` or ``(N, outputs)``.
        columns: Which of the inputs there are to choose from.
        most: How many to choose.
    """
    trees = require("sklearn.ensemble", extra="science").ExtraTreesRegressor(TREES, min_samples_leaf=3, random_state=0)
    rows = np.random.default_rng(0).permutation(len(x))[:ROWS]
    targets = y[:, 0] if y.ndim > 1 and y.shape[1] == 1 else y
    told = trees.fit(x[rows][:, list(columns)], targets[rows]).feature_importances_
    return sorted(columns[place] for place in np.argsort(-told, kind="stable")[:most])
