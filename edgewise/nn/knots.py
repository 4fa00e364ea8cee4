"""Knots of B-splines and what becomes of the coefficients when they move; tensors only, a row for each feature."""

import math

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import DataError
from edgewise.bases import BSpline

NARROWEST = 1e-3  # the least width of a new cell that duplicated samples leave, in mean widths


def moved(samples: Tensor, grid_size: int, dtype: torch.dtype, eps: float, margin: float) -> tuple[Tensor, Tensor]:
    """Knots on the domain of each feature, ``(features, grid_size + 1)``, and whether it has but one value."""
    finite = samples.isfinite()
    ordered = samples.where(finite, math.inf).sort(1).values
    share = torch.arange(grid_size + 1, device=samples.device, dtype=torch.float64) / grid_size
    quantiles = interpolated(ordered, share * (finite.sum(1, keepdim=True) - 1))
    first, last = quantiles[:, :1], quantiles[:, -1:]
    digit = torch.finfo(dtype).eps
    noise = max(grid_size * digit, digit**0.75)  # no room for that many cells, or no more than rounding errors
    still = last - first <= noise * torch.maximum(first.abs(), last.abs())
    wider = margin * (last - first)
    lo, hi = _rounded_down(first - wider, dtype), -_rounded_down(-last - wider, dtype)
    inner = torch.cat([lo, quantiles[:, 1:-1], hi], 1)
    narrow = inner.diff().amin(1, keepdim=True) < NARROWEST * (hi - lo) / grid_size
    even = torch.where(narrow, max(eps, NARROWEST), eps)
    return inner + even * (lo * (1 - share) + hi * share - inner), still.squeeze(1)


def _rounded_down(numbers: Tensor, dtype: torch.dtype) -> Tensor:
    """Numbers of ``dtype`` next to the given ones and not above them, so that no sample falls outside the domain."""
    near = numbers.to(dtype).double()
    lower = (near - torch.finfo(dtype).eps * near.abs()).to(dtype).double()
    return torch.where(near > numbers, lower, near)


def interpolated(rows: Tensor, position: Tensor) -> Tensor:
    """The rows at fractional indices, linear in between."""
    below = position.floor()
    share = position - below
    left, right = (rows.gather(1, index.long()).double() for index in (below, position.ceil()))
    return left * (1 - share) + right * share


def extended(inner: Tensor, degree: int) -> Tensor:
    """Knots on the domain, and ``degree`` more on each side, as far apart as the end cell there is wide, or the mean cell.

    The smaller of the two: a function that lives in a wide margin but for one narrow cell is all but zero there, and its
    coefficient as large as the projection makes it; and coefficients are what the function would be at the knots of the
    margin, of which those of a wide one are far. An end cell without width tells nothing.
    """
    widths = inner.diff()
    mean = widths.mean(1, keepdim=True)
    ends = (torch.where(end > 0, torch.minimum(end, mean), mean) for end in (widths[:, :1], widths[:, -1:]))
    below, above = (end * torch.arange(1, degree + 1, device=inner.device) for end in ends)
    return torch.cat([inner[:, :1] - below.flip(1), inner, inner[:, -1:] + above], 1)


def stored(knots: Tensor, dtype: torch.dtype) -> Tensor:
    """The numbers that ``dtype`` makes of the knots."""
    knots = knots.to(dtype).double()
    if not knots.isfinite().all():
        raise DataError(f"samples of x are too large for knots in {dtype}: scale them, or use a wider dtype")
    return knots


def transfer(old: BSpline, before: Tensor, new: BSpline, after: Tensor) -> Tensor:
    """The matrices ``(features, new K, old K)`` of the L2 projection over the new domain.

    Gauss' rule with degree + 1 points between any two knots is exact for products of splines.
    """
    inner = after[:, new.degree : new.degree + new.grid_size + 1]
    breaks = torch.cat([before.clamp(inner[:, :1], inner[:, -1:]), inner], 1).sort(1).values
    nodes, weights = (torch.from_numpy(a).to(after) for a in np.polynomial.legendre.leggauss(new.degree + 1))
    width = breaks.diff().unsqueeze(-1)
    points = (breaks[:, :-1, None] + width * ((1 + nodes) / 2)).flatten(1).t()
    root = (width * weights / 2).sqrt().flatten(1).unsqueeze(-1)
    target = old.evaluate(points, {"knots": before}).transpose(0, 1) * root
    functions = new.values(points, {"knots": after}).transpose(0, 1) * root
    return _least_squares(functions, target)


def _least_squares(functions: Tensor, target: Tensor) -> Tensor:
    """Coefficients of ``functions`` nearest to ``target``, zero for functions that vanish.

    B-splines of unit norm are well conditioned whatever their knots (de Boor, 1973), so the normal equations will do.
    """
    norm = functions.norm(dim=1, keepdim=True)
    scale = torch.where(norm > 0, 1 / norm, 0.0)
    functions = functions * scale
    mass = functions.mT @ functions + torch.diag_embed((norm == 0).squeeze(1).to(norm.dtype))
    factor, _ = torch.linalg.cholesky_ex(mass)
    solution = torch.cholesky_solve(functions.mT @ target, factor)
    solution += torch.cholesky_solve(functions.mT @ (target - functions @ solution), factor)
    return solution * scale.mT
