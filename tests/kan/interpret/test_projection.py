import math

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from edgewise.kan import FUNCTIONS, Function
from edgewise.kan.functions import select
from edgewise.kan.interpret.projection import Curves, project

T = torch.linspace(-1, 1, 201, dtype=torch.float64)
EVEN = torch.full((1, 201), 1 / 201, dtype=torch.float64)
DOMAINS = {  # of a t + b: where a function is real, not too steep and not too flat to be told from another
    **dict.fromkeys(("sqrt", "log", "1/sqrt(x)"), (0.1, 4.0)),
    "x^1.5": (0.05, 3.0),
    "1/x": (0.2, 4.0),
    "1/x^2": (0.3, 3.0),
    "1/x^3": (0.4, 3.0),
    "1/x^4": (0.5, 3.0),
    "1/x^5": (0.6, 3.0),
    "tan": (-1.3, 1.3),
    **dict.fromkeys(("arcsin", "arccos", "arctanh"), (-0.95, 0.95)),
    "abs": (-2.0, 2.0),
}
LIBRARY = [f for f in select(None) if f.name not in ("0", "sgn")]


def affine_of(f: Function, count: int) -> torch.Tensor:
    """Random a, b, c, d, ``(count, 4)``, that map the points into the domain of f, or a good part of it."""
    low, high = DOMAINS.get(f.name, (-3.0, 3.0))
    width = (high - low) * (0.5 + 0.5 * torch.rand(count, dtype=torch.float64))
    first = low + (high - low - width) * torch.rand(count, dtype=torch.float64)
    if f.name == "abs":  # the kink inside
        first, width = torch.full_like(first, low) * 0.7, torch.full_like(width, high - low) * 0.6
    sign = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    c, d = 3 * torch.randn(2, count, dtype=torch.float64)
    return torch.stack([sign * width / 2, first + width / 2, c, d], 1)


def evaluate(f: Function, affine: torch.Tensor) -> torch.Tensor:
    a, b, c, d = affine.unsqueeze(-1).unbind(-2)
    return c * f(a * T + b) + d


@pytest.mark.parametrize("f", LIBRARY, ids=[f.name for f in LIBRARY])
def test_recovers_each_function_from_its_own_curves(f):
    curves = evaluate(f, affine_of(f, 12))
    fits = project(Curves(T, curves, EVEN.expand(12, -1)), [f])
    assert fits.error.shape == (12, 1)
    assert fits.error.max() < 1e-8
    spread = curves.std(1, keepdim=True)
    assert ((evaluate(f, fits.affine[:, 0]) - curves) / spread).abs().max() < 1e-3


def largest_error(name, curves):
    return project(Curves(T, curves, EVEN.expand(len(curves), -1)), [FUNCTIONS[name]]).error.max().item()


def test_waves_of_all_lengths_are_found_up_to_nine_on_the_range():
    slopes = torch.arange(0.6, 30, 0.37, dtype=torch.float64).unsqueeze(1)
    assert largest_error("sin", torch.sin(slopes * T + 0.7)) < 1e-12


@pytest.mark.parametrize(("name", "slope"), [("gaussian", 4.0), ("gaussian", 10.0), ("tanh", 10.0), ("arctan", 4.0)])
def test_peaks_and_steps_are_found_wherever_they_are(name, slope):
    places = torch.linspace(-0.8, 0.8, 9, dtype=torch.float64).unsqueeze(1)
    assert largest_error(name, FUNCTIONS[name](slope * (T - places))) < 1e-12


def test_peaks_between_the_slopes_of_the_search_are_polished_to_the_last_digits():
    slopes = torch.linspace(3.6, 4.6, 11, dtype=torch.float64).unsqueeze(1)
    assert largest_error("gaussian", FUNCTIONS["gaussian"](slopes * (T - 0.4))) < 1e-24


def test_a_step_is_found_between_two_points_of_the_search():
    """It has no slope along which its place could be improved; the points of the search are four points apart."""
    places = 1.6 * torch.rand(12, 1, dtype=torch.float64) - 0.8
    curves = 2 * torch.sign(T - places) + 0.5
    fits = project(Curves(T, curves, EVEN.expand(12, -1)), [FUNCTIONS["sgn"]])
    a, b, _, _ = fits.affine[:, 0].unbind(-1)
    assert ((-b / a).unsqueeze(1) - places).abs().max() <= 0.04 + 1e-9
    assert fits.error.max() < 0.12


def test_all_functions_at_once_are_the_same_as_one_by_one():
    curves = Curves(T, torch.stack([torch.sin(2 * T), T.exp(), T**2 + T**3]), EVEN.expand(3, -1))
    chosen = [FUNCTIONS[name] for name in ("sin", "x^2", "log", "gaussian")]
    together = project(curves, chosen)
    for column, f in enumerate(chosen):
        alone = project(curves, [f])
        assert torch.equal(together.error[:, column], alone.error[:, 0])
        assert torch.equal(together.affine[:, column], alone.affine[:, 0])


WAVES, UNEVEN = torch.sin(2.5 * T) + 0.3 * T**2, torch.exp(-4 * (T - 0.3) ** 2)
BENT = {  # curves that no function gives exactly; from the best start of all slopes alone, tanh ends in a worse place
    **{name: (name, WAVES, UNEVEN) for name in ("exp", "tanh", "x^3", "gaussian")},
    "tanh on a logarithm": ("tanh", torch.log(0.9 * T + 1) + 0.3 * torch.sin(3 * T), EVEN[0]),
    "tanh on an exponential": ("tanh", torch.exp(2 * T) + 0.3 * torch.sin(3 * T), EVEN[0]),
}


@pytest.mark.parametrize(("name", "y", "w"), BENT.values(), ids=BENT)
def test_is_at_least_as_good_as_scipy_from_many_starts(name, y, w):
    f = FUNCTIONS[name]
    w = w / w.sum()
    root = w.sqrt().numpy()

    def residual(p):
        return root * (p[2] * f(torch.from_numpy(p[0] * T.numpy() + p[1])).numpy() + p[3] - y.numpy())

    starts = np.random.default_rng(0).normal(size=(8, 4)) * 2
    best = min(least_squares(residual, start).cost for start in starts) * 2
    variance = (w * (y - (w * y).sum()) ** 2).sum().item()
    assert project(Curves(T, y[None], w[None]), [f]).error.item() <= best / variance * (1 + 1e-4)


def test_error_is_the_share_of_the_variance_left_over():
    f, y = FUNCTIONS["exp"], torch.sin(2.5 * T)
    w = torch.rand(201, dtype=torch.float64)
    w = w / w.sum()
    fits = project(Curves(T, y[None], w[None]), [f])
    left = y - evaluate(f, fits.affine[0])[0]
    mean = (w * y).sum()
    expected = (w * left**2).sum() / (w * (y - mean) ** 2).sum()
    assert fits.error.item() == pytest.approx(expected.item(), rel=1e-9)
    assert 0 < fits.error.item() <= 1


def test_neither_size_nor_place_of_a_curve_matter():
    y = torch.sin(2 * T) + 0.1 * T**2
    curves = torch.stack([y, 1e-6 * y, 1e6 * y, y + 100])
    error = project(Curves(T, curves, EVEN.expand(4, -1)), [FUNCTIONS["tanh"]]).error[:, 0]
    assert torch.allclose(error, error[0].expand(4), rtol=1e-3)


@pytest.mark.parametrize("value", [0.0, 0.7, -3e5, 1e-9])
def test_a_constant_is_fitted_by_a_constant(value):
    y = torch.full((1, 201), value, dtype=torch.float64) * (1 + 1e-16 * torch.arange(201) % 3)
    fits = project(Curves(T, y, EVEN), [FUNCTIONS["0"], FUNCTIONS["x"], FUNCTIONS["sin"]])
    assert (fits.error < 1e-6).all()
    for column, name in enumerate(("0", "x", "sin")):
        assert torch.allclose(evaluate(FUNCTIONS[name], fits.affine[:, column]), y, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [1e-6, 1e-9, 6e-11])
def test_what_varies_is_not_a_constant(size):
    """Rounding of a curve of size 1 is 1e-16, and that of its coefficients hardly more."""
    assert project(Curves(T, 1 + size * torch.sin(3 * T)[None], EVEN), [FUNCTIONS["0"]]).error.item() > 0.99


def test_a_function_that_is_nowhere_defined_has_an_infinite_error():
    nowhere = Function("nowhere", lambda x: x / 0 * 0, 1, "nan")
    fits = project(Curves(T, torch.sin(T)[None], EVEN), [nowhere, FUNCTIONS["sin"]])
    assert fits.error[0, 0].item() == math.inf
    assert fits.error[0, 1].item() < 1e-10
    assert fits.affine.isfinite().all()


def test_curves_that_are_not_finite_spoil_no_others():
    y = torch.stack([torch.sin(T), torch.log(T), torch.exp(T)])
    fits = project(Curves(T, y, EVEN.expand(3, -1)), [FUNCTIONS["sin"], FUNCTIONS["exp"]])
    assert fits.error[1].tolist() == [math.inf, math.inf]
    assert fits.error[0, 0] < 1e-10
    assert fits.error[2, 1] < 1e-10
