r"""Initialisations of attention operators."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from edgewise.nn.attention.functions import HeadFunctions


@dataclass(frozen=True)
class KeepVariance:
    r"""Independent values of unit variance keep it: :math:`E \sum_p \hat s_{kp}^2 = 1`.

    All coefficients are N(0, :math:`\sigma^2`) with :math:`\sigma^2 = \rho^2 / (N m)`, where
    :math:`m = E \sum_j B_j(t)^2` for scores t of N(0, ``score_std``), by Gauss-Hermite quadrature, N is the number of
    inputs and :math:`\rho` what the next step wants. A base branch takes half of the variance. For Fourier series m = G
    whatever the scores, and these are FourierKAN's.

    Args:
        score_std: The standard deviation of the scores, divided by the root of the head's width.
    """

    score_std: float = 1.0

    def functions(self, functions: HeadFunctions) -> None:
        """Draw the functions' parameters."""
        points, weights = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(100))
        points, weights = points * self.score_std, weights / weights.sum()
        edge, share = functions.edge, 1 if functions.edge.base is None else 0.5

        def gain(power: float) -> float:
            return functions.rms * math.sqrt(share / (functions.inputs * power)) if power > 0 else 0.0

        state = {name: t.detach().double().cpu() for name, t in functions.state.tensors().items()}
        features = functions.heads * functions.inputs
        values = edge.basis.evaluate(points.unsqueeze(1).expand(-1, features), state)
        functions.coef.normal_(std=gain((weights @ values.square().sum(-1).mean(1)).item()))
        if functions.base_weight is not None:
            base = 0.0 if edge.base is None else (weights @ edge.base_values(points).square()).item()
            functions.base_weight.normal_(std=gain(base))
        if functions.scale is not None:
            functions.scale.fill_(1)

    def projector(self, projector: nn.Parameter, bias: nn.Parameter | None, fan_in: int, rms: float) -> None:
        """Draw a projector that turns ``fan_in`` numbers of rms 1 into numbers of that rms."""
        projector.normal_(std=rms / math.sqrt(fan_in))
        if bias is not None:
            bias.zero_()


@dataclass(frozen=True)
class Published:
    r"""What the paper states: coefficients N(0, 1), not scaled; its projector is taken to start as ``nn.Linear`` does.

    With 197 tokens, G = 3 and r = 12 it multiplies the standard deviation of the values by more than 100.
    """

    def functions(self, functions: HeadFunctions) -> None:
        """Draw the functions' parameters; the two scalars start as 1."""
        functions.coef.normal_()
        for scalar in (functions.base_weight, functions.scale):
            if scalar is not None:
                scalar.fill_(1)

    def projector(self, projector: nn.Parameter, bias: nn.Parameter | None, fan_in: int, rms: float) -> None:
        """Draw uniform numbers up to ``1 / sqrt(fan_in)``."""
        for t in (projector, bias):
            if t is not None:
                _uniform(t, 1 / math.sqrt(fan_in))


def _uniform(t: Tensor, bound: float) -> None:
    t.uniform_(-bound, bound)


AttentionInit = KeepVariance | Published
