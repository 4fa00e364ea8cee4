r"""Sums of curves that rise or fall with some columns: splines do where their coefficients are in order.

Differences of coefficients take the place of the coefficients, none of them negative, so each Newton step minimises a
quadratic function over a cone: free coefficients are eliminated, and the others found as C. Lawson and R. Hanson do it
(Solving Least Squares Problems, 1974).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._ground.optional import require
from edgewise.estimators.penalised import descend
from edgewise.kan.fitting.losses import CurvedLoss, Squares

STEPS, CLOSE = 25, 1e-9
ROUNDING = 1e-12  # ridge, relative to the diagonal


@dataclass(frozen=True)
class Cone:
    """Coefficients of functions whose sums rise or fall as they must: products of a matrix with numbers.

    Args:
        basis: The matrix, ``(P, numbers)``.
        bounded: Which of the numbers are not negative, ``(numbers,)``.
    """

    basis: Tensor
    bounded: Tensor

    @classmethod
    def of_lines(cls, ways: Sequence[int]) -> "Cone":
        """For a slope of each column.

        Args:
            ways: For each column 1 if lines rise with it, -1 if they fall, 0 for either.

        Example:
            >>> Cone.of_lines([0, -1]).basis.tolist()
            [[1.0, 0.0], [0.0, -1.0]]
        """
        found = torch.tensor(ways, dtype=torch.double)
        return cls(torch.diag(torch.where(found == 0, 1.0, found)), found != 0)

    @classmethod
    def of_curves(cls, ways: Sequence[int], count: int) -> "Cone":
        """For so many splines of each column; the arguments are those of :meth:`of_lines`."""
        steps = torch.tril(torch.ones(count, count, dtype=torch.double))
        blocks = [way * steps if way else torch.eye(count, dtype=torch.double) for way in ways]
        bounded = torch.zeros(len(blocks), count, dtype=torch.bool)
        bounded[torch.tensor(ways, dtype=torch.long) != 0, 1:] = True
        return cls(torch.block_diag(*blocks), bounded.flatten())


def minimise_within(
    cone: Cone,
    values: Tensor,
    y: Tensor,
    weight: Tensor,
    loss: CurvedLoss,
    penalty: Tensor,
) -> Tensor:
    """The coefficients of least penalised loss within a cone, a constant first, ``(1 + P, 1)``.

    Args:
        cone: What they may be.
        values: Of the functions, ``(N, P)``.
        y: Targets, ``(N, 1)``.
        weight: Of the rows, ``(N,)``.
        loss: What is made small.
        penalty: A matrix ``(P, P)``.
    """
    share, ones = weight / weight.sum(), torch.ones(len(y), 1, dtype=values.dtype)
    made = torch.cat([ones, values @ cone.basis], 1)
    bounded = torch.cat([torch.zeros(1, dtype=torch.bool), cone.bounded])
    ridge = torch.zeros(made.shape[1], made.shape[1], dtype=values.dtype)
    ridge[1:, 1:] = cone.basis.T @ penalty @ cone.basis
    numbers = torch.zeros(made.shape[1], 1, dtype=values.dtype)

    def objective(numbers: Tensor) -> float:
        return float(share @ loss.rows(made @ numbers, y) + (numbers * (ridge @ numbers)).sum())

    def step(numbers: Tensor) -> Tensor:
        slope, curvature = loss.curve(made @ numbers, y)
        gradient = made.T @ (share.unsqueeze(1) * slope) + 2 * ridge @ numbers
        hessian = made.T @ (made * (share * curvature[:, 0, 0]).unsqueeze(1)) + 2 * ridge
        return least_quadratic(hessian, gradient - hessian @ numbers, bounded) - numbers

    numbers = descend(objective, step, numbers, 1 if isinstance(loss, Squares) else STEPS, CLOSE)
    return torch.cat([numbers[:1], cone.basis @ numbers[1:]])


def least_quadratic(hessian: Tensor, gradient: Tensor, bounded: Tensor) -> Tensor:
    r"""The vector z of least :math:`z^T H z / 2 + g^T z`, of which some numbers are not negative, ``(n, 1)``.

    Args:
        hessian: H, positive definite up to rounding, ``(n, n)``.
        gradient: g, ``(n, 1)``.
        bounded: Which numbers are not negative, ``(n,)``.

    Example:
        >>> z = least_quadratic(torch.eye(2).double(), torch.tensor([[-3.0], [2.0]]).double(), torch.tensor([False, True]))
        >>> [round(number, 9) for number in z.flatten().tolist()]
        [3.0, 0.0]
    """
    scale = hessian.diagonal().clamp_min(1e-300).rsqrt().unsqueeze(1)
    matrix, right = hessian * scale * scale.T, scale * gradient
    matrix = matrix + ROUNDING * len(matrix) * torch.eye(len(matrix), dtype=matrix.dtype)
    order = torch.cat([(~bounded).nonzero().flatten(), bounded.nonzero().flatten()])
    free = int((~bounded).sum())
    root = torch.linalg.cholesky(matrix[order][:, order], upper=True)  # free numbers first: the rest stands by itself
    wanted = -torch.linalg.solve_triangular(root.T, right[order], upper=False)
    found = torch.zeros_like(right)
    solve = require("scipy.optimize", extra="science").nnls
    if free < len(matrix):
        rest, _ = solve(root[free:, free:].numpy(), wanted[free:, 0].numpy(), maxiter=100 * len(matrix))
        found[free:, 0] = torch.tensor(rest)
    left = wanted[:free] - root[:free, free:] @ found[free:]
    found[:free] = torch.linalg.solve_triangular(root[:free, :free], left, upper=True)
    back = torch.empty_like(found)
    back[order] = found
    return scale * back
