"""Losses that curve: their derivatives by autograd, and fits beside scikit-learn's generalised linear models."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import HuberRegressor, LogisticRegression, PoissonRegressor
from torch.func import grad, jacrev, vmap

from edgewise._ground.errors import ConfigError
from edgewise.kan import KAN
from edgewise.kan.fitting import CrossEntropy, Huber, Poisson
from edgewise.kan.fitting.losses import Squares

RANDOM = torch.Generator().manual_seed(0)
OUTPUT = torch.randn(50, 3, generator=RANDOM, dtype=torch.double)
ANY = 3 * torch.randn(50, 3, generator=RANDOM, dtype=torch.double)
CLASSES = torch.eye(3, dtype=torch.double)[torch.randint(3, (50,), generator=RANDOM)]
SMOOTH = [
    (Squares(), OUTPUT, ANY),
    (Poisson(), OUTPUT, ANY.abs().round()),
    (CrossEntropy(), OUTPUT, CLASSES),
    (CrossEntropy(), OUTPUT[:, :1], CLASSES[:, :1]),
    (CrossEntropy(0.5), OUTPUT[:, :1], torch.rand(50, 1, generator=RANDOM, dtype=torch.double)),
]


def by_autograd(loss, output, y, kind):
    return vmap(kind(lambda o, t: loss.rows(o.unsqueeze(0), t.unsqueeze(0)).sum()))(output, y)


@pytest.mark.parametrize(("loss", "output", "y"), SMOOTH)
def test_derivatives(loss, output, y):
    gradient, curvature = loss.curve(output, y)
    torch.testing.assert_close(gradient, by_autograd(loss, output, y, grad))
    torch.testing.assert_close(curvature, by_autograd(loss, output, y, lambda f: jacrev(grad(f))), atol=1e-5, rtol=1e-6)
    assert torch.linalg.eigvalsh(curvature).min() > 0


def test_hubers_parabola_lies_above_and_touches():
    loss = Huber(1.0)
    gradient, curvature = loss.curve(OUTPUT, ANY)
    torch.testing.assert_close(gradient, by_autograd(loss, OUTPUT, ANY, grad))
    for step in (-2.0, -0.1, 0.3, 5.0):
        delta = torch.full_like(OUTPUT, step)
        above = (
            loss.rows(OUTPUT, ANY)
            + (gradient * delta).sum(1)
            + (delta * (curvature @ delta.unsqueeze(2))[..., 0]).sum(1) / 2
        )
        assert (loss.rows(OUTPUT + delta, ANY) <= above + 1e-12).all()


@pytest.mark.parametrize(("loss", "output", "y"), [*SMOOTH, (Huber(0.7), OUTPUT, ANY)])
def test_weights_are_repeated_rows(loss, output, y):
    times = torch.randint(0, 4, (50,), generator=RANDOM)
    repeated = loss(output.repeat_interleave(times, 0), y.repeat_interleave(times, 0))
    torch.testing.assert_close(loss(output, y, times.double()), repeated)


def test_a_mean_that_overflows_is_continued_by_its_tangent():
    far = torch.tensor([[800.0], [30.0]], dtype=torch.double)
    assert Poisson()(far, torch.ones_like(far)).isfinite()
    assert Poisson.mean(far)[0] > Poisson.mean(far)[1]
    with pytest.raises(ConfigError, match="must be positive, got 0"):
        Huber(0)


def glm(kind, features, y, weight):
    if kind == "poisson":
        return PoissonRegressor(alpha=0, tol=1e-10, max_iter=10_000, fit_intercept=False).fit(features, y, weight)
    if kind == "huber":
        return HuberRegressor(alpha=0, tol=1e-9, max_iter=10_000, fit_intercept=False).fit(features, y, weight)
    return LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000, fit_intercept=False).fit(features, y, weight)


@pytest.mark.parametrize("kind", ["poisson", "classes", "huber"])
def test_an_additive_network_is_the_linear_model_of_its_functions(kind):
    random = np.random.default_rng(0)
    x, weight = random.uniform(-1, 1, (400, 1)), random.integers(1, 4, 400).astype(float)
    curve = np.sin(3 * x[:, 0])
    y = {"poisson": random.poisson(np.exp(curve)), "classes": random.uniform(size=400) < 1 / (1 + np.exp(-2 * curve))}
    y["huber"] = curve + 0.1 * random.standard_t(1.5, 400)
    y = y[kind].astype(float)
    model = KAN([1, 1], grid=4, base=None).double()
    features = model[0].edge_features(torch.tensor(x))[:, 0].numpy()
    fitted = glm(kind, features, y, weight)
    distance = fitted.epsilon * fitted.scale_ if kind == "huber" else 1.0
    loss = {"poisson": Poisson(), "classes": CrossEntropy(0.0), "huber": Huber(distance)}[kind]
    model.fit((x, y), optimizer="lm", steps=40, grid_updates=0, weights=weight, loss=loss)
    wanted = features @ np.ravel(fitted.coef_)
    np.testing.assert_allclose(model(torch.tensor(x))[:, 0].detach(), wanted, atol=2e-4 if kind == "classes" else 5e-4)
