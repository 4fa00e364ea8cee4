"""Damped Gauss-Newton steps, for whatever can say how it curves: the loop that all Levenberg-Marquardt fits share."""

import abc
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

NARROWEST = 1e-14  # damping at which nothing is damped in float64
WIDEST = 1e12  # and at which a step is too short to matter
FLOOR = 1e-12  # of the curvature, relative to the largest: directions the data says nothing about stay put
WORKING_NUMBERS = 32_000_000  # of derivatives at once


@dataclass(frozen=True)
class Expansion:
    r"""How an objective changes, :math:`f(\theta + \delta) - f(\theta) \approx 2 g^T \delta + \delta^T C\, \delta`.

    Args:
        curvature: C, half of it, ``(P, P)``, in float64 as all.
        gradient: g, half of it, ``(P,)``.
        parameters: The tensors whose numbers are the P, one after the other.
    """

    curvature: Tensor
    gradient: Tensor
    parameters: list[Tensor]


def least_squares(parts: Iterable[tuple[Tensor, Tensor, list[Tensor]]], count: float = 1) -> Expansion:
    """The expansion of a sum of squares, some rows at a time.

    Args:
        parts: Derivatives ``(rows, P)``, residuals ``(rows,)``, and the parameters the derivatives are by.
        count: Divides the sum; the number of all rows for a mean.

    Example:
        >>> around = least_squares([(torch.tensor([[2.0]]), torch.tensor([3.0]), [])], count=2)
        >>> around.curvature.item(), around.gradient.item()
        (2.0, 3.0)
    """
    curvature = gradient = torch.zeros((), dtype=torch.double)
    parameters: list[Tensor] = []
    for rows, residual, parameters in parts:  # noqa: B007 (the same each time)
        rows, residual = rows.double(), residual.double()
        curvature = curvature + rows.T @ rows
        gradient = gradient + rows.T @ residual
    return Expansion(curvature / count, gradient / count, parameters)


class Damped(abc.ABC):
    r"""Steps :math:`(C + \mu D)\, \delta = -g`, D the diagonal of C (D. Marquardt, SIAM J. 11, 1963).

    Each step lowers the objective or leaves everything as it was; in float64 whatever the type of the parameters. A
    subclass says what is made small, by :meth:`expansion` and :meth:`value`.

    Attributes:
        damping: :math:`\mu`, less after a step that was good and more after one that was not.
        stuck: Whether the last step led nowhere.
    """

    def __init__(self):
        self.reset()

    @abc.abstractmethod
    def expansion(self) -> Expansion:
        """The objective around the present point."""

    @abc.abstractmethod
    def value(self) -> float:
        """The objective at the present point."""

    def reset(self) -> None:
        """Trust the next step as little as the first: the parameters or their meaning have changed."""
        self.damping, self.stuck = 1e-3, False

    @torch.no_grad()
    def step(self) -> None:
        """One step; tries shorter ones until the objective falls, and notes in ``stuck`` if none does.

        The values before and after are rounded alike: where only rounding is left, steps do not lead up and down for ever.
        """
        around, value = self.expansion(), self.value()
        diagonal = around.curvature.diagonal()
        scale = diagonal.clamp_min(FLOOR * diagonal.max()).clamp_min(torch.finfo(torch.double).tiny)
        before = [p.clone() for p in around.parameters]
        start = torch.cat([b.double().flatten() for b in before])
        while self.damping < WIDEST:
            self._write(around.parameters, start + self._direction(around, scale))
            if self.value() < value:
                self.damping = max(self.damping / 5, NARROWEST)
                self.stuck = False
                return
            self.damping *= 4
        for parameter, old in zip(around.parameters, before, strict=True):
            parameter.copy_(old)
        self.damping, self.stuck = 1e-3, True

    def _direction(self, around: Expansion, scale: Tensor) -> Tensor:
        # shape: scale (P,) to a step (P,)
        root = scale.rsqrt()
        scaled = around.curvature * root * root.unsqueeze(1)
        scaled.diagonal().add_(self.damping)
        factor, failed = torch.linalg.cholesky_ex(scaled)
        if failed:
            return torch.full_like(scale, torch.nan)  # refused by the comparison, damped more
        return -root * torch.cholesky_solve((around.gradient * root).unsqueeze(1), factor).squeeze(1)

    @staticmethod
    def _write(parameters: list[Tensor], values: Tensor) -> None:
        # shape: values (P,), parameters of P numbers in all
        for parameter, part in zip(parameters, values.split([p.numel() for p in parameters]), strict=True):
            parameter.copy_(part.view_as(parameter))
