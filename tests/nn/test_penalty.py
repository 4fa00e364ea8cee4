import math

import pytest
import torch
from torch import nn

from edgewise.bases import BSpline
from edgewise.nn import KANConv2d, KANLinear, penalty, weight_penalty


@pytest.mark.parametrize(("l1", "entropy"), [(1, 1), (0.5, 0), (0, 2)])
def test_equals_the_formula(l1, entropy):
    coef = torch.randn(4, 3, 8, dtype=torch.float64)
    sizes = [sum(abs(c) for c in edge) / 8 for edge in coef.reshape(12, 8).tolist()]
    shares = [size / sum(sizes) for size in sizes]
    expected = l1 * sum(sizes) - entropy * sum(p * math.log(p) for p in shares)
    assert weight_penalty(coef, l1, entropy).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("zeros", ["one function", "all functions"])
def test_finite_where_functions_are_exactly_zero(zeros):
    coef = torch.randn(4, 3, 8, dtype=torch.float64)
    if zeros == "one function":
        coef[1, 2] = 0
    else:
        coef.zero_()
    coef.requires_grad_()
    value = weight_penalty(coef)
    value.backward()
    assert value.isfinite()
    assert coef.grad.isfinite().all()
    kept = torch.cat([coef.detach().reshape(12, 8)[:5], coef.detach().reshape(12, 8)[6:]])
    assert value.item() == pytest.approx(weight_penalty(kept).item(), rel=1e-12)


def test_gradient_by_finite_differences():
    coef = torch.randn(3, 2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(weight_penalty, coef)


def test_a_convolution_counts_each_tap_as_an_edge():
    conv = KANConv2d(2, 3, 2, basis=BSpline(3, 1))
    edges = conv.coef.movedim(1, -1).flatten(0, -2)
    assert conv.penalty(1, 0.5).item() == pytest.approx(weight_penalty(edges, 1, 0.5).item(), rel=1e-6)


def test_a_model_sums_over_its_layers():
    first, second = KANLinear(2, 3), KANLinear(3, 1)
    model = nn.Sequential(first, nn.LayerNorm(3), second)
    assert torch.equal(penalty(model, 2, 1), torch.stack([first.penalty(2, 1), second.penalty(2, 1)]).sum())
    assert penalty(nn.Linear(2, 2)).item() == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_has_the_penalty_of_its_numbers(dtype):
    coef = torch.randn(400, 8, 400).to(dtype)  # means that sum to more than float16 knows
    found = weight_penalty(coef, dim=1)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(weight_penalty(coef.double(), dim=1).item(), rel=1e-5)
