"""The networks of the field's small repositories against their formulas, written out."""

import pytest
import torch
import torch.nn.functional as F

from edgewise._ground.errors import ConfigError
from edgewise.models import create_model
from edgewise.testing import assert_within


def rows(features):
    return torch.randn(9, features, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_cheby_kan_is_the_formula_of_chebykan():
    model, x = create_model("cheby_kan", width=[5, 4, 3], degree=3).double(), rows(5)
    first, norm, second = model

    def layer(z, coef):  # cos(n arccos(tanh z)), as its readme says
        n = torch.arange(4, dtype=torch.float64)
        return torch.einsum("bin,ino->bo", (n * z.tanh().unsqueeze(-1).acos()).cos(), coef)

    expected = layer(F.layer_norm(layer(x, first.coef), (4,), norm.weight, norm.bias), second.coef)
    assert_within(model(x), expected, 1e-12)


def test_cheby_kan_learns_from_inputs_where_chebykan_has_nan():
    model, x = create_model("cheby_kan", width=[3, 2]), torch.tensor([[10.0, -100.0, 0.1]], requires_grad=True)
    model(x).sum().backward()
    assert x.grad.isfinite().all()


def test_fourier_kan_is_the_formula_of_fourierkan():
    model, x = create_model("fourier_kan", width=[5, 3], num_frequencies=2, norm=False).double(), rows(5)
    (layer,) = model
    expected = layer.bias.unsqueeze(0)
    for m in (1, 2):
        expected = expected + (m * x).cos() @ layer.coef[:, m - 1] + (m * x).sin() @ layer.coef[:, m + 1]
    assert_within(model(x), expected, 1e-12)


def test_fast_kan_norms_what_the_functions_see_and_not_what_the_dense_branch_sees():
    model, x = create_model("fast_kan", width=[5, 3]).double(), rows(5)
    (layer,) = model
    with torch.no_grad():
        layer.norm.weight.uniform_(0.5, 2)
    centers = torch.linspace(-2, 2, 8, dtype=torch.float64)
    normed = F.layer_norm(x, (5,), layer.norm.weight, layer.norm.bias)
    bumps = (-(((normed.unsqueeze(-1) - centers) / (4 / 7)) ** 2)).exp()
    expected = torch.einsum("bik,iko->bo", bumps, layer.functions.coef) + layer.base(F.silu(x))
    assert_within(model(x), expected, 1e-12)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("cheby_kan", 128_896),  # as its readme counts
        ("fast_kan", 784 * 64 * 9 + 64 * 10 * 9 + 64 + 10 + 2 * (784 + 64)),
        ("fourier_kan", (784 * 64 + 64 * 10) * 2 * 4 + 64 + 10 + 2 * 64),
    ],
)
def test_parameters_of_the_networks_for_mnist(name, parameters):
    assert sum(p.numel() for p in create_model(name).parameters()) == parameters


@pytest.mark.parametrize("name", ["cheby_kan", "fourier_kan", "fast_kan"])
@pytest.mark.parametrize("width", [[3], [3, 0]], ids=str)
def test_impossible_widths_are_refused(name, width):
    with pytest.raises(ConfigError, match="width must be at least two numbers of at least 1"):
        create_model(name, width=width)
