r"""B-splines with their derivatives of several orders at once: one search for the cell, one triangle, no autograd."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from edgewise.bases.basis import State
from edgewise.bases.bspline import BSpline


@torch.no_grad()
def spline_derivatives(basis: BSpline, x: Tensor, state: State, highest: int) -> list[Tensor]:
    r"""The functions and their derivatives up to order ``highest``, under the rule for the outside of the domain.

    In a cell, :math:`\frac{d}{dx} B_i^k = k \left( B_{i-1}^{k-1} / s_{i-1} - B_i^{k-1} / s_i \right)` with s the supports
    of the functions of one degree less, counted from the first that is not zero there (C. de Boor, A Practical Guide to
    Splines, 1978, chapter X).

    Args:
        basis: The functions.
        x: Points, ``(..., features)``.
        state: Knots of the basis, if they are each feature's own.
        highest: Highest order, at least 0.

    Returns:
        For each order from 0 on, ``(..., features, K)``.

    Example:
        >>> value, slope = spline_derivatives(BSpline(grid_size=1, degree=2), torch.tensor([0.0]), {}, 1)
        >>> slope.tolist()
        [[-0.25, 0.0, 0.25]]
    """
    if basis.outside == basis.natural:
        return _within(basis, x, state, highest)
    lo, hi = basis.bounds(x, state)
    inside = torch.where(x < lo, lo, torch.where(x > hi, hi, x))
    linear = basis.outside == "linear"
    found = _within(basis, inside, state, max(highest, 1) if linear else highest)
    away = (x - inside).unsqueeze(-1)
    beyond = away.abs() > 0  # not where it is a NaN
    if linear:
        found[0] = torch.where(beyond, found[0] + away * found[1], found[0])
    constant = found[: 2 if linear else 1]  # what goes on beyond the ends
    return (constant + [part.masked_fill(beyond, 0.0) for part in found[len(constant) :]])[: highest + 1]


def _within(basis: BSpline, x: Tensor, state: State, highest: int) -> list[Tensor]:
    # shape: x (..., features) to (..., features, K) for each order
    degree, nan = basis.degree, x.isnan()
    if degree == 0:  # steps, which have an end of their own
        return [basis.values(x, state)] + [x.new_zeros(*x.shape, basis.num_functions)] * highest
    scale: Tensor | float = 1.0
    if basis.knots == "uniform":
        cell, left, right = basis._uniform_cell(x)
        lo, hi = basis.domain
        spacing = (hi - lo) / basis.grid_size
        margin = degree * spacing
        scale = ((x >= lo - margin) & (x <= hi + margin) | nan).to(x).unsqueeze(-1) / spacing  # beyond, all is zero
    else:
        cell, left, right = basis._located_cell(x, state["knots"])
    cell = cell.masked_fill(nan, degree)
    below, above = torch.stack(left, -2), torch.stack(right, -2)  # (..., degree, features)
    orders = [torch.where(nan, x, 1.0).unsqueeze(-2)]  # of the functions of one degree; for degree 0 the constant alone
    for size in range(1, degree + 1):
        left_of, right_of = below[..., :size, :].flip(-2), above[..., :size, :]
        shares = [part / (size if basis.knots == "uniform" else left_of + right_of) for part in orders]
        raised = _first(right_of * shares[0]) + _last(left_of * shares[0])
        orders = [raised, *(size * (_last(share) - _first(share)) for share in shares[:highest])]
    placed = [basis._place(part, cell).transpose(-1, -2) * scale**order for order, part in enumerate(orders)]
    return placed + [torch.zeros_like(placed[0])] * (highest + 1 - len(placed))


def _first(row: Tensor) -> Tensor:
    """Some functions as the first of one more."""
    return pad(row, (0, 0, 0, 1))


def _last(row: Tensor) -> Tensor:
    """Some functions as the last of one more."""
    return pad(row, (0, 0, 1, 0))
