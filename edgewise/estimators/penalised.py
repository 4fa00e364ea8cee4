r"""Lines and additive models, whose best coefficients are found at once.

The output is linear in the coefficients, :math:`f = \Phi c`, so the mean loss and a penalty :math:`c^T R c` are minimised
by Newton steps, of which squares need one (P. Eilers and B. Marx, Statistical Science 11, 1996).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.losses import CurvedLoss, Squares
from edgewise.kan.layer import KANLayer

POINTS = 200  # on which the bend of a curve is measured, evenly over its domain
HALF_WAVE = 100.0  # the mean square of the second derivative of half a sine wave of deviation 1 on a domain of length 1
TINY = 1e-9  # ridge on all coefficients: constants may stand on any edge
NEWTON_STEPS, HALVINGS, CLOSE = 25, 12, 1e-7


@dataclass(frozen=True)
class Functions:
    """The functions of one layer on some rows, and what makes sums of them large or bent.

    Args:
        values: Of the functions, ``(N, P)``.
        size: Of which ``c^T size c`` is the sum of the edges' variances, ``(P, P)``.
        bend: The same for the mean squares of their second derivatives, over domains of length 1.
    """

    values: Tensor
    size: Tensor
    bend: Tensor

    @classmethod
    def of(cls, layer: KANLayer, x: Tensor) -> "Functions":
        """Those of the edges that are there, base functions left out."""
        features, there = _features(layer, x, False)[:, layer.mask.any(0)], layer.mask.any(0)
        share = torch.full_like(x[:, 0], 1 / len(x))
        blocks = sizes_of(features, share), bends_of(layer, False)[there]
        return cls(features.flatten(1), *(torch.block_diag(*m) if len(m) else m.new_zeros(0, 0) for m in blocks))

    @classmethod
    def straight(cls, x: Tensor) -> "Functions":
        """Those of lines through the columns."""
        return cls(x, torch.diag(x.var(0, correction=0)), torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype))

    def penalty(self, size: float, bend: float) -> Tensor:
        """The matrix of a penalty."""
        return size * self.size + bend * self.bend


def sizes_of(features: Tensor, share: Tensor) -> Tensor:
    """The covariances of the functions of each input, ``(N, inputs, K) -> (inputs, K, K)``; rows count by their share."""
    centred = features - torch.einsum("n,nik->ik", share, features)
    return torch.einsum("n,nik,nil->ikl", share, centred, centred)


def bends_of(layer: KANLayer, base: bool) -> Tensor:
    """The mean products of the functions' second derivatives, over a domain of length 1, ``(inputs, K, K)``.

    Args:
        layer: The layer.
        base: Whether the base function is the first of the functions.
    """
    low, high = layer.edge.basis.bounds(layer.coef.new_zeros(1, layer.in_features), layer.state.tensors())
    points = low + (high - low) * torch.linspace(0, 1, POINTS, dtype=layer.coef.dtype).unsqueeze(1)
    second = _features(layer, points, base).diff(n=2, dim=0) * (POINTS - 1) ** 2
    bends = torch.einsum("nik,nil->ikl", second, second) / len(second) / HALF_WAVE
    return bends * (high > low).to(bends).expand(layer.in_features)[:, None, None]


def _features(layer: KANLayer, x: Tensor, base: bool) -> Tensor:
    # shape: (N, in) to (N, in, K), or (N, in, 1 + K) with the base function
    with torch.no_grad():
        return layer.edge_features(x) if base else layer.edge.basis_values(x, layer.state.tensors())


def minimise(
    values: Tensor, y: Tensor, weight: Tensor, loss: CurvedLoss, penalty: Tensor, start: Tensor | None = None
) -> Tensor:
    """The coefficients of least penalised loss, a constant first, ``(1 + P, outputs)``.

    Args:
        values: Of the functions, ``(N, P)``.
        y: Targets, ``(N, outputs)``.
        weight: Of the rows, ``(N,)``.
        loss: What is made small.
        penalty: A matrix ``(P, P)``, which each output has.
        start: Where to begin.
    """
    outputs, share = y.shape[1], weight / weight.sum()
    values = torch.cat([torch.ones_like(values[:, :1]), values], 1) if values.shape[1] else torch.ones(len(y), 1).to(values)
    ridge = torch.zeros(values.shape[1], values.shape[1], dtype=values.dtype)
    ridge[1:, 1:] = (penalty + TINY * torch.eye(len(penalty), dtype=values.dtype)) / outputs
    if isinstance(loss, Squares):
        weighted = values * share.unsqueeze(1) / outputs
        return _solve(values.T @ weighted + ridge, weighted.T @ y)
    coef = values.new_zeros(values.shape[1], outputs) if start is None else start

    def objective(coef: Tensor) -> float:
        return float(share @ loss.rows(values @ coef, y) + (coef * (ridge @ coef)).sum())

    return descend(objective, lambda coef: _newton(values, y, share, loss, ridge, coef), coef, NEWTON_STEPS, CLOSE)


def descend(
    objective: Callable[[Tensor], float], step: Callable[[Tensor], Tensor], start: Tensor, steps: int, close: float
) -> Tensor:
    """Where steps lead, each halved until the objective falls.

    Args:
        objective: What is made small.
        step: From where one is to the whole step.
        start: Where to begin.
        steps: How many, at most.
        close: It ends when a step gains less than this part of the objective, or none.

    Example:
        >>> descend(lambda x: float((x - 3) ** 2), lambda x: 2 * (3 - x), torch.tensor(1.0), 10, 1e-9)
        tensor(3.)
    """
    numbers, value = start, objective(start)
    for _ in range(steps):
        whole, length = step(numbers), 1.0
        for _ in range(HALVINGS):
            after = objective(numbers + length * whole)
            if after < value:
                break
            length /= 2
        else:
            break
        numbers, gained, value = numbers + length * whole, value - after, after
        if gained < close * abs(value):
            break
    return numbers


def best_constant(table: Table, loss: CurvedLoss) -> Tensor:
    """The output of least loss that knows no column, ``(outputs,)``."""
    nothing = table.y.new_zeros(len(table), 0)
    return minimise(nothing, table.y, table.counts, loss, table.y.new_zeros(0, 0))[0]


def _newton(values: Tensor, y: Tensor, share: Tensor, loss: CurvedLoss, ridge: Tensor, coef: Tensor) -> Tensor:
    # shape: values (N, P), share (N,), coef and the step (P, outputs)
    slope, curvature = loss.curve(values @ coef, y)
    gradient = values.T @ (share.unsqueeze(1) * slope) + 2 * ridge @ coef
    count, outputs = values.shape[1], y.shape[1]
    hessian = values.new_zeros(outputs, count, outputs, count)
    for one in range(outputs):
        for other in range(one + 1):
            block = values.T @ (values * (share * curvature[:, one, other]).unsqueeze(1))
            hessian[one, :, other] = hessian[other, :, one] = block + (2 * ridge if one == other else 0)
    step = _solve(hessian.reshape(outputs * count, -1), -gradient.T.reshape(-1, 1))
    return step.view(outputs, count).T


def _solve(matrix: Tensor, right: Tensor) -> Tensor:
    scale = matrix.diagonal().clamp_min(1e-12).rsqrt()
    scaled = matrix * scale * scale.unsqueeze(1)
    scaled.diagonal().add_(1e-10)
    factor, failed = torch.linalg.cholesky_ex(scaled)
    if failed:
        return scale.unsqueeze(1) * (torch.linalg.pinv(scaled, hermitian=True) @ (scale.unsqueeze(1) * right))
    return scale.unsqueeze(1) * torch.cholesky_solve(scale.unsqueeze(1) * right, factor)
