"""Levenberg-Marquardt for the residuals of equations: derivatives by each parameter, at each point."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, vjp, vmap

from edgewise.kan.fitting.damped import Damped, Expansion, least_squares
from edgewise.physics.problem import Problem, Term

WORKING_NUMBERS = 2_000_000  # of derivatives at once; what leads to them is some twenty times as large


class GaussNewton(Damped):
    """Damped Gauss-Newton steps for a problem: by far the most accurate for networks of up to some thousand parameters.

    Args:
        model: The network, on whose parameters the steps are.
        problem: What to fulfil, in the model's type.

    Example:
        >>> from edgewise.kan import KAN
        >>> x = torch.linspace(0, 1, 50).double().unsqueeze(1)
        >>> decay = Problem([Term("decay", x, lambda u: u.d(0) + u.value), Term("start", x[:1], lambda u: u.value, 1.0)])
        >>> model = KAN([1, 1], grid=10).double()
        >>> solver = GaussNewton(model, decay)
        >>> for _ in range(5): solver.step()
        >>> bool((model(x) - torch.exp(-x)).abs().max() < 1e-4)
        True
    """

    def __init__(self, model: nn.Module, problem: Problem):
        super().__init__()
        self.model, self.problem = model, problem

    def expansion(self) -> Expansion:
        return least_squares(self._parts())

    def value(self) -> float:
        return float(self.problem.loss(self.model).detach())

    def _parts(self) -> Iterator[tuple[Tensor, Tensor, list[Tensor]]]:
        parameters = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        size = max(1, WORKING_NUMBERS // sum(p.numel() for p in parameters.values()))
        for term in self.problem.terms:
            for part in term.split(size):
                rows, residual = jacobian(self.model, part, parameters)
                weight = (term.weight * len(part.points) / len(term.points) / residual.numel()) ** 0.5
                yield weight * rows, weight * residual, list(parameters.values())


def jacobian(model: nn.Module, term: Term, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The residuals ``(R,)`` of a term and their derivatives ``(R, P)`` by the named parameters of the model.

    Each point gets parameters of its own, all equal. A point's residual depends on its own alone, so the gradient of the
    sum holds the derivatives at all points.
    """
    copies = {name: p.detach().expand(len(term.points), *p.shape).requires_grad_() for name, p in parameters.items()}

    def at_point(own: dict[str, Tensor], point: Tensor) -> Tensor:
        # vmap hides that a point has a gradient, from layers that are quicker without; vjp shows it
        return vjp(lambda row: functional_call(model, own, (row,)), point.unsqueeze(0))[0].squeeze(0)

    with torch.enable_grad():
        residual = term.residual(lambda x: vmap(at_point)(copies, x)).reshape(len(term.points), -1)
        columns = residual.sum(0).unbind()
    rows = []
    for place, column in enumerate(columns, 1):
        again = place < len(columns)
        found = torch.autograd.grad(column, list(copies.values()), retain_graph=again, materialize_grads=True)
        rows.append(torch.cat([gradient.flatten(1) for gradient in found], 1))
    return torch.stack(rows, 1).flatten(0, 1), residual.detach().flatten()
