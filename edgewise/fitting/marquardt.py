"""Levenberg-Marquardt: Gauss-Newton steps for least squares, damped where the quadratic model is not to be trusted."""

import torch
from torch import Tensor

from edgewise.fitting.curvature import penalty_curvature
from edgewise.fitting.data import Table
from edgewise.fitting.jacobian import jacobian
from edgewise.interpret.sparsity import Sparsity
from edgewise.models.kan import KAN

NARROWEST = 1e-14  # damping at which nothing is damped in float64
WIDEST = 1e12  # and at which a step is too short to matter
FLOOR = 1e-12  # of the curvature, relative to the largest: directions the data says nothing about stay put
WORKING_NUMBERS = 32_000_000  # of derivatives at once


class Marquardt:
    r"""Steps :math:`(J^T J + \mu D)\, \delta = -J^T r`, D the diagonal of :math:`J^T J` (D. Marquardt, SIAM J. 11, 1963).

    Each step lowers the mean square or leaves everything as it was; in float64 whatever the model's type. A fit with a few
    thousand parameters converges in tens of steps to where gradient methods need thousands.

    Args:
        model: The network.
        data: Its rows.
        sparsity: A penalty to add; its curvature is that of :mod:`edgewise.fitting.curvature`.

    Example:
        >>> x = torch.linspace(-1, 1, 50).double().unsqueeze(1)
        >>> model = KAN([1, 1], base=None).double()
        >>> solver = Marquardt(model, Table(x, x**3))
        >>> for _ in range(5): solver.step()
        >>> bool((model(x) - x**3).abs().max() < 1e-8)
        True
    """

    def __init__(self, model: KAN, data: Table, sparsity: Sparsity | None = None):
        self.model, self.data, self.sparsity = model, data, sparsity
        self.reset()

    def reset(self) -> None:
        """Trust the next step as little as the first: the parameters or their meaning have changed."""
        self.damping, self.stuck = 1e-3, False

    @torch.no_grad()
    def step(self) -> None:
        """One step; tries shorter ones until the loss falls, and notes in ``stuck`` if none does."""
        curvature, gradient, value, parameters = self._expansion()
        scale = curvature.diagonal().clamp_min(FLOOR * curvature.diagonal().max()).clamp_min(torch.finfo(torch.double).tiny)
        before = [p.clone() for p in parameters]
        start = torch.cat([b.double().flatten() for b in before])
        while self.damping < WIDEST:
            self._write(parameters, start + self._direction(curvature, gradient, scale))
            if self._value() < value:
                self.damping = max(self.damping / 5, NARROWEST)
                self.stuck = False
                return
            self.damping *= 4
        for parameter, old in zip(parameters, before, strict=True):
            parameter.copy_(old)
        self.damping, self.stuck = 1e-3, True

    def _direction(self, curvature: Tensor, gradient: Tensor, scale: Tensor) -> Tensor:
        root = scale.rsqrt()
        scaled = curvature * root * root.unsqueeze(1)
        scaled.diagonal().add_(self.damping)
        factor, failed = torch.linalg.cholesky_ex(scaled)
        if failed:
            return torch.full_like(gradient, torch.nan)  # refused by the comparison, damped more
        return -root * torch.cholesky_solve((gradient * root).unsqueeze(1), factor).squeeze(1)

    def _expansion(self) -> tuple[Tensor, Tensor, float, list[Tensor]]:
        """Half the curvature and gradient of the objective, its value, and the parameters."""
        curvature = gradient = value = 0
        size = sum(p.numel() for p in self.model.parameters()) * self.data.y.shape[1]
        for x, y in zip(*(t.split(max(1, WORKING_NUMBERS // size)) for t in (self.data.x, self.data.y)), strict=True):
            output, derivatives, parameters = jacobian(self.model, x)
            rows, residual = derivatives.flatten(0, 1).double(), (output - y).flatten().double()
            curvature = curvature + rows.T @ rows
            gradient = gradient + rows.T @ residual
            value = value + residual.square().sum()
        curvature, gradient, value = (t / self.data.y.numel() for t in (curvature, gradient, value))
        if self.sparsity is not None:
            more = penalty_curvature(self.model, self.data, self.sparsity, parameters)
            value, gradient, curvature = value + more[0], gradient + more[1] / 2, curvature + more[2] / 2
        return curvature, gradient, float(value), parameters

    def _value(self) -> float:
        trace = self.model.trace(self.data.x)
        value = (trace.output - self.data.y).double().square().mean()
        return float(value if self.sparsity is None else value + self.sparsity(self.model, trace))

    @staticmethod
    def _write(parameters: list[Tensor], values: Tensor) -> None:
        for parameter, part in zip(parameters, values.split([p.numel() for p in parameters]), strict=True):
            parameter.copy_(part.view_as(parameter))
