"""Levenberg-Marquardt: Gauss-Newton steps for least squares, damped where the quadratic model is not to be trusted."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from edgewise.kan.fitting.curvature import penalty_curvature
from edgewise.kan.fitting.damped import WORKING_NUMBERS, Damped, Expansion, least_squares
from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.jacobian import jacobian
from edgewise.kan.fitting.losses import CurvedLoss, Squares
from edgewise.kan.interpret.sparsity import Sparsity
from edgewise.kan.network import Network


class Marquardt(Damped):
    r"""Steps :math:`(J^T J + \mu D)\, \delta = -J^T r`, D the diagonal of :math:`J^T J` (D. Marquardt, SIAM J. 11, 1963).

    Each step lowers the mean square or leaves everything as it was; in float64 whatever the model's type. A fit with a few
    thousand parameters converges in tens of steps to where gradient methods need thousands.

    Args:
        model: The network.
        data: Its rows.
        sparsity: A penalty to add; its curvature is that of :mod:`edgewise.kan.fitting.curvature`.
        loss: What is made small, with its curvature in place of :math:`J^T J`; the mean square by default.

    Example:
        >>> from edgewise.kan import KAN
        >>> x = torch.linspace(-1, 1, 50).double().unsqueeze(1)
        >>> model = KAN([1, 1], base=None).double()
        >>> solver = Marquardt(model, Table(x, x**3))
        >>> for _ in range(5): solver.step()
        >>> bool((model(x) - x**3).abs().max() < 1e-8)
        True
    """

    def __init__(self, model: Network, data: Table, sparsity: Sparsity | None = None, loss: CurvedLoss | None = None):
        super().__init__()
        self.model, self.data, self.sparsity, self.loss = model, data, sparsity, loss

    def expansion(self) -> Expansion:
        rows = len(self.data) if self.data.weight is None else float(self.data.weight.double().sum())
        around = least_squares(self._parts(), rows * (self.data.y.shape[1] if self.loss is None else 2))
        if self.sparsity is None:
            return around
        gradient, curvature = penalty_curvature(self.model, self.data, self.sparsity, around.parameters)
        return replace(around, curvature=around.curvature + curvature / 2, gradient=around.gradient + gradient / 2)

    @torch.no_grad()
    def value(self) -> float:
        trace = self.model.trace(self.data.x)
        weight = None if self.data.weight is None else self.data.weight.double()
        value = (self.loss or Squares())(trace.output.double(), self.data.y.double(), weight)
        return float(value if self.sparsity is None else value + self.sparsity(self.model, trace))

    def _parts(self) -> Iterator[tuple[Tensor, Tensor, list[Tensor]]]:
        size = sum(p.numel() for p in self.model.parameters()) * self.data.y.shape[1]
        for rows in torch.arange(len(self.data), device=self.data.x.device).split(max(1, WORKING_NUMBERS // size)):
            part = self.data.some(rows)
            output, derivatives, parameters = jacobian(self.model, part.x)
            residual = output - part.y
            if self.loss is not None:
                residual, derivatives = self.loss.whitened(output, part.y, derivatives)
            if part.weight is not None:
                root = part.weight.sqrt()
                derivatives, residual = derivatives * root[:, None, None], residual * root[:, None]
            yield derivatives.flatten(0, 1), residual.flatten(), parameters
