"""What squashing a basis does, beside the contract of bases."""

import json
import math

import numpy as np
import pytest
import torch

from edgewise import EdgewiseError
from edgewise.bases import BSpline, Chebyshev, Fourier, Squashed, Wavelet, create_basis
from edgewise.models import create_model
from edgewise.nn import KANLinear
from edgewise.testing import assert_within

NESTED = Squashed(Squashed(Wavelet("dog", num_wavelets=3, domain=(0, 1)), by="sigmoid"), by="arctan", domain=(-5, 5))


def test_chebyshev_of_tanh_is_the_formula_of_chebykan():
    x = torch.linspace(-4, 4, 101, dtype=torch.float64).unsqueeze(-1).requires_grad_()
    formula = (x.tanh().acos().unsqueeze(-1) * torch.arange(5)).cos()
    values = Squashed(Chebyshev(4)).evaluate(x)
    assert_within(values, formula.detach(), 1e-12)
    upstream = torch.randn_like(values)
    expected, found = (torch.autograd.grad(v, x, upstream)[0] for v in (formula, values))
    assert_within(found, expected, 1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_where_that_formula_has_no_gradient_there_is_one(dtype):
    x = torch.tensor([[20.0, -100.0, 1e4]], dtype=dtype, requires_grad=True)
    formula = (x.tanh().acos().unsqueeze(-1) * torch.arange(5)).cos().sum()
    assert torch.autograd.grad(formula, x)[0].isnan().all()
    (slope,) = torch.autograd.grad(Squashed(Chebyshev(4)).evaluate(x).sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x)
    assert slope.isfinite().all()
    assert curvature.isfinite().all()


@pytest.mark.parametrize("by", ["tanh", "sigmoid", "arctan"])
def test_each_sample_is_squashed_by_itself(by):
    layer, x = KANLinear(3, 2, Squashed(BSpline(), by=by), dtype=torch.float64), torch.randn(9, 3, dtype=torch.float64)
    outlier = torch.cat([x, torch.full((1, 3), 1e6, dtype=torch.float64)])
    assert_within(layer(outlier)[:9], layer(x), 1e-14)


@pytest.mark.parametrize(("by", "slope"), [("tanh", 1), ("sigmoid", 0.5), ("arctan", 2 / math.pi)])
def test_how_steep_each_is(by, slope):
    """Of a straight line, B_1 = T_1, at the middle; and the ends are those of the other basis."""
    x = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(Squashed(Chebyshev(1), by=by).evaluate(x)[..., 1].sum(), x)
    assert found.item() == pytest.approx(slope, rel=1e-12)
    ends = Squashed(Fourier(1, (0.1, 0.7)), by=by).evaluate(torch.tensor([[-1e30], [1e30]], dtype=torch.float64))
    assert_within(ends, Fourier(1, (0.1, 0.7)).evaluate(torch.tensor([[0.1], [0.7]], dtype=torch.float64)), 1e-12)


def test_knots_of_the_other_basis_may_move():
    basis = Squashed(BSpline(3, 2, knots="per-feature"))
    state = basis.init_state(2, dtype=torch.float64)
    state["knots"][1] = 10 + 5 * state["knots"][1]
    x = torch.randn(30, 1, dtype=torch.float64).expand(-1, 2)
    values = basis.evaluate(x, state)
    assert_within(values[:, 1], values[:, 0], 1e-12)


def test_numbers_of_the_other_basis_are_those_of_the_layer():
    layer = KANLinear(2, 3, NESTED)
    assert {"state.translation", "state.log_scale"} <= set(dict(layer.named_parameters()))
    assert {p.shape for p in layer.state.parameters()} == {(2, 3)}


def test_a_model_is_rebuilt_with_it():
    model = create_model("kan", width=[2, 3, 1], basis=NESTED)
    config = json.loads(json.dumps(model.config))
    rebuilt = create_model(config["name"], **config["options"])
    rebuilt.load_state_dict(model.state_dict())
    x = torch.randn(5, 2)
    assert rebuilt[0].edge.basis == NESTED
    assert rebuilt.config == model.config
    assert torch.equal(rebuilt(x), model(x))


def test_outside_means_where_it_has_levelled_off():
    x = torch.tensor([[0.0], [2.9], [3.1], [-4.0]])
    assert Squashed().fraction_outside(x) == 0.5
    values = Squashed(outside="clamp").evaluate(x)
    assert torch.equal(values[3], Squashed().evaluate(torch.tensor([[-3.0]]))[0])


def test_of_a_line_of_finite_smoothness_no_more_is_made():
    assert Squashed(BSpline(degree=2)).smoothness == 1
    assert np.isinf(Squashed().smoothness)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"basis": Chebyshev}, r"got the class Chebyshev: write Chebyshev\(\)"),
        ({"by": "tan"}, "unknown squashing function 'tan'; did you mean 'tanh'"),
        ({"outside": "repeat"}, "outside must be one of saturate, clamp, linear for Squashed, got 'repeat'"),
        ({"basis": BSpline(degree=1), "outside": "linear"}, "outside='linear' needs a slope"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(EdgewiseError, match=message):
        create_basis("squashed", **options)
