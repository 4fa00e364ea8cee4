"""Levenberg-Marquardt for the residuals of equations: derivatives by each parameter, at each point."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, vjp, vmap

from edgewise._ground.errors import ConfigError
from edgewise.kan.fitting.damped import Damped, Expansion, least_squares
from edgewise.ops import use_backend
from edgewise.physics.parts import random_signs, trainable
from edgewise.physics.problem import Problem, Term

_ADVICE = (
    "optimizer='lm' cannot differentiate the equation {!r}: what it gives at a point may depend on the model at that point "
    "alone, not on other points (means, batch norm) or on chance (dropout); take optimizer='lbfgs'"
)
ROUNDING = 1e-6  # of the largest derivatives of all equations: what is less may be all rounding
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
        parameters = trainable(self.model.named_parameters())
        size = max(1, WORKING_NUMBERS // sum(p.numel() for p in parameters.values()))
        for term in self.problem.terms:
            for part in term.split(size):
                rows, residual = jacobian(self.model, part, parameters)
                weight = (term.factor * len(part.points) / len(term.points) / residual.numel()) ** 0.5
                yield weight * rows, weight * residual, list(parameters.values())


def jacobian(model: nn.Module, term: Term, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The residuals ``(R,)`` of a term and their derivatives ``(R, P)`` by the named parameters of the model.

    Each point gets parameters of its own, all equal. A point's residual depends on its own alone, so the gradient of the
    sum holds the derivatives at all points. What the operator reads of the model beside calling it (an unknown coefficient,
    a second network) are the parameters themselves; their derivatives are added one by one.
    """
    copies = {name: p.detach().expand(len(term.points), *p.shape).requires_grad_() for name, p in parameters.items()}

    def at_point(own: dict[str, Tensor], point: Tensor) -> Tensor:
        # vmap hides that a point has a gradient, from layers that are quicker without; vjp shows it
        return vjp(lambda row: functional_call(model, own, (row,)), point.unsqueeze(0))[0].squeeze(0)

    with torch.enable_grad(), use_backend("plain"):
        residual = term.residual(lambda x: vmap(at_point)(copies, x)).reshape(len(term.points), -1)
        columns = residual.sum(0).unbind()
    if not residual.requires_grad:
        return residual.new_zeros(residual.numel(), sum(p.numel() for p in parameters.values())), residual.flatten()
    rows = []
    for column in columns:
        found = torch.autograd.grad(column, list(copies.values()), retain_graph=True, materialize_grads=True)
        rows.append(torch.cat([gradient.reshape(len(gradient), -1) for gradient in found], 1))
    found = torch.stack(rows, 1).flatten(0, 1)
    return found + _read_directly(residual, list(parameters.values())), residual.detach().flatten()


@torch.enable_grad()
def _read_directly(residual: Tensor, parameters: list[Tensor]) -> Tensor | float:
    """Derivatives ``(R, P)`` by the parameters themselves: the gradient of a weighted sum, and of that by the weights."""
    residual = residual.flatten()
    weights = torch.ones_like(residual, requires_grad=True)
    sums = torch.autograd.grad(residual, parameters, weights, create_graph=True, allow_unused=True)
    if all(found is None for found in sums):
        return 0.0
    columns = []
    for parameter, found in zip(parameters, sums, strict=True):
        numbers = [] if found is None else found.reshape(-1).unbind()
        columns += [torch.autograd.grad(number, weights, retain_graph=True)[0] for number in numbers]
        columns += [torch.zeros_like(residual)] * (parameter.numel() if found is None else 0)
    return torch.stack(columns, 1)


def check_derivatives(model: nn.Module, problem: Problem) -> None:
    """Compare a random sum of the rows of each term's matrix with what autograd says of it.

    Raises:
        ConfigError: They differ: what the operator gives at a point depends on other points too, or on chance.
    """
    parameters = trainable(model.named_parameters())
    found = {term.name: _compared(model, term, parameters) for term in problem.terms}
    largest = max(float(scale.max()) for _, scale in found.values())
    for name, (gap, scale) in found.items():
        tolerance = torch.finfo(gap.dtype).eps ** 0.4
        if (gap > tolerance * (scale + scale.mean() + ROUNDING * largest)).any():
            raise ConfigError(_ADVICE.format(name))


def _compared(model: nn.Module, term: Term, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """By how much the two differ for each parameter, ``(P,)``, and the size of what was summed."""
    size = max(1, WORKING_NUMBERS // sum(p.numel() for p in parameters.values()))
    residual = term.residual(model).flatten()
    signs = random_signs(residual, torch.Generator().manual_seed(0))
    try:
        rows = torch.cat([jacobian(model, part, parameters)[0] for part in term.split(size)])
    except RuntimeError as error:
        raise ConfigError(f"{_ADVICE.format(term.name)} ({str(error).splitlines()[0]})") from error
    if not residual.requires_grad:
        return rows.abs().sum(0), torch.zeros_like(rows[0])
    expected = torch.autograd.grad(residual, list(parameters.values()), signs, materialize_grads=True)
    return (signs @ rows - torch.cat([gradient.flatten() for gradient in expected])).abs(), rows.abs().sum(0)
