import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline as Spline

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError
from edgewise.bases import BSpline, Chebyshev
from edgewise.kan import KAN
from edgewise.kan.interpret.curves import check_rows, edge_curve, edge_curves, edges_present, inner_knots, ranges
from edgewise.testing import assert_within


def mixed(dtype=torch.float64, **options):
    """A layer with products, edges that are cut, symbolic ones and one that is both."""
    layer = KAN([3, [1, 2], 1], **options).to(dtype)[0]
    mask = torch.rand(5, 3) < 0.7
    mask[0, 1] = mask[2, 2] = False
    layer.set_mask(mask)
    for out, into, name in ((0, 0, "sin"), (3, 1, "x^2"), (4, 2, "sin")):
        layer.fix_symbolic(into, out, name, (1.5, 0.25, -2.0, 0.125))
    layer.set_mask(layer.mask | torch.eye(5, 3, dtype=torch.bool))  # the first edge is numeric too
    return layer


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "options",
    [{}, {"base": None}, {"scale": True}, {"basis": Chebyshev(4)}, {"basis": BSpline(4, 2, knots="per-feature")}],
    ids=str,
)
def test_sum_over_inputs_is_the_layer(options, dtype):
    layer = mixed(dtype, **options)
    x = 3 * torch.rand(40, 3, dtype=dtype) - 1.5
    curves = edge_curves(layer, x)
    assert curves.shape == (40, 5, 3)
    assert_within(curves.sum(-1).detach(), layer.subnodes(x).detach(), 1e-5 if dtype == torch.float32 else 1e-13)


def test_cut_edges_are_zero_and_the_rest_is_not():
    layer = mixed()
    curves = edge_curves(layer, torch.rand(20, 3, dtype=torch.float64))
    numeric, formula = edges_present(layer)
    assert torch.equal((curves != 0).any(0), numeric | formula)
    assert (~(numeric | formula)).any()


def test_a_numeric_edge_is_scipys_spline_and_silu():
    layer = KAN([2, 3], grid=4, k=3).double()[0]
    t = torch.linspace(-1, 0.999, 50, dtype=torch.float64)
    knots = -1 + 0.5 * np.arange(-3, 8)
    spline = Spline(knots, layer.coef[1, :, 2].detach().numpy(), 3)(t.numpy())
    expected = spline + layer.base_weight[2, 1].item() * (t / (1 + torch.exp(-t))).numpy()
    np.testing.assert_allclose(edge_curve(layer, 2, 1, t).detach().numpy(), expected, rtol=0, atol=1e-13)


def test_a_symbolic_edge_is_its_formula():
    layer = mixed()
    layer.set_mask(torch.zeros(5, 3, dtype=torch.bool))
    t = torch.linspace(-3, 3, 20, dtype=torch.float64)
    assert_within(edge_curve(layer, 3, 1, t).detach(), -2 * (1.5 * t + 0.25) ** 2 + 0.125, 1e-13)


def test_one_edge_is_a_column_of_all():
    layer, x = mixed(), torch.rand(10, 3, dtype=torch.float64)
    curves = edge_curves(layer, x)
    for out in range(5):
        for into in range(3):
            assert torch.equal(edge_curve(layer, out, into, x[:, into]), curves[:, out, into])


def test_gradients_pass():
    layer, x = mixed(), torch.rand(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: edge_curves(layer, x), x)


@pytest.mark.parametrize(("out", "into"), [(5, 0), (-1, 0), (0, 3)])
def test_an_edge_that_is_not_there(out, into):
    with pytest.raises(
        ConfigError, match=rf"subnodes 0 to 4 and inputs 0 to 2, and no edge from input {into} to subnode {out}"
    ):
        edge_curve(mixed(), out, into, torch.zeros(1, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ranges(dtype):
    inf, nan = torch.inf, torch.nan
    x = torch.tensor([[-1, 5, 0, nan, 1e9], [3, 5, 0, nan, 1e9], [inf, nan, 0, -inf, 1e9]], dtype=dtype)
    lo, hi = ranges(x)
    assert lo.tolist() == [-1, 2.5, -0.5, -0.5, 5e8]
    assert hi.tolist() == [3, 7.5, 0.5, 0.5, 1.5e9]


def test_ranges_take_small_numbers_as_they_are():
    lo, hi = ranges(torch.tensor([[1e-20], [2e-20]], dtype=torch.float64))
    assert (lo.item(), hi.item()) == (1e-20, 2e-20)


@pytest.mark.parametrize(("rounding_errors", "apart"), [(8, False), (200, True)])
def test_ranges_are_taken_apart_where_only_rounding_differs(rounding_errors, apart):
    width = rounding_errors * torch.finfo(torch.float64).eps
    lo, hi = ranges(torch.tensor([[1.0], [1.0 + width]], dtype=torch.float64))
    assert (hi - lo).item() == (pytest.approx(width) if apart else pytest.approx(1))


def test_knots():
    uniform, moved = KAN([2, 1], grid=4), KAN([2, 1], grid=4)
    assert_within(inner_knots(uniform[0], 1), torch.tensor([-1.0, -0.5, 0, 0.5, 1]), 1e-7)
    moved.update_grid(torch.tensor([[0.0, 1.0], [1.0, 2.0], [4.0, 7.0]]), eps=1.0)
    assert_within(inner_knots(moved[0], 1), torch.tensor([1, 2.5, 4, 5.5, 7]), 1e-6)
    assert inner_knots(KAN([2, 1], Chebyshev(3, (-2, 5)))[0], 0).tolist() == [-2, 5]


def test_rows_come_in_the_dtype_of_the_model():
    x = check_rows(KAN([2, 1]).double(), np.ones((3, 2), dtype=np.float32))
    assert x.dtype == torch.float64
    assert x.tolist() == [[1, 1]] * 3


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.zeros(5, 3), ConfigError, r"rows of the 2 inputs of the network, got shape \(5, 3\)"),
        (torch.zeros(2), ConfigError, r"got shape \(2,\)"),
        (torch.zeros(0, 2), DataError, "x has no rows"),
        (torch.tensor([[0, 0], [0, torch.nan]]), NonFiniteError, "row 1 of x is not finite in input 1"),
        (torch.tensor([[torch.inf, 0]]), NonFiniteError, "row 0 of x is not finite in input 0"),
    ],
)
def test_rows_that_cannot_be_drawn(x, error, message):
    with pytest.raises(error, match=message):
        check_rows(KAN([2, 1]), x)


def test_columns_that_the_network_leaves_out_may_be_anything():
    model, x = KAN([2, 1], inputs=[0, 2]), torch.zeros(3, 4)
    x[:, 1] = torch.nan
    assert check_rows(model, x).shape == (3, 4)
    with pytest.raises(ConfigError, match=r"columns \[0, 2\], and the data has 2"):
        check_rows(model, x[:, :2])
