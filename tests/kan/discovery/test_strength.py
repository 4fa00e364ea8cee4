import pytest
import torch

from edgewise.kan import KAN
from edgewise.kan.discovery.strength import ENOUGH, GAIN, STRENGTHS, chosen_strength
from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.fit import fit


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def table(rows, noise, targets=lambda x: x**2):
    x = torch.rand(rows, 2).double() * 2 - 1
    return Table(x, targets(x[:, :1]) + noise * torch.randn(rows, 1).double())


def fit_network(model, rows, strength):
    fit(model, (rows.x, rows.y), optimizer="lm", penalty=strength, steps=20, progress=False)


def test_noise_alone_wants_the_strongest_and_exact_rows_the_weakest():
    model = KAN([2, 1]).double()
    assert chosen_strength(model, table(100, 1.0, torch.zeros_like), fit_network) == STRENGTHS[0]
    assert chosen_strength(model, table(400, 0.0), fit_network) == STRENGTHS[-1]  # a parabola is a spline


def test_few_rows_take_the_strongest_without_asking():
    asked = []
    strength = chosen_strength(KAN([2, 1]).double(), table(ENOUGH - 1, 0.0), lambda m, t, s: asked.append((len(t), s)))
    assert strength == STRENGTHS[0]
    assert asked == [(ENOUGH - 1, STRENGTHS[0])]


def test_what_a_weaker_penalty_must_gain_and_how_many_rows_decide():
    """A seventh less error is not worth it, a quarter less is."""
    errors, used = iter([1.0, 0.85, 0.75, 0.65]), []
    model, rows = KAN([2, 1]).double(), table(100, 0.0)
    strength = chosen_strength(model, rows, lambda m, t, s: used.append(len(t)), loss=lambda *_: next(errors))
    assert strength == STRENGTHS[2]
    assert used == [80] * 4


def test_sixty_rows_without_noise_are_enough_to_want_no_penalty():
    assert chosen_strength(KAN([2, 1]).double(), table(60, 0.0), fit_network) == 0.0


def test_few_rows_of_a_clear_function_keep_it():
    """The strongest penalty is taken without asking, so it must not be one that hides what forty rows show."""
    model, rows = KAN([2, 1]).double(), table(40, 0.05)
    chosen_strength(model, rows, fit_network)
    left = (model(rows.x) - rows.y).square().mean() / (rows.y - rows.y.mean()).square().mean()
    assert left < 0.1


def test_the_network_is_left_as_it_was_under_the_chosen_penalty():
    model, rows = KAN([2, 1]).double(), table(100, 0.0)
    errors = iter([1.0, GAIN / 2, 0.9 * GAIN / 2, GAIN / 2])  # of the four fits: the second is worth it, no other after it

    def constant(network, _, strength):
        with torch.no_grad():
            network[0].coef.fill_(strength)

    strength = chosen_strength(model, rows, constant, loss=lambda *_: next(errors))
    assert strength == STRENGTHS[1]
    assert bool((model[0].coef == STRENGTHS[1]).all())
