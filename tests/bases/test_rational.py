"""What safe Pade activation units are known to do, beside the contract of bases."""

from fractions import Fraction

import pytest
import torch

from edgewise import EdgewiseError
from edgewise.bases import Rational
from edgewise.nn import KANLinear
from edgewise.testing import assert_within


def test_an_edge_is_a_safe_pade_activation_unit():
    """P(x) / (1 + |Q(x)|) by Horner's rule, the numerator an edge's own, the denominator shared by those of an input."""
    layer, x = KANLinear(2, 3, Rational(), base=None, dtype=torch.float64), torch.randn(20, 2, dtype=torch.float64)
    with torch.no_grad():
        layer.state.denominator.normal_()
    above, below = 0, 0
    for a in layer.coef.flip(1).unbind(1):
        above = above * x.unsqueeze(-1) + a
    for b in layer.state.denominator.flip(-1).unbind(-1):
        below = (below + b) * x
    assert_within(layer(x), (above / (1 + below.abs()).unsqueeze(-1)).sum(1), 1e-12)


@pytest.mark.parametrize(("dtype", "far"), [(torch.float32, 1e7), (torch.float64, 1e60)])
def test_far_out_it_goes_straight_on(dtype, far):
    """t^5 / (1 + t^2 + t^4) is t - 1 / t + ..., and its slope 1, where all powers are still numbers."""
    basis = Rational()
    state = basis.init_state(1, dtype=dtype)
    x = torch.tensor([[far], [-far]], dtype=dtype, requires_grad=True)
    values = basis.evaluate(x, state)
    assert_within(values[:, 0, 5].detach(), x[:, 0].detach(), 1e-6)
    (slope,) = torch.autograd.grad(values[..., 5].sum(), x)
    assert_within(slope, torch.ones_like(x), 1e-5)


def test_the_derivative_by_hand():
    """(P' Q - P Q') / Q^2 of Molina et al., section 3."""
    basis, t = Rational(3, 2), torch.tensor([[0.7], [-1.1], [2.0]], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([[0.4, -1.3]], dtype=torch.float64, requires_grad=True)
    value = basis.evaluate(t, {"denominator": b})[..., 3]
    slope, by_b = torch.autograd.grad(value.sum(), [t, b])
    inner = b[0, 0] * t + b[0, 1] * t**2
    size, sign = 1 + inner.abs(), inner.sign()
    assert_within(slope, (3 * t**2 / size - t**3 * sign * (b[0, 0] + 2 * b[0, 1] * t) / size**2).detach(), 1e-12)
    expected = torch.stack([(-(t**3) * sign * t**k / size**2).sum() for k in (1, 2)])
    assert_within(by_b[0], expected.detach(), 1e-12)


def test_no_denominator_has_a_pole():
    basis = Rational()
    x = torch.linspace(-10, 10, 10_001, dtype=torch.float64).unsqueeze(-1)
    for _ in range(20):
        values = basis.evaluate(x, {"denominator": 3 * torch.randn(1, 4, dtype=torch.float64)})
        assert (values.abs() <= x.abs().unsqueeze(-1) ** torch.arange(6) + 1e-9).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"numerator": -1}, "numerator must be at least 0, got -1"),
        ({"denominator": 1}, "denominator must be at least 2, got 1"),
        ({"outside": "linear"}, "outside='linear' needs a slope at the ends of the domain"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(EdgewiseError, match=message):
        Rational(**options)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("b", [(0.0, 1.0, 0.0, 1.0), (0.5, -1.0, 2.0, 1e-3), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)])
@pytest.mark.parametrize("x", [1e7, -1e8, 1e10, -1e20, 1e30, 1e38])
def test_far_out_it_is_right_where_it_is_a_number(x, b, dtype):
    """Against fractions of whole numbers of any size."""
    point, below = torch.tensor([[x]], dtype=dtype, requires_grad=True), torch.tensor([b], dtype=dtype)
    values = Rational().evaluate(point, {"denominator": below})[0, 0]
    t, numbers = Fraction(point.item()), [Fraction(n) for n in below[0].tolist()]
    size = 1 + abs(sum(n * t ** (k + 1) for k, n in enumerate(numbers)))
    most = Fraction(torch.finfo(dtype).max)
    for j, value in enumerate(values):
        if abs(t**j / size) < most:
            assert value.item() == pytest.approx(float(t**j / size), rel=1e-5 if dtype == torch.float32 else 1e-12)
            (slope,) = torch.autograd.grad(value, point, retain_graph=True)
            assert slope.isfinite().all()
