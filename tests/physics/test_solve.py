import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import nn

from edgewise import EdgewiseError
from edgewise.kan import KAN
from edgewise.physics import Box, Problem, Term, solve


def line(count=60, end=1.0):
    return torch.linspace(0, end, count).unsqueeze(1)


def decay():
    """u' = -u from 1: exp(-x)."""
    x = line()
    return Problem([Term("decay", x, lambda u: u.d(0) + u.value), Term("start", x[:1], lambda u: u.value, 1.0)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("optimizer", "steps", "lr", "bound"), [("lm", 10, None, 1e-4), ("lbfgs", 15, 0.5, 1e-3), ("adam", 150, 0.05, 2e-2)]
)
def test_every_optimizer_solves_a_decay(optimizer, steps, lr, bound, dtype):
    x, model = line(), KAN([1, 1], grid=5).to(dtype)
    course = solve(model, decay(), test=(x, torch.exp(-x)), optimizer=optimizer, steps=steps, lr=lr)
    assert (model(x.to(dtype)) - torch.exp(-x)).abs().max() < bound
    assert course.test_rmse[-1] < bound
    assert len(course) == len(course.test) == len(course.terms["start"]) == len(course.outside) <= steps
    assert course.loss[-1] == pytest.approx(
        sum(course.weights[name] * course.terms[name][-1] for name in course.terms), rel=1e-5
    )


def test_a_pendulum_as_scipy_integrates_it():
    """Two outputs: angle and velocity."""
    t = line(80, end=3.0).double()
    swing = Term("swing", t, lambda u: torch.stack([u[0].d(0) - u[1].value, u[1].d(0) + u[0].value.sin()], 1))
    start = Term("start", t[:1], lambda u: u.outputs, torch.tensor([[1.0, 0.0]]).double(), weight=10)
    model = KAN([1, 2], grid=10, k=5).double()
    solve(model, Problem([swing, start]), steps=15)
    expected = solve_ivp(lambda _, y: [y[1], -np.sin(y[0])], (0, 3), [1, 0], t_eval=t[:, 0].numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(model(t).detach().numpy(), expected.y.T, rtol=0, atol=1e-5)


def test_finer_grids_come_nearer():
    x = torch.linspace(-1, 1, 200).double().unsqueeze(1)
    solution = torch.sin(2 * math.pi * x)
    source = -((2 * math.pi) ** 2) * solution[:, 0]
    problem = Problem(
        [Term("inner", x, lambda u: u.laplacian(), source, 0.01), Term("ends", x[[0, -1]], lambda u: u.value)]
    )
    course = solve(KAN([1, 1], grid=4).double(), problem, test=(x, solution[:, 0]), grids=(4, 8, 16), steps=6)
    last = dict(zip(course.grid, course.test_rmse, strict=True))
    assert list(last) == [4, 8, 16]
    assert last[8] < last[4] / 3
    assert last[16] < last[8] / 3


def test_points_and_knots_gather_where_the_solution_is_steep():
    """u' = 30 / cosh^2(30 x): half of the slope is within 1/55 of the middle."""

    def law(u):
        return u.d(0) - 30 / torch.cosh(30 * u.x[:, 0]).square()

    box, new, errors, near = Box([-1], [1]), torch.linspace(-1, 1, 501).double().unsqueeze(1), [], []
    for draw in (None, box.inside):
        torch.manual_seed(0)
        model = KAN([1, 1], grid=24, k=4).double()
        terms = [Term("law", box.inside(150), law, draw=draw), Term("middle", torch.zeros(1, 1), lambda u: u.value)]
        solve(model, Problem(terms), steps=9, grid_updates=3)
        errors.append((model(new)[:, 0] - torch.tanh(30 * new[:, 0])).abs().max().item())
        near.append((model[0].state.knots.abs() < 0.2).double().mean().item())
    assert near[1] > 2 * near[0]
    assert errors[1] < errors[0] / 5


class Walled(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = KAN([1, 1], grid=4)

    def forward(self, x):
        return x * (1 - x) * self.inner(x)


def test_walls_may_be_built_into_a_module_around_the_network():
    x, model = line().double(), Walled().double()
    problem = Problem([Term("inner", x, lambda u: u.d(0, 0), -torch.sin(math.pi * x[:, 0]) * math.pi**2)])
    solve(model, problem, grids=(4, 8), steps=6)
    assert (model(x) - torch.sin(math.pi * x)).abs().max() < 1e-3
    assert model(x[[0, -1]]).tolist() == [[0], [0]]
    assert model.inner[0].edge.basis.grid_size == 8


def test_a_solution_found_ends_the_stage():
    x = line().double()
    straight = Problem([Term("slope", x, lambda u: u.d(0), 2.0), Term("start", x[:1], lambda u: u.value, 1.0)])
    course = solve(KAN([1, 1], base=None).double(), straight, steps=100)
    assert course.stopped == "converged"
    assert len(course) < 100
    assert course.loss[-1] < 1e-20


def test_an_interrupt_leaves_the_last_whole_step():
    states = []

    def operator(u):
        if len(states) == 3 and operator.left:
            operator.left -= 1
            if not operator.left:
                raise KeyboardInterrupt
        return u.d(0) + u.value

    operator.left = 2  # in the middle of the fourth step
    problem = Problem([Term("decay", line(), operator), Term("start", line()[:1], lambda u: u.value, 1.0)])
    model = KAN([1, 1])
    course = solve(model, problem, grid_updates=0, callback=lambda m, *_: states.append(m(line()).detach()))
    assert course.stopped == "interrupted"
    assert len(course) == 3
    assert torch.equal(model(line()), states[-1])


def test_a_step_out_of_all_numbers_is_taken_back():
    x, model = line(), KAN([1, 1])
    bounded = Problem([Term("t", x, lambda u: torch.sqrt(200 - u.value.square()) - u.value)])  # u = 10
    course = solve(model, bounded, optimizer="adam", lr=100.0, steps=5)
    assert course.stopped == "the loss became nan; the network is as it was before"
    assert len(course) < 5
    assert model(x).isfinite().all()
    assert bounded.loss(model).isfinite()


def test_the_random_numbers_of_others_are_left_alone():
    model, before = KAN([1, 1]), torch.get_rng_state()
    solve(model, decay(), steps=2)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "lmm"}, "unknown optimizer 'lmm'; did you mean 'lm'"),
        ({"steps": 0}, "steps is a whole number of at least 1, got 0"),
        ({"lr": 0.1}, "'lm' finds the length of its steps itself"),
        ({"grid_updates": -1}, "grid_updates must be 0 or more"),
        ({"test": (line(), line() * float("nan"))}, "test needs finite points and values, got a NaN"),
        ({"test": (line(), line(3))}, r"values of shape \(60, 1\) at its points, got \(3, 1\)"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(EdgewiseError, match=message):
        solve(KAN([1, 1]), decay(), **options)


def test_a_model_without_numbers_is_refused():
    with pytest.raises(EdgewiseError, match="this model has none that want a gradient"):
        solve(KAN([1, 1]).requires_grad_(False), decay())


def test_an_equation_without_a_value_is_refused_before_anything_changes():
    model = KAN([1, 1])
    before = model(line()).detach()
    bad = Problem([Term("log", line(), lambda u: torch.log(-(u.value**2) - 1))])
    with pytest.raises(EdgewiseError, match="mean square of 'log' is nan before the first step"):
        solve(model, bad)
    assert torch.equal(model(line()), before)
