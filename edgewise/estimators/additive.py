"""The candidates without hidden nodes: a line and a sum of curves, each as smooth as rows held back want it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from edgewise.estimators.monotone import Cone, minimise_within
from edgewise.estimators.penalised import Functions, minimise
from edgewise.estimators.rows import Rows

SIZES = (1e-6, 3e-3, 3e-2, 0.2, 1.0)  # penalties on variances, from weak to strong
BENDS = (1e-7, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # and on second derivatives
CURVED_SIZES = (1e-6, 1e-2, 1e-1)
MOST_NUMBERS = 1200  # coefficients of all outputs at once; beyond it only lines


@dataclass(frozen=True)
class Sum:
    """A sum of functions of single columns.

    Args:
        name: What it is called.
        held: What rows get from fits that held them back, ``(N, outputs)``.
        kept: The same, with rows not beyond the rows of those fits, column by column.
        error: Of ``held``.
        coef: Of the functions in a fit to all rows, ``(1 + P, outputs)``, the constant first.
    """

    name: str
    held: Tensor
    kept: Tensor
    error: float
    coef: Tensor


def best_sum(name: str, functions: Functions, inside: Sequence[Tensor], rows: Rows, cone: Cone | None = None) -> Sum:
    """The sum of functions under the penalties of least loss on rows held back.

    Args:
        name: What it is called.
        functions: Of all rows.
        inside: For each fold the values of the functions of its rows, drawn into the ranges of the others.
        rows: The rows.
        cone: What coefficients may be; anything by default.
    """

    def least(weight: Tensor, setting: tuple[float, float], start: Tensor | None = None) -> Tensor:
        penalty = unit * functions.penalty(*setting)
        if cone is not None:
            return minimise_within(cone, functions.values, y, weight, rows.loss, penalty)
        return minimise(functions.values, y, weight, rows.loss, penalty, start)

    unit, curved = max(rows.floor(), 1e-12), bool(functions.bend.any())
    settings = list(product(CURVED_SIZES if curved else SIZES, reversed(BENDS) if curved else (0.0,)))
    shape, y = rows.table.y.shape, rows.table.y
    held, kept = ({s: torch.empty(shape, dtype=y.dtype) for s in settings} for _ in range(2))
    for fold in range(rows.folds):
        out, coef = rows.fold == fold, None
        weight = rows.used(fold)
        for setting in settings:
            coef = least(weight, setting, coef)
            held[setting][out] = _outputs(functions.values[out], coef)
            kept[setting][out] = _outputs(inside[fold], coef)
    errors = {s: rows.error(found) for s, found in held.items()}
    best = min(settings, key=lambda s: errors[s] if math.isfinite(errors[s]) else math.inf)
    return Sum(name, held[best], kept[best], errors[best], least(rows.table.counts, best))


def _outputs(values: Tensor, coef: Tensor) -> Tensor:
    return coef[0] + values @ coef[1:]
