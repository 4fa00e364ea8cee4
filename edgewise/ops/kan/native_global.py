"""The edge sum of fully connected layers on bases with global support: their functions are non-zero everywhere."""

from dataclasses import dataclass

import torch

from edgewise.ops.edge import EdgeFunction
from edgewise.ops.kan.lean import PlannedKAN
from edgewise.ops.native.functions import global_settings
from edgewise.ops.operation import Operands, Operation


@dataclass(frozen=True)
class GlobalSum(Operation):
    """Of x, coefficients, base weights and scales, the last two possibly None."""

    edge: EdgeFunction

    def plain(self, x, coef, base_weight, scale):
        # shape: x (N, C), coef (C, K, outputs), base_weight and scale (outputs, C) or None
        return PlannedKAN().linear(x, self.edge, {}, coef, base_weight, scale)

    def fast(self, *operands):
        return torch.ops.edgewise.global_sum(*operands, *self._settings(operands)), ()

    def gradients(self, gradient, operands, wants, kept):
        settings = self._settings(operands)
        return torch.ops.edgewise.global_sum_backward(gradient, *operands, *settings, wants[0])

    def _settings(self, operands: Operands) -> tuple:
        return global_settings(self.edge, has_base=operands[2] is not None)
