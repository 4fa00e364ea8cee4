"""Boundary values and periods that hold exactly, whatever the network inside is."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.physics.domains import Domain
from edgewise.physics.parts import described


class Walled(nn.Module):
    r""":math:`u(x) = g(x) + w(x)\, n(x)` with a wall w that is 0 where u must be g (Lagaris et al., physics/9705023).

    ``solve`` refines and moves the grids of the network inside.

    Args:
        network: n, any network of rows.
        wall: w: a domain, whose edge it is then, or a function of rows ``(N, d) -> (N,)``, such as ``lambda x: x[:, 1]``
            for values at the start of a time in column 1. Within a domain the network may be asked, not outside.
        values: g: a number, or a function of rows ``(N, d) -> (N,)`` or ``(N, outputs)`` that has these values on the edge.

    Shape:
        As the network.

    Raises:
        ConfigError: A wall or values that are not one row a point, or a number that is not finite.

    Example:
        >>> from edgewise.kan import KAN
        >>> from edgewise.physics import Disc
        >>> u = Walled(KAN([2, 3, 1]), Disc([0, 0], 1), values=5.0)
        >>> u(torch.tensor([[1.0, 0.0], [0.0, -1.0]])).flatten().tolist()
        [5.0, 5.0]
    """

    def __init__(
        self,
        network: nn.Module,
        wall: Domain | Callable[[Tensor], Tensor],
        values: float | Callable[[Tensor], Tensor] = 0.0,
    ):
        super().__init__()
        self.network = network
        self.domain = wall if isinstance(wall, Domain) else None
        self.wall = wall.wall if isinstance(wall, Domain) else wall
        if not callable(values) and not math.isfinite(values):
            raise ConfigError(f"values at a wall must be finite, got {values}")
        self.values = values

    def forward(self, x: Tensor) -> Tensor:
        wall = self.wall(x)
        if not isinstance(wall, Tensor) or wall.shape != x.shape[:1]:
            raise ConfigError(f"a wall gives one number a point, {len(x)} of them, got {described(wall)}")
        values = self.values(x) if callable(self.values) else self.values
        if isinstance(values, Tensor):
            if values.dim() and (values.dim() > 2 or len(values) != len(x)):
                raise ConfigError(f"values at a wall are one row a point, {len(x)} of them, got {described(values)}")
            values = values.unsqueeze(1) if values.dim() == 1 else values
        return values + wall.unsqueeze(1) * self.network(x)


class Periodic(nn.Module):
    r"""A network of rows in which some columns go round: :math:`x_i` is given as :math:`\cos, \sin(2 \pi (x_i - a) / p)`.

    All derivatives are periodic then, too.

    Args:
        network: Takes one column more for each that goes round: the cosine in its place, the sines behind all.
        periods: For each such column its least value and the value after one round.

    Raises:
        ConfigError: No columns, a period of no length, or rows without such a column.

    Shape:
        ``(N, d) -> (N, outputs)``

    Example:
        >>> from edgewise.kan import KAN
        >>> u = Periodic(KAN([3, 4, 1]), {0: (-1, 1)})
        >>> y = u(torch.tensor([[-1.0, 0.3], [1.0, 0.3]]))
        >>> bool((y[0] - y[1]).abs() < 1e-5)
        True
    """

    def __init__(self, network: nn.Module, periods: Mapping[int, tuple[float, float]]):
        super().__init__()
        if not periods or min(periods) < 0:
            raise ConfigError(f"what goes round are some columns, counted from 0, got {list(periods)}")
        for column, (low, high) in periods.items():
            if not -math.inf < low < high < math.inf:
                raise ConfigError(f"a period goes from a number up to another, got {low} to {high} in column {column}")
        self.network, self.periods = network, dict(periods)

    def forward(self, x: Tensor) -> Tensor:
        if max(self.periods) >= x.shape[1]:
            raise ConfigError(
                f"column {max(self.periods)} is to go round, and the points have columns 0 to {x.shape[1] - 1}"
            )
        columns, sines = list(x.unbind(1)), []
        for column, (low, high) in self.periods.items():
            angle = (x[:, column] - low) * (2 * math.pi / (high - low))
            columns[column] = angle.cos()
            sines.append(angle.sin())
        return self.network(torch.stack([*columns, *sines], 1))
