"""Where a basis is looked at."""

import torch
from torch import Tensor

from edgewise.bases import Basis, State


class Points:
    """Points in and about the domain of ``basis``, for ``features`` inputs at once; the same in each call."""

    basis: Basis
    features = 2

    def state(self, dtype: torch.dtype = torch.float64) -> State:
        """Knots and learnable numbers to test with."""
        torch.manual_seed(0)
        return self.basis.init_state(self.features, dtype=dtype)

    def breaks(self, state: State) -> Tensor:
        """Points where the functions are only piecewise smooth, ``(n, features)``; the knots, if there are any."""
        return state["knots"].detach().t().clone() if "knots" in state else torch.empty(0, self.features)

    def _spread(self, state: State, first: float, last: float, count: int) -> Tensor:
        """Random points, as fractions of the domain from its lower end."""
        share = first + (last - first) * torch.rand(
            count, self.features, generator=torch.Generator().manual_seed(2), dtype=torch.float64
        )
        lo, hi = (end.double() for end in self.basis.bounds(share, state))
        return (lo + share * (hi - lo)).detach()

    def _inside(self, state: State) -> Tensor:
        return self._spread(state, 0.01, 0.99, 20)

    def _wide(self, state: State) -> Tensor:
        return self._spread(state, -0.7, 1.7, 40)

    def _beyond(self, state: State, side: int) -> tuple[Tensor, Tensor]:
        """An end of the domain, ``(1, features)``, and points beyond it."""
        x = self._spread(state, *((-1.0, -0.01), (1.01, 2.0))[side], 10)
        return self.basis.bounds(x, state)[side].detach().expand(1, self.features), x

    def _points(self, state: State, dtype: torch.dtype) -> Tensor:
        """Random points in and about the domain, its ends, just outside of them, breaks, and numbers next to zero."""
        points = self._wide(state).to(dtype)
        ends = [end.detach().expand(1, self.features).to(dtype) for end in self.basis.bounds(points, state)]
        points = torch.cat([points, *ends])
        if self.basis.smoothness < 0:  # elsewhere the last digit decides between two functions
            return points
        away = [torch.nextafter(end, end + sign) for end, sign in zip(ends, (-1, 1), strict=True)]
        tiny = torch.tensor([0.0, -0.0, 5e-324, -1e-310, 1e-40], dtype=dtype).unsqueeze(-1).expand(-1, self.features)
        return torch.cat([points, *away, self.breaks(state).to(dtype), tiny])
