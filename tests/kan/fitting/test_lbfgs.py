import itertools

import pytest
import torch
from torch import nn

from edgewise.kan import KAN
from edgewise.kan.fitting import LBFGS, Adam


class Bowl(nn.Module):
    """A point in a bowl of very uneven slopes."""

    def __init__(self, size: int = 6, scale: float = 1.0):
        super().__init__()
        self.place = nn.Parameter(torch.ones(size, dtype=torch.float64))
        self.fixed = nn.Parameter(torch.ones(1), requires_grad=False)
        self.weights, self.scale = 10.0 ** torch.arange(size, dtype=torch.float64), scale

    def value(self):
        return self.scale * (self.weights * self.place.square()).sum()


def values(stepper, objective, count: int) -> list[float]:
    found = [objective().item()]
    for _ in range(count):
        stepper.step()
        found.append(objective().item())
    return found


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
def test_reaches_the_bottom_whatever_the_units(scale):
    """PyTorch's L-BFGS alone forgets curvature below 1e-10."""
    bowl = Bowl(scale=scale)
    found = values(LBFGS(bowl, bowl.value), bowl.value, 12)
    assert found[-1] < 1e-18 * found[0]
    assert all(after <= before for before, after in itertools.pairwise(found))


def test_follows_a_curved_valley():
    point = nn.Module()
    point.place = nn.Parameter(torch.tensor([-1.2, 1.0], dtype=torch.float64))

    def rosenbrock():
        x, y = point.place.unbind()
        return 100 * (y - x**2) ** 2 + (1 - x) ** 2

    assert values(LBFGS(point, rosenbrock), rosenbrock, 6)[-1] < 1e-16


def test_a_step_to_where_nothing_is_defined_is_taken_back():
    """A logarithm of a x + b whose b is to shrink: the line search meets NaN."""
    model = KAN([1, 1]).double()
    model.fix_symbolic(0, 0, 0, "log", (1.0, 0.02, 1.0, 0.0))
    x = torch.linspace(0, 1, 50, dtype=torch.float64).unsqueeze(1)
    y = torch.log(x + 1e-3)

    def loss():
        return (model(x) - y).square().mean()

    found = values(LBFGS(model, loss), loss, 10)
    assert all(torch.tensor(found).isfinite())
    assert all(after <= before for before, after in itertools.pairwise(found))
    assert found[-1] < 0.1 * found[0]
    assert all(p.isfinite().all() for p in model.parameters())


def test_where_no_step_leads_anywhere_it_says_so_and_stays():
    bowl = Bowl()

    def cliff():
        return torch.where(bowl.place.sum() == 6, 1.0, torch.nan) + 0 * bowl.place.sum() + bowl.value() * 1e-3

    stepper = LBFGS(bowl, cliff)
    stepper.step()
    assert stepper.stuck
    assert bowl.place.tolist() == [1] * 6
    stepper.step()
    assert bowl.place.tolist() == [1] * 6


def test_at_the_bottom_it_is_stuck():
    bowl = Bowl()
    with torch.no_grad():
        bowl.place.zero_()
    stepper = LBFGS(bowl, bowl.value)
    stepper.step()
    assert stepper.stuck
    assert not bowl.place.any()


@pytest.mark.parametrize("kind", [LBFGS, Adam])
def test_frozen_parameters_stay(kind):
    bowl = Bowl()
    values(kind(bowl, bowl.value), bowl.value, 2)
    assert bowl.fixed.item() == 1
    assert bowl.fixed.grad is None


def test_adam_is_that_of_torch():
    ours, theirs = Bowl(), Bowl()
    stepper, optimizer = Adam(ours, ours.value, 0.02), torch.optim.Adam([theirs.place], 0.02)
    for _ in range(5):
        stepper.step()
        optimizer.zero_grad()
        theirs.value().backward()
        optimizer.step()
    assert torch.equal(ours.place, theirs.place)
    stepper.reset()
    stepper.step()
    assert not stepper.stuck


@pytest.mark.parametrize("kind", [LBFGS, Adam])
def test_where_gradients_are_switched_off_too(kind):
    bowl = Bowl()
    with torch.no_grad():
        found = values(kind(bowl, bowl.value), bowl.value, 2)
    assert found[-1] < found[0]
