"""Solutions in windows of time, against closed forms and scipy's integrators."""

import math
import sys

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from edgewise import ConfigError, EdgewiseWarning
from edgewise.kan import KAN
from edgewise.physics import Box, Marched, Problem, Separable, Term, around, march
from edgewise.physics.run import Course
from edgewise.testing import assert_within


def decaying(rate=1.0):
    """u' = -rate u."""

    def window(low, high, start):
        t = torch.linspace(low, high, 20).double().unsqueeze(1)
        law = Term("law", t, lambda u: u.d(0) + rate * u.value)
        return Problem([law, Term("start", t[:1], lambda u: u.value, start(t[:1])[:, 0])])

    return window


def test_hunters_and_prey_as_scipy_integrates_them():
    def window(low, high, start):
        t = torch.linspace(low, high, 40).double().unsqueeze(1)

        def law(u):
            a, b = u.outputs.unbind(1)
            return torch.stack([u[0].d(0) - a * (1.5 - b), u[1].d(0) - b * (a - 3)], 1)

        return Problem([Term("law", t, law), Term("start", t[:1], lambda u: u.outputs, start(t[:1]), weight=1e3)])

    torch.manual_seed(0)
    first = torch.tensor([[2.0, 1.0]]).double()
    u = march(KAN([1, 2], grid=8, k=5).double(), range(3), window, lambda t: first.expand(len(t), -1), steps=10)
    t = np.linspace(0, 2, 41)
    expected = solve_ivp(
        lambda _, y: [y[0] * (1.5 - y[1]), y[1] * (y[0] - 3)], (0, 2), [2, 1], t_eval=t, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(u(torch.tensor(t).unsqueeze(1)).detach().numpy(), expected.y.T, rtol=0, atol=1e-3)
    assert len(u.windows) == len(u.courses) == 2


def test_heat_that_goes_round():
    """u_t = u_xx / 10 from e^(cos x)'s first modes, on a ring: each mode fades by itself."""
    torch.manual_seed(0)

    def exact(x):
        return sum(torch.exp(-0.1 * m * m * x[:, 1]) * torch.cos(m * x[:, 0] - m) for m in (1, 2))

    def window(low, high, start):
        box = Box([-math.pi, low], [math.pi, high])
        begin = box.face(1, "low", 60)
        terms = [
            Term("law", box.inside(300), lambda u: u.d(1) - 0.1 * u.d(0, 0), draw=box.inside),
            Term("start", begin, lambda u: u.value, start(begin)[:, 0], weight=100),
            Term("round", box.face(0, "low", 20), lambda u: around(u, 0, 2 * math.pi)),
        ]
        return Problem(terms)

    u = march(Separable(2, rank=3, grid=(10, 1)).double(), [0, 0.5, 1], window, exact, steps=8)
    new = Box([-math.pi, 0], [math.pi, 1]).inside(200, seed=3)
    assert (u(new)[:, 0] - exact(new)).abs().max() < 3e-3


def test_rows_go_to_the_network_of_their_time():
    windows = [Level(1.0), Level(2.0), Level(3.0)]
    u = Marched(windows, [0, 1, 2, 4], column=0)
    x = torch.tensor([[3.9, 0], [0.5, 0], [1.5, 0], [-7, 0], [9, 0], [1.0001, 0]])
    with pytest.warns(EdgewiseWarning, match="2 of 6 rows are at times outside 0 to 4, which was solved: no law held"):
        assert u(x).flatten().tolist() == [3, 1, 2, 1, 3, 2]
    assert u(x[:0]).shape == (0, 1)
    assert u.state_dict()["ends"].tolist() == [0, 1, 2, 4]


class Level(torch.nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor(value))

    def forward(self, x):
        return self.value + 0 * x[:, :1]


def test_the_model_that_is_given_stays_as_it_is():
    model = KAN([1, 1], k=5).double()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    march(model, [0, 1], decaying(), lambda t: torch.ones(len(t), 1), steps=2)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_an_interrupt_leaves_the_windows_so_far():
    def stop(model, step, course):
        calls.append(step)
        if len(calls) == 5:
            raise KeyboardInterrupt

    calls = []
    options = {"steps": 3, "callback": stop, "grid_updates": 1}
    u = march(KAN([1, 1], k=5).double(), range(6), decaying(), lambda t: torch.ones(len(t)), **options)
    assert u.ends.tolist() == [0, 1, 2]
    assert [course.stopped for course in u.courses][1:] == ["interrupted"]


def test_an_interrupt_before_the_first_step_leaves_the_first_guess(monkeypatch):
    def interrupted(model, problem, **options):
        return Course(stopped="interrupted")

    monkeypatch.setattr(sys.modules["edgewise.physics.march"], "solve", interrupted)
    u = march(KAN([1, 1], k=5).double(), [0, 1, 2], decaying(), lambda t: torch.ones(len(t), 1))
    assert u.ends.tolist() == [0, 1]
    assert [course.stopped for course in u.courses] == ["interrupted"]


def test_a_window_that_cannot_be_solved_leaves_those_before():
    """u' = -1 from 1.5, for an equation that wants a root of u."""

    def window(low, high, start):
        t = torch.linspace(low, high, 20).double().unsqueeze(1)
        law = Term("law", t, lambda u: u.d(0) + 1 + 0 * (u.value if low < 2 else (u.value - 9).sqrt()))
        return Problem([law, Term("start", t[:1], lambda u: u.value, start(t[:1])[:, 0])])

    with pytest.warns(EdgewiseWarning, match="the solution ends at 2, since the window from there on cannot be solved"):
        u = march(KAN([1, 1], k=5).double(), range(4), window, lambda t: 1.5 + 0 * t, steps=4)
    assert len(u.windows) == 2
    t = torch.tensor([[0.5], [1.5]]).double()
    assert_within(u(t).detach(), 1.5 - t, 1e-6)


@pytest.mark.parametrize("times", [[0], [], [0, 1, 1], [0, math.inf], [0, math.nan]])
def test_times_must_rise(times):
    with pytest.raises(ConfigError, match="windows need at least two finite times that rise"):
        march(KAN([1, 1]), times, decaying(), lambda t: t)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"column": 5}, "time is to be column 5, and the points have columns 0 to 0"),
        ({"start": lambda t: torch.ones(len(t), 3)}, r"finite values of shape \(21, 1\) at 21 rows, got shape \(21, 3\)"),
        ({"start": lambda t: t * math.nan}, "start must give finite values"),
        ({"problem": lambda *_: None}, "problem must give the Problem of a window, got a NoneType"),
    ],
)
def test_what_a_window_is_made_of(change, message):
    def without_start(low, high, _):
        return decaying()(low, high, lambda t: torch.ones(len(t), 1))

    given = {"problem": without_start, "start": lambda t: torch.ones(len(t), 1), "column": -1} | change
    with pytest.raises(ConfigError, match=message):
        march(KAN([1, 1], k=5).double(), [0, 1], steps=1, **given)


def test_a_window_that_is_left_unsolved_is_told():
    """u' = -u^3 over three short windows and one that is much too long for one step."""

    def window(low, high, start):
        t = torch.linspace(low, high, 40).double().unsqueeze(1)
        law = Term("law", t, lambda u: u.d(0) + u.value**3, weight=1.0)
        return Problem([law, Term("start", t[:1], lambda u: u.value, start(t[:1])[:, 0], weight=1e3)])

    with pytest.warns(EdgewiseWarning, match="the window from 0.03 to 40 was not done with its steps, at a loss of"):
        march(KAN([1, 1], k=5).double(), [0, 0.01, 0.02, 0.03, 40], window, lambda t: 3 + 0 * t, steps=1)
