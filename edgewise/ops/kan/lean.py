"""The edge sum as a plan."""

from torch import Tensor

from edgewise.bases.basis import State
from edgewise.ops.contraction import Conv, Linear
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.plan import Planned
from edgewise.ops.window import Window


class PlannedKAN(Planned):
    """The ops by plan."""

    def linear(self, x, edge: EdgeFunction, state: State, coef, base_weight=None, scale=None) -> Tensor:
        """As :func:`edgewise.ops.kan.definition.linear`."""
        return self.sum_edges(x, edge, state, Linear(), (coef, scale), Linear(), base_weight)

    def conv(self, x, edge: EdgeFunction, state: State, coef, base_weight, scale, window: Window) -> Tensor:
        """As :func:`edgewise.ops.kan.definition.conv`."""
        return self.sum_edges(x, edge, state, Conv(window), (coef, scale), Conv(window), base_weight, window)
