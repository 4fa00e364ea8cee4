r"""B-splines: piecewise polynomials on a grid of knots, each non-zero on degree + 1 cells only."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.types import Device

from edgewise._ground.errors import ConfigError
from edgewise._ground.torch_private import watched
from edgewise.bases.basis import Basis, State, register_basis


@register_basis("bspline")
@dataclass(frozen=True)
class BSpline(Basis):
    r"""B-splines of any degree from 0 to 5, on uniform knots or on knots of each input feature's own.

    ``grid_size`` intervals on the domain are extended by ``degree`` knots on each side at the same spacing; on these
    ``grid_size + 2 degree + 1`` knots live ``K = grid_size + degree`` functions (C. de Boor, A Practical Guide to
    Splines, 1978, chapter X). On the domain they are non-negative and sum to one. Beyond it they fade over the
    ``degree`` margin cells and are zero from there on (``outside="zero"``), as in pykan and efficient-KAN.

    Args:
        grid_size: Number of intervals on the domain, at least 1 ("G" in the papers).
        degree: Polynomial degree, 0 to 5 ("k" in the papers).
        domain: The interval covered by the grid.
        outside: ``"zero"``, ``"clamp"`` or ``"linear"``.
        knots: ``"uniform"``, or ``"per-feature"`` for a buffer ``knots``, ``(features, grid_size + 2 degree + 1)``, that
            starts uniform and may be moved; coinciding knots (cells of zero width) are legal.

    Example:
        >>> BSpline(grid_size=1, degree=2).evaluate(torch.tensor([0.0])).tolist()
        [[0.125, 0.75, 0.125]]
    """

    grid_size: int = 5
    degree: int = 3
    domain: tuple[float, float] = (-1.0, 1.0)
    outside: str = "zero"
    knots: Literal["uniform", "per-feature"] = "uniform"
    natural: ClassVar[str] = "zero"

    def __post_init__(self):
        if self.grid_size < 1:
            raise ConfigError(f"grid_size must be at least 1, got {self.grid_size}")
        if not 0 <= self.degree <= 5:
            raise ConfigError(f"degree must be from 0 to 5, got {self.degree}")
        if self.knots not in ("uniform", "per-feature"):
            raise ConfigError(f"knots must be 'uniform' or 'per-feature', got {self.knots!r}")
        super().__post_init__()

    @property
    def num_functions(self) -> int:
        return self.grid_size + self.degree

    @property
    def smoothness(self) -> float:
        return self.degree - 1

    def init_state(self, features: int, *, device: Device = None, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        if self.knots == "uniform":
            return {}
        lo, hi = self.domain
        steps = torch.arange(-self.degree, self.grid_size + self.degree + 1, device=device, dtype=dtype)
        return {"knots": (lo + steps * ((hi - lo) / self.grid_size)).repeat(features, 1)}

    def bounds(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        if self.knots == "uniform":
            return super().bounds(x, state)
        return state["knots"][:, self.degree], state["knots"][:, -self.degree - 1]

    def values(self, x: Tensor, state: State) -> Tensor:
        if self.knots == "uniform" and self.degree > 0 and not _seen(x):
            return self._without_gradient(x)
        nan = x.isnan()
        one = torch.where(nan, x, 1.0)
        if self.knots == "uniform":
            cell, left, right = self._uniform_cell(x)
            local = _local_values(one, left, right, lambda degree, i: degree)
        else:
            cell, left, right = self._located_cell(x, state["knots"])
            local = _local_values(one, left, right, lambda degree, i: right[i] + left[degree - 1 - i])
        cell = cell.masked_fill(nan, self.degree)  # the first cell of the domain: all its functions exist
        if self.degree == 0:
            lo, hi = self.bounds(x, state)
            cell = cell.clamp(max=self.grid_size - 1)  # the last cell owns the right end of the domain
            local = local * ((x >= lo) & (x <= hi) | nan).unsqueeze(-2)
        return self._place(local, cell).transpose(-1, -2)

    def _without_gradient(self, x: Tensor) -> Tensor:
        r"""The same functions at half the cost: :math:`\frac{1}{k!} \sum_i (-1)^i \binom{k+1}{i} (h - i - |v|)_+^k`.

        v is the distance to the middle of the bump and h half its width, both in cells. By symmetry only the terms of
        one half occur, so that nothing cancels. The kink of the absolute value would spoil second derivatives.
        """
        lo, hi = self.domain
        k, half = self.degree, (self.degree + 1) / 2
        middles = torch.arange(self.num_functions, device=x.device, dtype=x.dtype).unsqueeze(-1) - (k - 1) / 2
        u = (x - lo) * (self.grid_size / (hi - lo))
        beyond = (u.unsqueeze(-2) - middles).abs_().sub_(half).clamp_max_(0)  # |v| - h, inside the bump negative
        total = beyond.pow(k).mul_((-1) ** k / math.factorial(k))
        for i in range(1, math.ceil(half)):
            weight = (-1) ** (k + i) * math.comb(k + 1, i) / math.factorial(k)
            total.add_(beyond.add_(1).clamp_max_(0).pow(k), alpha=weight)
        return total.transpose(-1, -2)

    def _uniform_cell(self, x: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The cell of each point, counted from the first knot, and its distances to the knots about it, in cells."""
        lo, hi = self.domain
        u = ((x - lo) * (self.grid_size / (hi - lo))).clamp(-self.degree, self.grid_size + self.degree)
        below = u.detach().floor()
        t = u - below
        cell = (below.long() + self.degree).clamp(0, self.grid_size + 2 * self.degree)
        return cell, [t + j for j in range(self.degree)], [1 + j - t for j in range(self.degree)]

    def _located_cell(self, x: Tensor, knots: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The same on knots of each feature's own. A located cell has positive width, so nothing divides by zero."""
        features, count = knots.shape
        k = self.degree
        knots = knots.to(x.dtype)
        step = (knots[:, -1:] - knots[:, :1]) / (count - 1)
        step = torch.where(step > 0, step, 1)  # all knots of a feature in one point
        margin = step * torch.arange(1, k + 1, device=x.device, dtype=x.dtype)
        padded = torch.cat([knots[:, :1] - margin.flip(-1), knots, knots[:, -1:] + margin], dim=-1)
        lo, hi = (knots[:, end].detach() for end in (k, -k - 1))
        ends = ((x == hi) & (lo < hi)).unsqueeze(-1)  # the domain is closed, whatever knots coincide there
        point = x.unsqueeze(-1)
        cell = ((point > padded) | ((point == padded) & ~ends)).sum(-1) - 1
        cell = cell.clamp(k - 1, k + count - 1)  # beyond all knots: the cell next to them, where no function lives
        first, last = padded[:, 0], padded[:, -1]
        x = torch.where(x < first, first, torch.where(x > last, last, x))
        first = torch.arange(features, device=x.device) * padded.shape[-1] + cell
        flat = padded.flatten()
        return cell - k, [x - flat[first - j] for j in range(k)], [flat[first + 1 + j] - x for j in range(k)]

    def _place(self, local: Tensor, cell: Tensor) -> Tensor:
        """Put the local values in the rows of their functions: ``(..., k + 1, features) -> (..., K, features)``."""
        count = self.num_functions
        first = torch.arange(1 - self.degree, 2, device=cell.device).unsqueeze(-1)
        rows = (cell.unsqueeze(-2) + first).clamp(0, count + 1)  # functions that do not exist go to the two outer rows
        everywhere = local.new_zeros(*cell.shape[:-1], count + 2, cell.shape[-1])
        return everywhere.scatter(-2, rows, local).narrow(-2, 1, count)

    def _end_slopes(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        r""":math:`B'_i = k\, (B^{k-1}_i / (t_{i+k} - t_i) - B^{k-1}_{i+1} / (t_{i+k+1} - t_{i+1}))` on moved knots."""
        if self.knots == "uniform":
            return super()._end_slopes(x, state)
        k, knots = self.degree, state["knots"].to(x.dtype)
        lower = replace(self, degree=k - 1, outside="zero")
        inner = knots[:, 1:-1]
        spans = inner[:, k:] - inner[:, :-k]
        ends = torch.stack(self.bounds(x, state))  # (2, features)
        values = lower.values(ends, {"knots": inner})  # (2, features, K - 1)
        steps = torch.where(spans > 0, values * k / torch.where(spans > 0, spans, 1), 0)
        none = steps.new_zeros(*steps.shape[:-1], 1)
        slopes = torch.cat([none, steps], -1) - torch.cat([steps, none], -1)
        return slopes[0], slopes[1]


def _local_values(
    one: Tensor, left: list[Tensor], right: list[Tensor], width: Callable[[int, int], Tensor | float]
) -> Tensor:
    """The functions that are non-zero in a cell, by de Boor's triangle, which starts from the constant ``one``.

    ``left[j]`` is the distance to the j-th knot below the point, ``right[j]`` to the j-th above it, and
    ``width(degree, i)`` the support of the i-th function of one degree less, ``right[i] + left[degree - 1 - i]``.
    """
    row = [one]
    for degree in range(1, len(right) + 1):
        carried, following = 0, []
        for i, value in enumerate(row):
            share = value / width(degree, i)
            following.append(carried + right[i] * share)
            carried = left[degree - 1 - i] * share
        row = [*following, carried]
    return torch.stack(row, -2)


def _seen(x: Tensor) -> bool:
    """Whether a derivative may be wanted; where one cannot tell, it may."""
    return (torch.is_grad_enabled() and x.requires_grad) or watched()
