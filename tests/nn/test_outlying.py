"""What lies far from all others, and grids that do not reach for it."""

import pytest
import torch

from edgewise.bases import BSpline
from edgewise.nn import KANLinear, update_grid
from edgewise.nn.outlying import far_out


def drawn(make, count=300):
    return make(count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("make", [torch.rand, torch.randn], ids=["uniform", "normal"])
@pytest.mark.parametrize("size", [1e3, -1e6, 1e12, 1e300])
@pytest.mark.parametrize("count", [1, 3])
def test_a_few_samples_far_from_all_others(make, size, count):
    x = drawn(make)
    assert not far_out(x.unsqueeze(0)).any()
    x[10 : 10 + count] = size
    assert far_out(x.unsqueeze(0)).nonzero()[:, 1].tolist() == list(range(10, 10 + count))
    assert far_out(x.unsqueeze(0).float()).sum() == (count if abs(size) < 1e38 else 0)  # there it is infinite


def test_what_is_no_outlier():
    rare = torch.zeros(1, 300)
    rare[0, :2] = 1.0  # a column of zeros and ones has no width to measure by
    assert not far_out(rare).any()
    two = drawn(torch.randn).unsqueeze(0)
    two[0, :20] += 1000  # a second mode
    assert not far_out(two).any()
    assert not far_out(torch.tensor([[0.0, 1.0, 1.1, 3000.0]])).any()  # too few to tell
    assert not far_out(torch.tensor([[float("nan"), float("inf")] + [0.1 * i for i in range(30)]])).any()


@pytest.mark.parametrize(("outside", "reached"), [("linear", False), ("zero", True)])
def test_a_grid_that_goes_straight_on_need_not_reach_them(outside, reached):
    layer = KANLinear(1, 1, BSpline(outside=outside))
    x = drawn(torch.rand).float()
    x[0] = 1e6
    update_grid(layer, x.unsqueeze(1))
    assert (layer.state.knots.max() > 1e5).item() == reached
