"""Unknown coefficients and functions of equations, against laws whose numbers are known."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError, EdgewiseWarning
from edgewise.kan import KAN
from edgewise.physics import Problem, Term, solve, standard_errors
from edgewise.physics.jacobian import jacobian
from edgewise.physics.unknowns import unknowns_of
from edgewise.testing import assert_within

FOUND = [
    *[("lm", 30, None, 1e-3, start) for start in (3.0, [3.0], [[3.0]])],
    *[("lbfgs", 30, None, 2e-2, start) for start in (3.0, [[3.0]])],
    pytest.param("adam", 600, 0.2, 0.1, [[3.0]], marks=pytest.mark.slow),
]
"""Optimizer, steps, learning rate, how near (relative), start."""


class Model(nn.Module):
    """A solution, and the numbers of its law."""

    def __init__(self, **unknowns):
        super().__init__()
        self.net = KAN([1, 1], grid=8, k=5)
        for name, value in unknowns.items():
            setattr(self, name, value if isinstance(value, nn.Module) else nn.Parameter(torch.tensor(value)))
        self.double()

    def forward(self, x):
        return self.net(x)


def line(count=60, end=3.0):
    return torch.linspace(0, end, count).double().unsqueeze(1)


def spring(model, force):
    """u'' + force = 0, and u = sin 2x at some points."""
    x = line()
    data = x[::4]
    return Problem(
        [
            Term("eq", x, lambda u: u.d(0, 0) + force(model, u)),
            Term("data", data, lambda u: u.value, torch.sin(2 * data[:, 0])),
        ]
    )


@pytest.mark.parametrize(("optimizer", "steps", "lr", "bound", "start"), FOUND)
def test_a_coefficient_is_found_in_whatever_shape_it_is_written(optimizer, steps, lr, bound, start):
    """(sin 2x)'' = -4 sin 2x."""
    model = Model(k=start)
    solve(model, spring(model, lambda m, u: m.k.sum() * u.value), optimizer=optimizer, steps=steps, lr=lr)
    assert model.k.sum().item() == pytest.approx(4, abs=4 * bound)


def test_a_coefficient_that_broadcasts_is_found():
    model = Model(k=[3.0])
    solve(model, spring(model, lambda m, u: m.k * u.value), steps=40)
    assert model.k.item() == pytest.approx(4, abs=1e-3)


def test_several_coefficients_are_found():
    """u'' = -a u - b u' with u = exp(-x / 2) cos 2x: a = 4.25, b = 1."""
    x, model = line(), Model(c=[1.0, 0.0])
    eq = Term("eq", x, lambda u: u.d(0, 0) + model.c[0] * u.value + model.c[1] * u.d(0))
    solution = torch.exp(-x / 2) * torch.cos(2 * x)
    solve(model, Problem([eq, Term("data", x, lambda u: u.value, solution[:, 0])]), steps=40)
    assert_within(model.c.detach(), torch.tensor([4.25, 1.0]).double(), 2e-3)


@pytest.mark.parametrize("optimizer", ["lm", "lbfgs"])
def test_an_unknown_source_is_a_second_network(optimizer):
    """u' = s(x), u = x^3 / 3 - x: s = x^2 - 1."""
    x = line(60, 1.5)
    model = Model(source=KAN([1, 1], grid=4))
    eq = Term("eq", x, lambda u: u.d(0) - model.source(u.x)[:, 0])
    data = Term("data", x, lambda u: u.value, x[:, 0] ** 3 / 3 - x[:, 0])
    solve(model, Problem([eq, data]), optimizer=optimizer, steps=30)
    assert_within(model.source(x).detach(), x**2 - 1, 1e-3 if optimizer == "lm" else 3e-2)


def test_a_closure_of_the_solution_is_a_second_network():
    """u' = f(u) with u = 1 / (1 + exp(-x)): f = u (1 - u), on the values that u takes."""
    torch.manual_seed(1)  # a start from which u does not leave the grid of f after that has moved for the last time
    x = line(80, 4.0) - 2
    model = Model(rate=KAN([1, 1], grid=4))
    eq = Term("eq", x, lambda u: u.d(0) - model.rate(u.value.unsqueeze(1))[:, 0])
    u = torch.sigmoid(x)
    solve(model, Problem([eq, Term("data", x, lambda u: u.value, u[:, 0])]), steps=30)
    assert_within(model.rate(u).detach(), u * (1 - u), 2e-3)


def test_a_boundary_value_is_found():
    """u' = -u with u(1) = 1: u(0) = e."""
    x, model = line(40, 1.0), Model(start=0.0)
    terms = [
        Term("eq", x, lambda u: u.d(0) + u.value),
        Term("start", x[:1], lambda u: u.value - model.start),
        Term("end", x[-1:], lambda u: u.value, 1.0),
    ]
    solve(model, Problem(terms), steps=30)
    assert model.start.item() == pytest.approx(math.e, abs=1e-5)


class Scaled(Model):
    """A frequency that the solution itself uses: sin(w x), and that the equation asks for."""

    def forward(self, x):
        return torch.sin(self.w * x) + 0 * self.net(x)


@pytest.mark.parametrize("optimizer", ["lm", "lbfgs"])
def test_a_number_in_the_solution_and_in_the_equation(optimizer):
    model = Scaled(w=1.8)
    for p in model.net.parameters():
        p.requires_grad_(False)
    solve(model, spring(model, lambda m, u: m.w**2 * u.value), optimizer=optimizer, steps=20)
    assert model.w.item() == pytest.approx(2, abs=1e-6)


@pytest.mark.parametrize(
    "force",
    [
        lambda m, u: m.k * u.value,
        lambda m, u: m.v[0] * u.value + m.v[1] ** 2 * u.d(0),
        lambda m, u: m.net2(u.x)[:, 0] * u.value,
    ],
    ids=["scalar", "vector", "network"],
)
def test_rows_hold_what_the_operator_reads_beside_the_network(force):
    model = Model(k=1.5, v=[0.5, -2.0], net2=KAN([1, 1], grid=3))
    term = spring(model, force).terms[0]
    parameters = dict(model.named_parameters())
    rows, residual = jacobian(model, term, parameters)
    expected = term.residual(model)
    assert_within(residual, expected.detach(), 1e-12)
    for row, one in list(zip(rows, expected, strict=True))[::7]:
        found = torch.autograd.grad(one, list(parameters.values()), retain_graph=True, materialize_grads=True)
        assert_within(row, torch.cat([g.flatten() for g in found]), 1e-10)


@pytest.mark.parametrize("optimizer", ["lm", "lbfgs", "adam"])
def test_an_unknown_outside_of_the_model_is_refused(optimizer):
    k, model = torch.tensor(3.0, dtype=torch.double, requires_grad=True), Model()
    with pytest.raises(ConfigError, match=r"'eq' depends on numbers of shape \(\) that are no parameter of the model"):
        solve(model, spring(model, lambda m, u: k * u.value), optimizer=optimizer)
    other = KAN([1, 1]).double()
    with pytest.raises(ConfigError, match=r"'eq' depends on numbers of shape .* that are no parameter of the model"):
        solve(model, spring(model, lambda m, u: other(u.x)[:, 0]), optimizer=optimizer)


@pytest.mark.parametrize("optimizer", ["lm", "lbfgs", "adam"])
@pytest.mark.parametrize("unknown", [{"k": 3.0}, {"k": KAN([1, 1])}], ids=["number", "function"])
def test_an_unknown_that_no_equation_reads_is_refused_before_anything_changes(optimizer, unknown):
    model = Model(**unknown)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ConfigError, match="no equation depends on 'k' of the model, so nothing can be found of it"):
        solve(model, spring(model, lambda m, u: u.value), steps=1, optimizer=optimizer)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_numbers_that_no_equation_reads_are_named():
    model = torch.nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    with pytest.warns(EdgewiseWarning, match=r"no equation depends on 2.bias of the model: these numbers stay"):
        solve(model, Problem([Term("slope", line(), lambda u: u.d(0), 1.0)]), steps=1)


class Averaging(Model):
    def forward(self, x):
        y = self.net(x)
        return y - y.mean(0)


def test_what_is_not_local_is_refused_by_lm_and_solved_by_others():
    x = line(60, 2.0)
    model = Model()
    problem = Problem([Term("mean", x, lambda u: u.value - u.value.mean() - (x[:, 0] - 1))])
    with pytest.raises(ConfigError, match="optimizer='lm' cannot differentiate the equation 'mean'"):
        solve(model, problem)
    solve(model, problem, optimizer="lbfgs", steps=20)
    assert_within((model(x) - model(x).mean()).detach(), x - 1, 1e-3)
    with pytest.raises(ConfigError, match="cannot differentiate the equation 'eq'"):
        solve(Averaging(), spring(None, lambda m, u: u.value))
    dropping = nn.Sequential(KAN([1, 3]), nn.Dropout(0.5), KAN([3, 1])).double()
    with pytest.raises(ConfigError, match="cannot differentiate the equation 'eq'"):
        solve(dropping, spring(None, lambda m, u: u.value))


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(0.0).double())
        self.shift = nn.Parameter(torch.tensor([0.0]).double())

    def forward(self, x):
        return self.slope * x + self.shift


def test_errors_of_a_line_are_those_of_least_squares():
    """The textbook: the covariance s^2 (X^T X)^-1 with s^2 = |r|^2 / (n - 2)."""
    x = torch.rand(30, 1).double()
    y = 2 * x[:, 0] - 1 + 0.1 * torch.randn(30).double()
    model, problem = Line(), Problem([Term("data", x, lambda u: u.value, y)])
    solve(model, problem, steps=20)
    table = np.column_stack([x.numpy(), np.ones(30)])
    best, (rest,), *_ = np.linalg.lstsq(table, y.numpy(), rcond=None)
    expected = np.sqrt(np.diag(rest / 28 * np.linalg.inv(table.T @ table)))
    found = standard_errors(model, problem, ["data"])
    assert [model.slope.item(), model.shift.item()] == pytest.approx(best.tolist(), rel=1e-8)
    assert [found["slope"].item(), found["shift"].item()] == pytest.approx(expected.tolist(), rel=1e-8)
    assert found["slope"].shape == ()
    assert found["shift"].shape == (1,)


def test_what_is_not_determined_has_infinite_errors():
    x, model = line(20, 1.0), Line()
    problem = Problem([Term("slope", x, lambda u: u.d(0), 1.0 + 0.1 * torch.randn(20).double())])
    found = standard_errors(model, problem, ["slope"])
    assert found["shift"].item() == math.inf
    assert 0.01 < found["slope"].item() < 0.4


@pytest.mark.slow
def test_errors_are_the_spread_over_draws_of_the_noise():
    """u'' = -k u with noise on u: over draws, k spreads as much as one draw says."""
    x, model, found, errors = line(60), Model(k=3.8), [], []

    def drawn(seed):
        torch.manual_seed(seed)
        data = torch.sin(2 * x[:, 0]) + 0.02 * torch.randn(60).double()
        law = Term("eq", x, lambda u: u.d(0, 0) + model.k * u.value, weight=100.0)
        return Problem([law, Term("data", x, lambda u: u.value, data, weight=1.0)])

    solve(model, drawn(24), steps=25)
    for seed in range(24):
        problem = drawn(seed)
        course = solve(model, problem, steps=8)  # from the solution of the draw before
        found.append(model.k.item())
        errors.append(standard_errors(model, problem.weighted(course.weights), ["data"])["k"].item())
    spread = np.std(found, ddof=1)
    assert np.mean(found) == pytest.approx(4, abs=3 * spread / math.sqrt(24))
    assert np.mean(errors) == pytest.approx(spread, rel=0.4)  # the spread of 24 draws is itself known to 15 %


@pytest.mark.parametrize("grid", [5, 8, 12])
def test_errors_cover_with_exact_values_too(grid):
    """u'' + k u = 0 with u = sin 2x, k = 4, by splines that are coarse: nothing is noise, and the error is theirs."""
    torch.manual_seed(0)
    x, data = line(80), 3 * torch.rand(20, 1).double()
    model = Model(k=3.0)
    model.net = KAN([1, 1], grid=grid, k=5).double()
    law = Term("law", x, lambda u: u.d(0, 0) + model.k * u.value)
    problem = Problem([law, Term("data", data, lambda u: u.value, torch.sin(2 * data[:, 0]))])
    problem = problem.weighted(solve(model, problem).weights)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    parameters = list(model.parameters())
    error = standard_errors(model, problem, ["data"])["k"].item()
    assert abs(model.k.item() - 4) < 2 * error
    assert error < 30 * abs(model.k.item() - 4)
    assert [id(p) for p in model.parameters()] == [id(p) for p in parameters]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_too_few_points_for_the_error_of_the_splines_are_warned_of():
    model, x = Model(k=3.0), line(20)
    law = Term("law", x, lambda u: u.d(0, 0) + model.k * u.value)
    problem = Problem([law, Term("data", x[:2], lambda u: u.value)])
    with pytest.warns(EdgewiseWarning, match="twice as many intervals make 23 parameters of 22 residuals, too few points"):
        standard_errors(model, problem, ["law"])


def test_errors_of_what_is_not_there_are_refused():
    model, x = Line(), line(5)
    problem = Problem([Term("data", x, lambda u: u.value)])
    with pytest.raises(ConfigError, match="expected some terms of the problem, of data; got \\['date'\\]"):
        standard_errors(model, problem, ["date"])
    with pytest.raises(ConfigError, match="expected some parameters of the model, of slope, shift; got \\['k'\\]"):
        standard_errors(model, problem, ["data"], ["k"])
    two = Problem([Term("data", x[:2], lambda u: u.value)])
    with pytest.raises(ConfigError, match="'data' has 2 residuals, and as much is fitted to them"):
        standard_errors(model, two, ["data"])
    assert list(unknowns_of(model)) == ["slope", "shift"]


def test_more_parameters_than_residuals_are_warned_of():
    """u'' = -pi^2 sin(pi x) at ten points is learned by heart."""
    x = torch.linspace(-1, 1, 10).double().unsqueeze(1)
    inner = Term("inner", x, lambda u: u.d(0, 0), -(math.pi**2) * torch.sin(math.pi * x[:, 0]))
    with pytest.warns(EdgewiseWarning, match="160 parameters and 10 residuals: the equations can hold at their points"):
        solve(KAN([1, 5, 1], grid=10, k=5).double(), Problem([inner]), steps=1)
    finer = Term("inner", line(40), lambda u: u.d(0, 0))
    with pytest.warns(EdgewiseWarning, match="46 parameters and 40 residuals"):
        solve(KAN([1, 1], grid=5, k=5).double(), Problem([finer]), steps=1, grids=(5, 40))
