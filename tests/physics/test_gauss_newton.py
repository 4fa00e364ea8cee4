import pytest
import torch
from torch import nn

from edgewise.kan import KAN
from edgewise.physics import GaussNewton, Problem, Term, gauss_newton
from edgewise.physics.jacobian import jacobian
from edgewise.testing import assert_within


def points(count=9):
    return torch.rand(count, 2, dtype=torch.float64) * 1.6 - 0.8


def symbolic():
    model = KAN([2, [1, 1], 1], grid=3, k=4, scale=True, affine=True)
    model.fix_symbolic(0, 1, 0, "sin", (1.5, 0.2, 0.7, -0.1))
    return model


class Walled(nn.Module):
    """A network that is 0 where the first input is."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), KAN([3, 1], grid=3))

    def forward(self, x):
        return x[:, :1] * self.inner(x)


def updated():
    model = KAN([2, 3, 1], grid=4).double()
    model.update_grid(points(50))
    return model


MODELS = {
    "plain": lambda: KAN([2, 3, 1], grid=4),
    "everything": symbolic,
    "coefficients": lambda: KAN([2, 3, 1], grid=4, frozen=["base_weight"]),
    "knots": updated,
    "walled": Walled,
}
OPERATORS = {
    "value": lambda u: u.value,
    "nonlinear": lambda u: u.d(0) * u.value + u.x[:, 1] * u.d(1, 1) - u.d(0, 1),
    "two": lambda u: torch.stack([u.laplacian(), u.value.exp()], 1),
}


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("kind", MODELS)
def test_derivatives_are_those_of_one_residual_after_the_other(kind, operator):
    model = MODELS[kind]().double()
    term = Term("t", points(), OPERATORS[operator], 0.3)
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    rows, residual = jacobian(model, term, parameters)
    expected = term.residual(model).flatten()
    assert_within(residual, expected.detach(), 1e-12)
    for row, one in zip(rows, expected, strict=True):
        own = torch.autograd.grad(one, list(parameters.values()), retain_graph=True, materialize_grads=True)
        assert_within(row, torch.cat([g.flatten() for g in own]), 1e-10)


def test_expands_the_loss_of_the_problem(monkeypatch):
    model = KAN([2, 3, 1], grid=4).double()
    terms = [Term(name, points(n), OPERATORS[name], 0.1, n) for name, n in (("value", 4), ("nonlinear", 9), ("two", 5))]
    problem = Problem(terms)
    around = GaussNewton(model, problem).expansion()
    loss = problem.loss(model)
    gradient = torch.autograd.grad(loss, around.parameters)
    assert_within(around.gradient, torch.cat([g.flatten() for g in gradient]) / 2, 1e-10)

    count = sum(p.numel() for p in model.parameters())
    monkeypatch.setattr(gauss_newton, "WORKING_NUMBERS", 2 * count)  # two points at a time
    parts = GaussNewton(model, problem).expansion()
    assert_within(parts.gradient, around.gradient, 1e-10)
    assert_within(parts.curvature, around.curvature, 1e-10)


def test_a_linear_equation_is_solved_in_a_few_steps():
    """u'' = 2 with u = 1 at both ends is x^2, of which a single cubic edge is capable."""
    x = torch.linspace(-1, 1, 30, dtype=torch.float64).unsqueeze(1)
    model = KAN([1, 1], base=None).double()
    problem = Problem([Term("inner", x, lambda u: u.d(0, 0), 2.0), Term("ends", x[[0, -1]], lambda u: u.value, 1.0)])
    solver = GaussNewton(model, problem)
    for _ in range(8):
        solver.step()
    assert_within(model(x).detach(), x**2, 1e-9)
