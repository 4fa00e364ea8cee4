"""What learnable sines are known to do, beside the contract of bases."""

import math

import pytest
import torch

from edgewise import EdgewiseError
from edgewise.bases import Sine
from edgewise.nn import KANLinear
from edgewise.testing import assert_within


@pytest.mark.parametrize("domain", [(-math.pi, math.pi), (1, 3)])
def test_the_start(domain):
    """Whole frequencies, orthogonal over the domain, with phases over half a turn."""
    basis = Sine(6, domain)
    state = {name: tensor.detach() for name, tensor in basis.init_state(1, dtype=torch.float64).items()}
    assert state["frequency"].tolist() == [[1, 2, 3, 4, 5, 6]]
    assert_within(state["phase"], math.pi / 6 * torch.arange(6, dtype=torch.float64).unsqueeze(0), 1e-12)
    lo, hi = domain
    x = lo + (hi - lo) * torch.arange(64, dtype=torch.float64).unsqueeze(-1) / 64  # the trapezoidal rule is exact
    values = basis.evaluate(x, state).squeeze(1)
    assert_within(values.t() @ values / 64, torch.eye(6, dtype=torch.float64) / 2, 1e-12)


def test_frequency_and_phase_learn():
    """A layer finds the one sine that made the data."""
    x = torch.linspace(-3, 3, 100, dtype=torch.float64).unsqueeze(-1)
    layer = KANLinear(1, 1, Sine(1), base=None, dtype=torch.float64)
    with torch.no_grad():
        layer.coef.fill_(1)
    target = 1.3 * (1.2 * x + 0.4).sin()
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=200, line_search_fn="strong_wolfe", tolerance_change=1e-14)

    def closure():
        optimizer.zero_grad()
        loss = (layer(x) - target).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    found = [layer.coef.item(), layer.state.frequency.item(), layer.state.phase.item()]
    assert found == pytest.approx([1.3, 1.2, 0.4], abs=1e-5)


def test_fixed_frequencies_stay():
    layer = KANLinear(3, 2, Sine(4))
    layer.state.frequency.requires_grad_(False)
    layer(torch.randn(5, 3)).square().sum().backward()
    assert layer.state.frequency.grad is None
    assert layer.state.phase.grad.count_nonzero() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_waves": 0}, "num_waves must be at least 1, got 0"),
        ({"outside": "grow"}, "outside must be one of repeat, clamp, linear for Sine, got 'grow'"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(EdgewiseError, match=message):
        Sine(**options)
