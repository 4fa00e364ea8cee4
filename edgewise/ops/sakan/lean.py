"""Sums with shared functions as plans: their contractions, and the two ops."""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.bases.basis import State
from edgewise.ops.contraction import CONVOLUTIONS, Contraction, Conv, Linear
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.plan import Planned
from edgewise.ops.window import Window


@dataclass(frozen=True)
class SharedLinear(Contraction):
    """One function an output, shared by all inputs: first ``S_k = sum_i lambda_i F_ik``, then ``sum_k c_ok S_k``."""

    num_packed = 2

    def __call__(self, features: Tensor, coef: Tensor, mix: Tensor) -> Tensor:
        # shape: features (N, C, K), coef (outputs, K), mix (C,)
        return features.transpose(-1, -2).matmul(mix) @ coef.t()


@dataclass(frozen=True)
class SharedConv(Contraction):
    """One function an output channel, shared by all channels and taps of its group.

    With one group the channels are contracted first, once a tap, and the taps are shifted and added; with a channel
    a group (depthwise) the functions are formed first, one map a channel. Neither holds a K-fold map of patches.
    """

    window: Window
    num_packed = 2

    def __call__(self, features: Tensor, coef: Tensor, mix: Tensor) -> Tensor:
        # shape: features (N, *space, C, K), coef (outputs, K), mix (groups, C / groups, *kernel)
        groups, per_group = mix.shape[:2]
        if groups == 1:
            return self._channels_first(features, coef, mix)
        if per_group == 1 and coef.shape[0] == groups:
            return self._functions_first(features, coef, mix)
        parts = zip(features.chunk(groups, -2), coef.chunk(groups), mix.chunk(groups), strict=True)
        return torch.cat([self._channels_first(*part) for part in parts], 1)

    def _channels_first(self, features: Tensor, coef: Tensor, mix: Tensor) -> Tensor:
        # shape: of one group, as in __call__
        space = features.shape[:-2]
        rows = features.transpose(-1, -2).flatten(0, -2)  # (N x space x K, C)
        mixed = (mix[0].flatten(1).t() @ rows.t()).unflatten(1, (*space, coef.shape[1]))  # (taps, N, *space, K)
        taps = self.window.taps()
        total = self.window.view(mixed[0], taps[0])
        for tap, at in zip(taps[1:], mixed[1:], strict=True):
            total = total + self.window.view(at, tap)
        return (total @ coef.t()).movedim(-1, 1)

    def _functions_first(self, features: Tensor, coef: Tensor, mix: Tensor) -> Tensor:
        # shape: coef (C, K), mix (C, 1, *kernel)
        w = self.window
        functions = (features.transpose(-1, -2) * coef.t()).sum(-2).movedim(-1, 1)
        return CONVOLUTIONS[len(w.kernel_size)](functions, mix, None, w.stride, 0, w.dilation, w.groups)


class PlannedSaKAN(Planned):
    """The ops by plan."""

    def shared_linear(self, x, edge: EdgeFunction, state: State, coef, mix, base_weight=None) -> Tensor:
        """As :func:`edgewise.ops.sakan.definition.linear`."""
        return self.sum_edges(x, edge, state, SharedLinear(), (coef, mix), Linear(), base_weight)

    def shared_conv(self, x, edge: EdgeFunction, state: State, coef, mix, base_weight, window: Window) -> Tensor:
        """As :func:`edgewise.ops.sakan.definition.conv`."""
        return self.sum_edges(x, edge, state, SharedConv(window), (coef, mix), Conv(window), base_weight, window)
