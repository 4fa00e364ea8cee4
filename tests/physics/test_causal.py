"""Weights in time, against the formula in numpy and solutions that only they find."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from edgewise import ConfigError, EdgewiseWarning
from edgewise.kan import KAN
from edgewise.physics import Causal, Problem, Term, march, solve
from edgewise.testing import assert_within


def test_weights_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    times, squares = np.sort(rng.uniform(2, 4, 300)), rng.exponential(0.01, 300)
    times[0], times[-1] = 2, 4
    causal = Causal(slices=10, epsilon=30.0)
    slices = [squares[(times >= 2 + 0.2 * i) & (times < (2 + 0.2 * (i + 1) if i < 9 else 5))].mean() for i in range(10)]
    expected = np.array([np.exp(-30 * sum(slices[:i])) for i in range(10)])
    order = torch.randperm(300)
    found = causal.weights(torch.tensor(times)[order], torch.tensor(squares)[order])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    held = int((expected >= 0.5).sum())
    assert 0 < held < 10
    assert causal.reached(torch.tensor(times), torch.tensor(squares)) == pytest.approx(2 + 0.2 * held)


def test_weights_have_a_bound_and_slices_may_be_empty():
    times = torch.tensor([0.0, 0.1, 0.9, 1.0]).double()
    found = Causal(slices=5, epsilon=1.0, least=1e-3).weights(times, torch.tensor([2.0, 4.0, 1.0, 1e300]))
    np.testing.assert_allclose(found.numpy(), [1.0] + [np.exp(-3)] * 4, rtol=1e-12)
    assert Causal(slices=4, least=1e-3).weights(times, torch.full((4,), torch.inf))[1:].tolist() == [1e-3] * 3
    assert Causal(slices=4).reached(times, torch.zeros(4)) == 1


def hunters(end, causal, points=161, **options):
    """Hunters and prey at all times at once."""
    t = torch.linspace(0, end, points).double().unsqueeze(1)

    def law(u):
        a, b = u.outputs.unbind(1)
        return torch.stack([u[0].d(0) - a * (1.5 - b), u[1].d(0) - b * (a - 3)], 1)

    first = torch.tensor([[2.0, 1.0]])
    start = Term("start", t[:1], lambda u: u.outputs, first, weight=1000.0)
    problem = Problem([Term("law", t, law, weight=1.0, causal=causal), start])
    torch.manual_seed(0)
    model = KAN([1, 2], base=None, grid=points // 4, k=5).double()
    course = solve(model, problem, **options)
    expected = solve_ivp(
        lambda _, y: [y[0] * (1.5 - y[1]), y[1] * (y[0] - 3)],
        (0, end),
        [2, 1],
        t_eval=t[:, 0].numpy(),
        rtol=1e-10,
        atol=1e-12,
    )
    return course, (model(t).detach() - torch.tensor(expected.y.T)).abs().max().item()


def test_hunters_and_prey_at_all_times_at_once():
    """With one weight for all times every start ends in a wrong solution; with weights in time as scipy has it."""
    _, wrong = hunters(5.0, None, steps=15)
    course, right = hunters(5.0, Causal(), steps=40)
    assert wrong > 1
    assert right < 1e-5
    assert course.reached["law"][0] < 1
    assert course.reached["law"][-1] == 5
    assert course.terms["law"][-1] < 1e-7
    assert course.loss[-1] == pytest.approx(course.terms["law"][-1] + 1000 * course.terms["start"][-1])


def test_an_unstable_equilibrium_is_left_in_time():
    """u' = 5 (u - u^3) from 0.01: -1, or 0 for too long, hold the law nearly everywhere."""
    t = torch.linspace(0, 3, 91).double().unsqueeze(1)
    start = Term("start", t[:1], lambda u: u.value, 0.01, weight=1000.0)
    exact = (1 + (1e4 - 1) * torch.exp(-10 * t)).rsqrt()
    errors = []
    for causal in (None, Causal(slices=16)):
        torch.manual_seed(1)
        model = KAN([1, 1], base=None, grid=30, k=5).double()
        law = Term("law", t, lambda u: u.d(0) - 5 * (u.value - u.value**3), weight=1.0, causal=causal)
        solve(model, Problem([law, start]), steps=40)
        errors.append((model(t) - exact).abs().max().item())
    assert errors[0] > 0.5
    assert errors[1] < 0.03


@pytest.mark.parametrize(("optimizer", "lr", "steps"), [("lbfgs", 0.5, 6), ("adam", 0.05, 100)])
def test_every_optimizer_takes_weights_in_time(optimizer, lr, steps):
    x = torch.linspace(0, 1, 40).unsqueeze(1)
    decay = Term("decay", x, lambda u: u.d(0) + u.value, causal=Causal(slices=4, epsilon=5.0))
    problem = Problem([decay, Term("start", x[:1], lambda u: u.value, 1.0)])
    model = KAN([1, 1])
    course = solve(model, problem, optimizer=optimizer, lr=lr, steps=steps)
    assert (model(x) - torch.exp(-x)).abs().max() < 2e-2
    assert course.reached["decay"][-1] == 1


def test_a_time_that_is_not_reached_is_told():
    with pytest.warns(EdgewiseWarning, match=r"the weights in time of 'law' have reached [0-4]\.?\d* of 5: later the"):
        course, _ = hunters(5.0, Causal(), steps=2)
    assert course.reached["law"][-1] < 5


def test_windows_take_them_too():
    def window(low, high, start):
        t = torch.linspace(low, high, 20).double().unsqueeze(1)
        law = Term("law", t, lambda u: u.d(0) + u.value, causal=Causal(slices=4))
        return Problem([law, Term("start", t[:1], lambda u: u.value, start(t[:1])[:, 0])])

    u = march(KAN([1, 1], k=5).double(), [0, 1, 2], window, lambda x: 1 + 0 * x, steps=6)
    t = torch.tensor([[0.5], [1.5]]).double()
    assert_within(u(t).detach(), torch.exp(-t), 1e-6)
    assert [course.reached["law"][-1] for course in u.courses] == [1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slices": 1}, "slices is a whole number of at least 2, got 1"),
        ({"epsilon": 0.0}, "epsilon must be positive and finite, got 0"),
        ({"epsilon": float("nan")}, "epsilon must be positive and finite, got nan"),
        ({"least": 0.0}, "least is a weight between 0 and 1, got 0"),
        ({"column": "t"}, "column is the number of a column, such as -1 for the last, got 't'"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Causal(**options)


def test_points_must_have_times():
    x = torch.rand(5, 2)
    with pytest.raises(ConfigError, match="time is to be column 2, and the points have columns 0 to 1"):
        Term("law", x, lambda u: u.value, causal=Causal(2))
    with pytest.raises(ConfigError, match="need points at several times, and all are at 0"):
        Term("law", 0 * x, lambda u: u.value, causal=Causal(1))
