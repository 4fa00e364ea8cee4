"""Columns of a table that say nothing, because they do not vary, and numbers in them that say too much."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from edgewise._ground.errors import warn
from edgewise.kan.network import Network
from edgewise.nn.outlying import far_out

SAME = 10  # rounding errors of the largest number, up to which a column is constant


def digit_of(values: ArrayLike) -> float:
    """The relative size of a rounding error of numbers as they are given, that of float64 for whole ones.

    Example:
        >>> digit_of(np.zeros(3, dtype=np.float32)) == 2**-23
        True
    """
    if isinstance(values, Tensor):
        return torch.finfo(values.dtype).eps if values.is_floating_point() else torch.finfo(torch.double).eps
    kind = np.asarray(values).dtype
    return float(np.finfo(kind if kind.kind == "f" else np.double).eps)


def still(rows: Tensor, digit: float | None = None) -> Tensor:
    """Which columns of ``rows (N, columns)`` are constant up to rounding, ``(columns,)``, bool.

    Args:
        rows: The numbers.
        digit: The relative size of a rounding error; by default that of their type.

    Example:
        >>> still(torch.tensor([[1.0, 0.3], [2.0, 0.1 + 0.2]]))
        tensor([False,  True])
    """
    digit = max(digit or 0.0, torch.finfo(rows.dtype).eps)
    least, most = rows.aminmax(dim=0)
    return most - least <= SAME * digit * rows.abs().amax(0)


def cut_still(model: Network, rows: Tensor, digit: float | None = None, names: Sequence[str] | None = None) -> None:
    """Cut the edges that come from columns that do not vary in ``rows``, and say so.

    What such an edge learns is a constant; what it would give for another value is what it happened to start with. Formulas
    on edges stay.

    Args:
        model: The network; it changes in place.
        rows: What it is to be fitted to, ``(N, columns)``, all that are given.
        digit: As for :func:`still`.
        names: Of the columns, for the warning; numbers from 0 by default.
    """
    columns = range(rows.shape[1]) if model.inputs is None else model.inputs
    alike, mask = still(rows, digit)[list(columns)], model[0].mask
    cut = (alike & mask.any(0)).tolist()
    if len(rows) < 2 or not any(cut):
        return
    found = [column for column, constant in zip(columns, cut, strict=True) if constant]
    warn_of_still([f"{names[c]!r}" if names else f"{c} (counted from 0)" for c in found], rows[0, found].tolist())
    model[0].set_mask(mask & ~alike)


def cut_outputs(model: Network, targets: Tensor) -> None:
    """Let no edge lead to outputs whose targets ``(N, outputs)`` do not vary, and say so."""
    alike = still(targets)
    if len(targets) < 2 or not alike.any():
        return
    said = ", ".join(str(column) for column in alike.nonzero().flatten().tolist())
    warn(
        f"target {said} (counted from 0) is the same in all rows: there is nothing to learn, so predictions are that "
        "number; give rows where it varies"
    )
    model[-1].set_mask(model[-1].mask & ~alike.unsqueeze(1))


def warn_of_still(columns: Iterable[str], values: Iterable[float]) -> None:
    """Say that columns do not vary and what follows from it."""
    said = [f"{column} is {value:.6g}" for column, value in zip(columns, values, strict=True)]
    warn(
        f"column {', '.join(said)} in all rows: nothing can be learned from what does not vary, so no edge leads from "
        "there and other values will change nothing; leave it out, or give rows where it varies"
    )


def warn_of_far_out(targets: Tensor) -> None:
    """Say that numbers of ``targets (N, outputs)`` lie far from all others: squares follow them and little else."""
    far = far_out(targets.T)
    for column in far.any(1).nonzero().flatten().tolist():
        values, rest = targets[far[column], column], targets[~far[column], column]
        warn(
            f"target {column} (counted from 0) is {_listed(values)} where all others are from {rest.min():.4g} to "
            f"{rest.max():.4g}: squares of errors follow such rows and little else; correct them, or leave them out"
        )


def near_rows(rows: Tensor, names: Sequence[str] | None = None) -> Tensor:
    """Which rows ``(N, columns)`` hold no number far from all others of its column, ``(N,)``, and warn of the others."""
    far = far_out(rows.T)
    if far.any():
        columns = far.any(1).nonzero().flatten().tolist()
        said = [f"{names[c]!r}" if names else f"{c} (counted from 0)" for c in columns]
        held = [f"{_listed(rows[far[c], c])} in column {name}" for c, name in zip(columns, said, strict=True)]
        warn(
            f"{int(far.any(0).sum())} of {len(rows)} rows are left out, which hold numbers far from all others: "
            f"{', '.join(held)}; correct them, or leave them out yourself"
        )
    return ~far.any(0)


def warn_of_far_rows(x: Tensor, spread: float, loss: float) -> None:
    """Say that rows far from all others left a network worse than the mean of the targets.

    Args:
        x: The rows, ``(N, columns)``.
        spread: The mean square of the targets about their mean.
        loss: What is left of it.
    """
    far = far_out(x.T)
    if not loss <= 1.01 * spread and far.any():
        column = int(far.any(1).nonzero()[0])
        warn(
            f"the network is worse than the mean of the targets (a mean square of {loss:.3g} where that has {spread:.3g}): "
            f"column {column} (counted from 0) holds {_listed(x[far[column], column])}, far from all others; correct such "
            "rows, or leave them out"
        )


def _listed(values: Tensor) -> str:
    """Some numbers, for a message."""
    return ", ".join(f"{value:.4g}" for value in values[:3].tolist()) + (", .." if len(values) > 3 else "")
