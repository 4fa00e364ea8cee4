"""Losses that know how they curve, so that Levenberg-Marquardt minimises them as it does squares."""

import abc
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, huber_loss

from edgewise._ground.errors import ConfigError

LEAST_CURVATURE = 1e-3  # where a loss is straight: Huber's far from the target, Poisson's of a mean near 0
LARGEST_LOG = 30.0  # beyond it the exponential is continued by its tangent, so that no step ends in infinity


class CurvedLoss(abc.ABC):
    r"""A convex loss of rows, :math:`\sum_n w_n \ell(f_n, y_n) / \sum_n w_n`.

    ``fit(..., optimizer="lm", loss=...)`` takes Gauss-Newton steps, with :math:`\sum_n w_n J_n^T H_n J_n`.
    """

    @abc.abstractmethod
    def rows(self, output: Tensor, y: Tensor) -> Tensor:
        """The loss of each row, ``(N, outputs), (N, outputs) -> (N,)``."""

    @abc.abstractmethod
    def curve(self, output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient ``(N, outputs)`` and a positive definite curvature ``(N, outputs, outputs)`` by the outputs."""

    def whitened(self, output: Tensor, y: Tensor, derivatives: Tensor) -> tuple[Tensor, Tensor]:
        """Residuals ``(N, outputs)`` and their derivatives ``(N, outputs, P)``: half their squares curve as the loss does.

        Args:
            output: ``(N, outputs)``.
            y: ``(N, outputs)``.
            derivatives: Of the outputs by P parameters, ``(N, outputs, P)``.
        """
        slope, curvature = self.curve(output, y)
        root = torch.linalg.cholesky(curvature)
        return torch.linalg.solve_triangular(root, slope.unsqueeze(2), upper=False).squeeze(2), root.mT @ derivatives

    def __call__(self, output: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """The mean over rows, which count by ``weight (N,)``; all alike by default."""
        rows = self.rows(output, y)
        return rows.mean() if weight is None else weight @ rows / weight.sum()


@dataclass(frozen=True)
class Squares(CurvedLoss):
    """The square of the error, its mean over outputs.

    Example:
        >>> Squares()(torch.zeros(1, 2), torch.tensor([[1.0, 3.0]])).item()
        5.0
    """

    def rows(self, output: Tensor, y: Tensor) -> Tensor:
        return (output - y).square().mean(1)

    def curve(self, output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        count = output.shape[1]
        return 2 / count * (output - y), _diagonal(torch.full_like(output, 2 / count))

    def whitened(self, output: Tensor, y: Tensor, derivatives: Tensor) -> tuple[Tensor, Tensor]:
        root = (2 / output.shape[1]) ** 0.5
        return root * (output - y), root * derivatives


@dataclass(frozen=True)
class Huber(CurvedLoss):
    r"""Squares up to a distance, beyond it straight: outlying targets pull no more than others (P. Huber, 1964).

    :math:`r^2` for :math:`|r| \le d` and :math:`d\,(2 |r| - d)` beyond; the curvature is that of reweighted least squares.

    Args:
        distance: d, in units of the targets, positive.

    Raises:
        ConfigError: The distance is not positive.

    Example:
        >>> Huber(1.0)(torch.zeros(2, 1), torch.tensor([[0.5], [3.0]])).item()  # the mean of 0.25 and 5
        2.625
    """

    distance: float

    def __post_init__(self):
        if not self.distance > 0:
            raise ConfigError(f"Huber's distance must be positive, got {self.distance}: it is in units of the targets")

    def rows(self, output: Tensor, y: Tensor) -> Tensor:
        return 2 * huber_loss(output, y, reduction="none", delta=self.distance).mean(1)

    def curve(self, output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        factor, error = 2 / output.shape[1], output - y
        weight = (self.distance / error.abs().clamp_min(self.distance)).clamp_min(LEAST_CURVATURE)
        return factor * error.clamp(-self.distance, self.distance), _diagonal(factor * weight)


@dataclass(frozen=True)
class Poisson(CurvedLoss):
    """Half the Poisson deviance of targets that are at least 0, the output being the logarithm of the mean.

    Example:
        >>> Poisson()(torch.tensor([[0.0]]), torch.tensor([[1.0]])).item()
        0.0
    """

    def rows(self, output: Tensor, y: Tensor) -> Tensor:
        return (self.mean(output) - y * output + torch.xlogy(y, y) - y).mean(1)

    def curve(self, output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        count, slope = output.shape[1], output.clamp_max(LARGEST_LOG).exp()
        return (slope - y) / count, _diagonal(slope.clamp_min(LEAST_CURVATURE) / count)

    @staticmethod
    def mean(output: Tensor) -> Tensor:
        """What is predicted."""
        near = output.clamp_max(LARGEST_LOG)
        return near.exp() * (1 + output - near)


@dataclass(frozen=True)
class CrossEntropy(CurvedLoss):
    r"""Cross-entropy of logits, one for two classes and else one a class, and a little of their mean square.

    Args:
        modest: The factor of that mean square: classes that can be told apart without error leave logits finite.

    Targets are 0 or 1 (or a share) in a single column, or a column a class that sum to 1.

    Example:
        >>> loss = CrossEntropy(modest=0.0)
        >>> y = torch.tensor([[0.0, 1.0, 0.0]])
        >>> torch.allclose(loss(torch.zeros(1, 3), y), torch.tensor(3.0).log())
        True
    """

    modest: float = 1e-3

    def rows(self, output: Tensor, y: Tensor) -> Tensor:
        if output.shape[1] == 1:
            entropy = binary_cross_entropy_with_logits(output, y, reduction="none")[:, 0]
        else:
            entropy = -(y * output.log_softmax(1)).sum(1)
        return entropy + self.modest * output.square().mean(1)

    def curve(self, output: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        count = output.shape[1]
        shrinking = 2 * self.modest / count
        share = output.sigmoid() if count == 1 else output.softmax(1)
        gradient = share - y + shrinking * output
        if count == 1:
            return gradient, (share * (1 - share) + max(shrinking, 1e-9)).unsqueeze(2)
        curvature = _diagonal(share + max(shrinking, 1e-9)) - share.unsqueeze(2) * share.unsqueeze(1)
        return gradient, curvature


def _diagonal(values: Tensor) -> Tensor:
    # shape: (N, outputs) to (N, outputs, outputs)
    return torch.diag_embed(values)
