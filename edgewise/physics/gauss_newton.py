"""Levenberg-Marquardt for the residuals of equations."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.kan.fitting.damped import Damped, Expansion, least_squares
from edgewise.physics.parts import random_signs, trainable
from edgewise.physics.problem import Problem
from edgewise.physics.residuals import Residuals
from edgewise.physics.term import Term

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
        residuals: How to ask it, where that is known already.

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

    def __init__(self, model: nn.Module, problem: Problem, residuals: Residuals | None = None):
        super().__init__()
        self.model, self.residuals = model, residuals or Residuals(model, problem)

    def expansion(self) -> Expansion:
        return least_squares(self._parts())

    def value(self) -> float:
        return float(self.residuals.problem.total(self.residuals.mean_squares()))

    def _parts(self) -> Iterator[tuple[Tensor, Tensor, list[Tensor]]]:
        parameters = trainable(self.model.named_parameters())
        size = max(1, WORKING_NUMBERS // sum(p.numel() for p in parameters.values()))
        for term in self.residuals.problem.terms:
            for part in term.split(size):
                rows, residual = self.residuals.jacobian(part, parameters)
                weight = (term.factor * len(part.points) / len(term.points) / residual.numel()) ** 0.5
                yield weight * part.counted(rows), weight * part.counted(residual), list(parameters.values())


def check_derivatives(residuals: Residuals) -> None:
    """Compare a random sum of the rows of each term's matrix with what autograd says of it.

    Raises:
        ConfigError: They differ: what the operator gives at a point depends on other points too, or on chance.
    """
    parameters = trainable(residuals.model.named_parameters())
    found = {term.name: _compared(residuals, term, parameters) for term in residuals.problem.terms}
    largest = max(float(scale.max()) for _, scale in found.values())
    for name, (gap, scale) in found.items():
        tolerance = torch.finfo(gap.dtype).eps ** 0.4
        if (gap > tolerance * (scale + scale.mean() + ROUNDING * largest)).any():
            raise ConfigError(_ADVICE.format(name))


def _compared(residuals: Residuals, term: Term, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """By how much the two differ for each parameter, ``(P,)``, and the size of what was summed."""
    size = max(1, WORKING_NUMBERS // sum(p.numel() for p in parameters.values()))
    residual = term.residual(residuals.model).flatten()
    signs = random_signs(residual, torch.Generator().manual_seed(0))
    try:
        rows = torch.cat([residuals.jacobian(part, parameters)[0] for part in term.split(size)])
    except RuntimeError as error:
        raise ConfigError(f"{_ADVICE.format(term.name)} ({str(error).splitlines()[0]})") from error
    if not residual.requires_grad:
        return rows.abs().sum(0), torch.zeros_like(rows[0])
    expected = torch.autograd.grad(residual, list(parameters.values()), signs, materialize_grads=True)
    return (signs @ rows - torch.cat([gradient.flatten() for gradient in expected])).abs(), rows.abs().sum(0)
