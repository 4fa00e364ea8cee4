"""The fits of networks under sizes and bends: the objective by its definition, its expansion by autograd."""

import pytest
import torch
from torch.func import functional_call

from edgewise.estimators.smooth import SmoothFit, Strength
from edgewise.kan import KAN
from edgewise.kan.fitting import CrossEntropy, Poisson, Table
from edgewise.kan.fitting.losses import Squares

RANDOM = torch.Generator().manual_seed(0)
X = torch.rand(60, 3, generator=RANDOM, dtype=torch.double) * 2 - 1
WEIGHT = torch.randint(0, 3, (60,), generator=RANDOM).double()
NUMBERS = torch.randint(3, (60,), generator=RANDOM)
CASES = [
    (Squares(), torch.stack([X.prod(1), X[:, 0]], 1)),
    (CrossEntropy(), torch.eye(3, dtype=torch.double)[NUMBERS]),
    (CrossEntropy(), (NUMBERS > 0).double().unsqueeze(1)),
    (Poisson(), (3 * X[:, :1].exp()).round()),
]


def fit_of(loss, y, strength=Strength(0.3, 0.2), width=(3, [2, 1])):  # noqa: B008 (frozen)
    torch.manual_seed(0)
    model = KAN([*width, y.shape[1]], grid=3).double()
    fit = SmoothFit(model, Table(X, y, None, WEIGHT), loss, strength)
    fit.move()
    return fit


def objective(fit, parameters=None):
    """Loss and penalty by their definitions, on the measures that the fit has taken."""
    model = fit.model
    output = functional_call(model, parameters, (X,)) if parameters else model(X)
    total = WEIGHT @ fit.loss.rows(output, fit.table.y) / WEIGHT.sum()
    for place, (layer, (size, bend)) in enumerate(zip(model, fit.blocks, strict=True)):
        named = parameters or dict(model.named_parameters())
        coef, base = named[f"{place}.coef"], named[f"{place}.base_weight"]
        for i in range(layer.in_features):
            for s in range(layer.out_features):
                w = torch.cat([base[s, i].reshape(1), coef[i, :, s]])
                total = total + fit.strength.size * (w @ size[i] @ w).sqrt() + fit.strength.bend * (w @ bend[i] @ w)
    return total


@pytest.mark.parametrize(("loss", "y"), CASES)
def test_the_objective_and_its_slope(loss, y):
    fit = fit_of(loss, y)
    assert fit.value() == pytest.approx(float(objective(fit).detach()), rel=1e-9)
    around = fit.expansion()
    slopes = torch.autograd.grad(objective(fit), around.parameters)
    torch.testing.assert_close(2 * around.gradient, torch.cat([s.flatten() for s in slopes]), rtol=1e-7, atol=1e-9)


def test_rows_of_weight_zero_say_nothing_of_their_targets():
    y = X.prod(1, keepdim=True)
    other = torch.where(WEIGHT.unsqueeze(1) > 0, y, 1e6)
    found = []
    for targets in (y, other):
        fit = fit_of(Squares(), targets)
        fit.run(8, 2)
        found.append(fit.model(X))
    assert torch.equal(*found)


@pytest.mark.parametrize(("loss", "y"), CASES)
def test_steps_lead_down_and_reach_a_stationary_point(loss, y):
    fit = fit_of(loss, y, Strength(0.0, 0.5), (3, 2))
    slope = float(fit.expansion().gradient.abs().max())
    for _ in range(200):
        fit.measure()
        before = fit.value()
        fit.step()
        assert fit.value() <= before
    assert float(fit.expansion().gradient.abs().max()) < 0.05 * slope


def test_strong_penalties_leave_nothing():
    fit = fit_of(Squares(), CASES[0][1], Strength(10.0, 10.0), (3, 2))
    fit.run(60, 3)
    assert fit.is_constant()
