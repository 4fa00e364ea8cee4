"""The penalty that makes networks sparse enough to be read."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.kan.interpret.deviations import Deviations, deviations
from edgewise.kan.interpret.scores import score
from edgewise.kan.network import Network, Trace
from edgewise.ops.edge import in_full_precision

LOG_FLOOR = 1e-4  # part of pykan's definition of entropy
RANGE_FLOOR = 0.1  # and of its normalised deviations


def _normalised(found: list[Deviations]) -> list[Tensor]:
    return [d.numeric / (d.inputs + RANGE_FLOOR) for d in found]


def _node_backward(model: Network, found: list[Deviations]) -> list[Tensor]:
    all_nodes = score(model, found).node_scores
    return [score(model, found[:n], torch.diag(all_nodes[n])).by_output[0] for n in range(1, len(found) + 1)]


METRICS: dict[str, Callable[[Network, list[Deviations]], list[Tensor]]] = {
    "edge_forward_spline_n": lambda model, found: _normalised(found),
    "edge_forward_sum": lambda model, found: [(d.total / (d.inputs + RANGE_FLOOR)).detach() for d in found],
    "edge_forward_spline_u": lambda model, found: [d.total for d in found],
    "edge_backward": lambda model, found: score(model, found).edge_scores,
    "node_backward": _node_backward,
}


@dataclass(frozen=True)
class Sparsity:
    r"""Sparsity penalty of a network on samples, in pykan's definitions (Liu et al., arXiv:2404.19756, section 2.5.1).

    :math:`\lambda \left[\mu_1 \sum_e m_e + \mu_2 (H_{row} + H_{col})\right]`, summed over layers, with m a measure of each
    edge and H the mean entropies (base 2) of its shares of its row, :math:`m / (\sum m + 1)`, and of its column. Two
    further terms sum the mean magnitudes of coefficients and of their differences.

    Args:
        strength: The factor :math:`\lambda`.
        l1: The factor :math:`\mu_1`.
        entropy: The factor :math:`\mu_2`.
        coef: Factor of the mean absolute coefficients.
        coef_diff: Factor of the mean absolute differences of neighbouring coefficients.
        metric: What measures an edge: ``"edge_forward_spline_n"`` its standard deviation over that of its input,
            ``"edge_forward_spline_u"`` its standard deviation, ``"edge_backward"`` its score, ``"node_backward"`` the
            scores of inputs for each node; ``"edge_forward_sum"`` is a measure without gradient.

    Raises:
        ConfigError: An unknown metric, or a factor that is negative or not finite.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([2, 5, 1])
        >>> Sparsity(1e-3)(model, model.trace(torch.rand(20, 2))).shape
        torch.Size([])
    """

    strength: float = 1e-3
    l1: float = 1.0
    entropy: float = 2.0
    coef: float = 0.0
    coef_diff: float = 0.0
    metric: str = "edge_forward_spline_n"

    def __post_init__(self):
        if self.metric not in METRICS:
            raise unknown("metric", self.metric, METRICS)
        factors = (self.strength, self.l1, self.entropy, self.coef, self.coef_diff)
        if not all(isinstance(factor, Real) and 0 <= factor < math.inf for factor in factors):
            raise ConfigError(f"the factors of a penalty must be finite and not negative, got {self}")

    def __call__(self, model: Network, trace: Trace) -> Tensor:
        """The penalty, a 0-d tensor."""
        return self.of(model, deviations(model, trace))

    def of(self, model: Network, found: list[Deviations]) -> Tensor:
        """The penalty of a network whose standard deviations are known."""
        total = found[0].inputs.new_zeros(())
        for size in METRICS[self.metric](model, found):
            total = total + self.l1 * size.sum() + self.entropy * (_entropy(size, 1) + _entropy(size, 0))
        for layer in model:
            if self.coef:
                total = total + self.coef * in_full_precision(layer.coef).abs().mean(-1).sum()
            if self.coef_diff:
                total = (
                    total + self.coef_diff * in_full_precision(layer.coef).diff(dim=layer.basis_dim).abs().mean(-1).sum()
                )
        return self.strength * total


def _entropy(size: Tensor, dim: int) -> Tensor:
    # shape: size (S, in) to ()
    share = size / (size.sum(dim, keepdim=True) + 1)
    return -(share * torch.log2(share + LOG_FLOOR)).sum(dim).mean()
