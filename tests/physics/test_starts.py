import math

import pytest
import torch
from torch import nn

from edgewise import ConfigError
from edgewise.kan import KAN
from edgewise.physics import Problem, Term, solve


def line():
    return torch.linspace(0, 1, 40).double().unsqueeze(1)


class Unknown(nn.Module):
    def __init__(self):
        super().__init__()
        self.net, self.rate = KAN([1, 1], grid=4), nn.Parameter(torch.tensor(0.5))
        self.double()

    def forward(self, x):
        return self.net(x)


def test_the_best_of_several_starts_goes_on():
    """u' = -2 u: the losses of the starts as they were left, and the model with the least of them."""
    x, model, left, rates = line(), Unknown(), [], []
    terms = [
        Term("law", x, lambda u: u.d(0) + model.rate * u.value),
        Term("data", x, lambda u: u.value, torch.exp(-2 * x[:, 0])),
    ]

    def note(model, step, course):
        if step == 0:
            rates.append(model.rate.item())
        if step == 2:
            left.append((course.loss[-1], model.net[0].coef.detach().clone()))

    course = solve(model, Problem(terms), steps=3, starts=4, callback=note)
    assert len(left) == 4
    assert len(course) == 3
    best = min(left, key=lambda one: one[0])
    assert course.loss[-1] == best[0]
    assert torch.equal(model.net[0].coef, best[1])
    assert len({loss for loss, _ in left}) == 4
    assert all(abs(rate - 0.5) < 3 for rate in rates)  # each begins from the unknown as it was given


def test_finer_stages_follow_once():
    x, model, grids = line(), KAN([1, 1], grid=3).double(), []
    problem = Problem([Term("data", x, lambda u: u.value, torch.sin(9 * x[:, 0]))])
    course = solve(model, problem, steps=2, starts=3, grids=(3, 6), callback=lambda *_: grids.append(model[0].edge.basis))
    assert [basis.grid_size for basis in grids] == [3] * 6 + [6] * 2
    assert course.grid == [3, 3, 6, 6]


def test_an_interrupt_keeps_the_best_so_far():
    x, model, calls = line(), KAN([1, 1]).double(), []
    problem = Problem([Term("data", x, lambda u: u.value, torch.exp(x[:, 0]))])

    def stop(model, step, course):
        calls.append(course.loss[-1])
        if len(calls) == 4:
            raise KeyboardInterrupt

    course = solve(model, problem, steps=3, starts=5, callback=stop)
    assert len(calls) == 4
    assert course.loss[-1] == min(calls[2:])
    assert math.isclose(problem.loss(model).item(), min(calls[2:]) / course.weights["data"], rel_tol=1e-6)


def test_no_start_is_refused():
    with pytest.raises(ConfigError, match="starts is a whole number of at least 1, got 0"):
        solve(KAN([1, 1]), Problem([Term("t", line().float(), lambda u: u.value)]), steps=1, starts=0)
