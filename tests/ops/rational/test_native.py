"""Rational functions on the compiled operators, where their vectors and blocks of rows end."""

import pytest
import torch

from edgewise.nn import GroupRational
from edgewise.testing import assert_same_everywhere

pytestmark = pytest.mark.usefixtures("kernels_run")


@pytest.mark.parametrize("reading", ["sum", "terms"])
@pytest.mark.parametrize(("rows", "channels", "groups"), [(1, 1, 1), (33, 34, 2), (65, 51, 3), (7, 128, 8), (0, 4, 2)])
def test_equals_the_definition(rows, channels, groups, reading, kernels_run):
    layer = GroupRational(channels, groups, reading=reading, shared=None, dtype=torch.float64)
    with torch.no_grad():
        for p in layer.parameters():
            p.add_(0.3 * torch.randn_like(p))
    assert_same_everywhere(layer, torch.randn(rows, channels, dtype=torch.float64))
    assert {"rational", "rational_backward"} <= kernels_run


def test_wrong_operands_are_refused():
    x, a, b = torch.zeros(3, 4), torch.zeros(2, 6), torch.zeros(2, 4)
    with pytest.raises(ValueError, match=r"x must be \(rows, groups x channels\)"):
        torch.ops.edgewise.rational(x[:, :3], a, b, False)
    with pytest.raises(TypeError, match="must be float32 or float64"):
        torch.ops.edgewise.rational(x.bfloat16(), a.bfloat16(), b.bfloat16(), False)
    with pytest.raises(ValueError, match="the gradient must be like x"):
        torch.ops.edgewise.rational_backward(x[:2], x, a, b, False)
