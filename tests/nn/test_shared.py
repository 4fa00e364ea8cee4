"""SaKAN layers and their other readings against explicit double sums."""

import pytest
import torch
import torch.nn.functional as F

from edgewise import EdgewiseError
from edgewise.bases import BSpline
from edgewise.nn import (
    ActivationLinear,
    GainSaKANLinear,
    GSKANLinear,
    SaKANConv2d,
    SaKANLinear,
    SprecherLinear,
)
from edgewise.testing import assert_within

BASIS = BSpline(4, 3)
X = torch.randn(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def drawn(layer):
    with torch.no_grad():
        for p in layer.parameters():
            p.normal_()
    return layer


def function(coef: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """``sum_j c_j B_j(t)`` of single numbers."""
    return (coef * BASIS.evaluate(t.reshape(1))[0]).sum()


def double_sum(term, out: int = 3) -> torch.Tensor:
    """``y_q = sum_p term(q, p, x_p)``, sample by sample."""
    return torch.stack([torch.stack([sum(term(q, p, row[p]) for p in range(5)) for q in range(out)]) for row in X])


def test_form_a():
    layer = drawn(SaKANLinear(5, 3, BASIS, bias=True, dtype=torch.float64))
    w, lam, c = layer.base_weight, layer.mix, layer.coef
    expected = double_sum(lambda q, p, t: w[q, p] * F.silu(t) + lam[p] * function(c[q], t)) + layer.bias
    assert_within(layer(X), expected, 1e-12)


def test_form_b():
    layer = drawn(ActivationLinear(5, 3, BASIS, dtype=torch.float64))
    w, g, c = layer.weight, layer.gain, layer.coef
    assert_within(layer(X), double_sum(lambda q, p, t: w[q, p] * (g[0] * F.silu(t) + function(c, t))), 1e-12)


def test_form_a_with_gains():
    layer = drawn(GainSaKANLinear(5, 3, BASIS, dtype=torch.float64))
    w, lam, v, c = layer.base_weight, layer.mix, layer.gain, layer.coef
    expected = double_sum(lambda q, p, t: w[q, p] * F.silu(t) + v[q] * lam[p] * function(c, t))
    assert_within(layer(X), expected, 1e-12)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_form_of_sprecher(alpha):
    layer = drawn(SprecherLinear(5, 3, BASIS, alpha=alpha, dtype=torch.float64))
    w, lam, eta, c = layer.base_weight, layer.mix, layer.eta, layer.coef
    expected = double_sum(lambda q, p, t: w[q, p] * F.silu(t) + lam[p] * function(c, t + eta * q))
    assert_within(layer(X), expected + alpha * torch.arange(3), 1e-12)


def test_form_of_gs_kan():
    layer = drawn(GSKANLinear(5, 3, BASIS, dtype=torch.float64))
    lam, shift, c = layer.mix, layer.shift, layer.coef
    assert_within(layer(X), double_sum(lambda q, p, t: lam[q, p] * function(c, t + shift[q])), 1e-12)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolution_is_the_double_sum_over_channels_and_taps(groups):
    layer = drawn(SaKANConv2d(4, 4, 2, padding=1, stride=2, groups=groups, basis=BASIS, dtype=torch.float64))
    x = torch.randn(2, 4, 3, 4, dtype=torch.float64)
    padded, per = F.pad(x, (1, 1, 1, 1)), 4 // groups
    y = layer(x)
    expected = torch.zeros_like(y)
    for n in range(2):
        for o in range(4):
            group = o // per
            for i in range(y.shape[2]):
                for j in range(y.shape[3]):
                    for c in range(per):
                        for a in range(2):
                            for b in range(2):
                                t = padded[n, group * per + c, 2 * i + a, 2 * j + b].detach()
                                shared = layer.mix[group, c, a, b] * function(layer.coef[o], t)
                                expected[n, o, i, j] += (layer.base_weight[o, c, a, b] * F.silu(t) + shared).detach()
    assert_within(y.detach(), expected, 1e-12)


def test_one_dense_number_an_edge():
    layer = SaKANConv2d(8, 16, 3)
    assert sum(p.numel() for p in layer.parameters()) == 8 * 16 * 9 + 16 * 8 + 8 * 9


def test_repr_and_refusals():
    assert "8, 6, kernel_size=(3, 3), stride=(1, 1), padding=((1, 1), (1, 1)), groups=2, basis=" in repr(
        SaKANConv2d(8, 6, 3, padding=1, groups=2)
    )
    with pytest.raises(EdgewiseError, match="in_features and out_features must be at least 1, got 0 and 2"):
        SaKANLinear(0, 2)
    with pytest.raises(EdgewiseError, match="expected 5 features in the last dimension"):
        SaKANLinear(5, 2)(torch.zeros(2, 3))
