"""Layers with shared functions on the compiled passes, where their vectors, parts and layouts end."""

import pytest
import torch

from edgewise import use_backend
from edgewise.bases import BSpline
from edgewise.nn import KANConv2d, SaKANConv1d, SaKANConv2d, SaKANConv3d, SaKANLinear
from edgewise.testing import assert_same_everywhere, assert_within, gradients

pytestmark = pytest.mark.usefixtures("kernels_run")

# channels, outputs, groups: one group, several, depthwise, and more than the kernels take at once
SIZES = [(3, 5, 1), (35, 4, 1), (6, 4, 2), (5, 5, 5), (19, 19, 19)]


@pytest.mark.parametrize("grad_free", [False, True])
@pytest.mark.parametrize(("channels", "outputs", "groups"), SIZES)
@pytest.mark.parametrize(
    "options", [{"padding": 1}, {"stride": 2, "padding": 1}, {"padding": 2, "padding_mode": "silent"}, {}]
)
def test_equals_the_definition(channels, outputs, groups, options, grad_free, kernels_run):
    layer = SaKANConv2d(
        channels, outputs, 3, groups=groups, grad_free=grad_free, basis=BSpline(5, 2), dtype=torch.float64, **options
    )
    for shape in ((2, channels, 5, 19), (0, channels, 4, 4), (1, channels, 3, 3)):
        assert_same_everywhere(layer, torch.randn(shape, dtype=torch.float64))
    own = "sakan_depthwise" if groups == channels else "sakan_mixed"
    assert {own, f"{own}_backward"} <= kernels_run


@pytest.mark.parametrize(("make", "space"), [(SaKANConv1d, (40,)), (SaKANConv3d, (4, 5, 6))])
def test_any_number_of_dimensions(make, space):
    layer = make(3, 4, 2, dilation=2, padding=1, basis=BSpline(9, 3, knots="per-feature"), dtype=torch.float64)
    assert_same_everywhere(layer, torch.randn(2, 3, *space, dtype=torch.float64))


@pytest.mark.parametrize("make", [
    lambda: SaKANConv2d(19, 19, 3, padding=1, groups=19, dtype=torch.float64),
    lambda: SaKANConv2d(19, 3, 3, padding=1, dtype=torch.float64),
    lambda: KANConv2d(19, 3, 3, padding=1, dtype=torch.float64),
])  # fmt: skip
def test_channels_last_in_memory(make):
    layer, x = make(), torch.randn(2, 19, 5, 6, dtype=torch.float64)
    expected = gradients(layer, x)
    for name, found in gradients(layer, x.to(memory_format=torch.channels_last)).items():
        assert_within(found, expected[name], 1e-10)


@pytest.mark.parametrize("make", [
    lambda: (SaKANConv2d(4, 4, 3, padding=1), torch.randn(1, 4, 40, 50)),
    lambda: (SaKANLinear(20, 9), torch.randn(900, 20)),
    lambda: (SaKANConv2d(40, 40, 3, groups=40), torch.randn(2, 40, 9, 9)),
])  # fmt: skip
def test_threads_share_one_image(make):
    """Parts of it, which meet at rows and pixels of both: the sums are the same."""
    layer, x = make()
    before = torch.get_num_threads()
    with use_backend("native"):
        expected = gradients(layer, x)
        try:
            torch.set_num_threads(3)
            found = gradients(layer, x)
            again = gradients(layer, x)
        finally:
            torch.set_num_threads(before)
    for name in expected:
        assert_within(found[name], expected[name], 1e-5)
        assert torch.equal(found[name], again[name])
