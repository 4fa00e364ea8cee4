"""The operators as PyTorch sees them, and what they refuse."""

import math

import pytest
import torch

from edgewise import use_backend
from edgewise.bases import BSpline, Chebyshev
from edgewise.nn import KANConv1d, KANLinear, SaKANConv1d, SaKANLinear
from edgewise.ops.kan.native import plain
from edgewise.testing import assert_same_everywhere, assert_within
from tests.ops.kan.operands import NONE, operands

pytestmark = pytest.mark.usefixtures("kernels_run")


def edge_sum(tensors, knots, own):
    return torch.ops.edgewise.edge_sum(*tensors, knots, *NONE, *own)


# Widths about the vector lengths of all processors and their blocks; batches about the tiles; grids finer than a batch.
SHAPES = [(1, 1, 1), (3, 2, 5), (17, 16, 33), (128, 5, 16), (129, 17, 31), (260, 3, 65), (1025, 2, 3), (64, 40, 130)]


# Broken lines have no slope at the ends.
QUICK = [(1, "zero"), (1, "clamp"), (3, "zero"), (3, "clamp"), (3, "linear")]
SLOW = [
    pytest.param(degree, outside, marks=pytest.mark.slow) for degree in (2, 4, 5) for outside in ("zero", "clamp", "linear")
]


@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
@pytest.mark.parametrize(("degree", "outside"), QUICK + SLOW)
def test_equals_the_definition(degree, outside, knots, kernels_run):
    for batch, ins, outs in SHAPES:
        for grid in (1, 5, 60):
            layer = KANLinear(
                ins, outs, BSpline(grid, degree, (-1, 1.5), outside, knots), scale=batch % 2 == 1, dtype=torch.float64
            )
            x = torch.randn(batch, ins, dtype=torch.float64)
            x.view(-1)[0] = 1.5  # the end of the domain
            for moved in layer.state.buffers():
                moved.add_(0.4 * torch.rand_like(moved)).copy_(moved.sort(-1)[0])
                moved[:, degree + 1 :: 3] = moved[:, degree : moved.shape[1] - 1 : 3][
                    :, : moved[:, degree + 1 :: 3].shape[1]
                ]
            assert_same_everywhere(layer, x)
    assert "edge_sum" in kernels_run


@pytest.mark.parametrize("base", ["silu", "gelu", "relu", "tanh", "identity", None])
def test_base_functions(base):
    assert_same_everywhere(KANLinear(3, 20, base=base, dtype=torch.float64), 3 * torch.randn(9, 3, dtype=torch.float64))


def test_float32_is_as_near_as_float32_can_be():
    layer = KANLinear(64, 48, BSpline(50, 3))
    x = torch.randn(300, 64)
    with use_backend("native"):
        found = layer(x)
    with use_backend("reference"):
        assert_within(found.double(), layer.double()(x.double()), 1e-5)


def test_bfloat16_is_stored_and_not_computed_in():
    layer = KANLinear(512, 8).bfloat16()
    x = torch.randn(4, 512).bfloat16()
    with use_backend("native"):
        found = layer(x)
    assert found.dtype == torch.bfloat16
    with use_backend("reference"):
        expected = layer.double()(x.double())
    assert_within(found.double(), expected, 2**-8)  # one rounding, at the end


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_bits_each_time_and_at_any_number_of_threads(threads):
    before = torch.get_num_threads()
    layer, x = KANLinear(70, 90, BSpline(20)), torch.randn(500, 70, requires_grad=True)

    def all_of_it():
        y = layer(x)
        return [y, *torch.autograd.grad(y.square().sum(), [x, *layer.parameters()])]

    with use_backend("native"):
        expected = all_of_it()
        try:
            torch.set_num_threads(threads)
            for _ in range(3):
                assert all(map(torch.equal, all_of_it(), expected))
        finally:
            torch.set_num_threads(before)


@pytest.mark.slow
def test_gradients_of_gradients():
    tensors, knots, own = operands(BSpline(3, 3, knots="per-feature"), 3, 2, 2)
    assert torch.autograd.gradcheck(lambda *t: edge_sum(t, knots, own), tensors)
    assert torch.autograd.gradgradcheck(lambda *t: edge_sum(t, knots, own), tensors)


def test_third_derivatives():
    (x, *weights), knots, own = operands(BSpline(3, 5))

    def third(f):
        y = f(x, *weights).sum()
        for _ in range(3):
            (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        return y

    found = third(lambda *t: edge_sum(t, knots, own))
    assert_within(found, third(lambda *t: plain(*t, knots, *NONE, *own)), 1e-10)


def test_grad_free_leaves_the_base_branch_alone():
    tensors, knots, own = operands(grad_free=True)
    found, expected = (
        torch.autograd.grad(f(tensors).square().sum(), tensors)
        for f in (lambda t: edge_sum(t, knots, own), lambda t: plain(*t, knots, *NONE, *own))
    )
    for mine, theirs in zip(found, expected, strict=True):
        assert_within(mine, theirs, 1e-10)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e38, -1e38, 0.0, 1.0, -1.0])
@pytest.mark.parametrize("outside", ["zero", "clamp", "linear"])
@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
def test_any_number_is_a_legal_input(value, outside, knots):
    layer = KANLinear(2, 3, BSpline(5, 3, outside=outside, knots=knots), base="tanh", dtype=torch.float64)
    x = torch.tensor([[0.3, -0.2], [value, 0.1], [0.5, value]], dtype=torch.float64)
    with use_backend("reference"):
        expected = layer(x)
    with use_backend("native"):
        found = layer(x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10, equal_nan=True)


def wrong(change):
    tensors, knots, own = operands()
    given = {"x": tensors[0], "coef": tensors[1], "base": tensors[2], "scale": tensors[3], "knots": knots}
    given = {name: t if t is None else t.detach() for name, t in given.items()} | change(given)
    return (*given.values(), *NONE, *own)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda g: {"x": g["x"].detach().half()}, TypeError, "must be float32, float64 or bfloat16"),
        (lambda g: {"coef": g["coef"].detach().float()}, TypeError, "x is Double and a weight is Float: cast one"),
        (lambda g: {"x": g["x"].detach()[:, :3]}, ValueError, "do not belong together"),
        (lambda g: {"x": g["x"].detach()[0]}, ValueError, "x must be"),
        (lambda g: {"base": g["base"].detach().t()}, ValueError, r"must be \(outputs, channels, taps\)"),
        (lambda g: {"knots": torch.zeros(4, 3, dtype=torch.float64)}, ValueError, "knots must be"),
        (lambda g: {"x": g["x"].detach().to_sparse()}, (ValueError, NotImplementedError), None),
    ],
)  # fmt: skip
def test_wrong_operands_are_refused_before_anything_runs(change, error, message):
    with pytest.raises(error, match=message):
        torch.ops.edgewise.edge_sum(*wrong(change))


def test_a_gradient_of_the_wrong_shape_is_refused():
    tensors, knots, own = operands()
    with pytest.raises(ValueError, match="the gradient must be 6 x 5"):
        torch.ops.edgewise.edge_sum_backward(torch.zeros(5, 6, dtype=torch.float64), *tensors, knots, *NONE, *own, True)


@pytest.mark.parametrize("place", ["source", "meets"])
def test_tables_out_of_range_are_refused(place):
    (x, coef, base, scale), _, own = operands()
    x, coef, base, scale = x.unsqueeze(-1), coef.unsqueeze(2), base.unsqueeze(-1), scale.unsqueeze(-1)
    tables = {"source": torch.zeros(1, dtype=torch.int32), "meets": torch.zeros(1, 1, dtype=torch.int32)}
    tables[place].fill_(7)
    with pytest.raises(ValueError, match="source must hold -1 or one of 1 pixels"):
        torch.ops.edgewise.edge_sum(x, coef, base, scale, None, *tables.values(), 1, 1, *own)


@pytest.mark.parametrize(
    "make",
    [
        lambda: [KANLinear(3, 4), KANLinear(4, 2), KANLinear(2, 1)],
        lambda: [KANLinear(3, 4, Chebyshev(3)), KANLinear(4, 1, BSpline(4, 4, knots="per-feature"), scale=True)],
        lambda: [SaKANLinear(3, 4, BSpline(4, 4)), SaKANLinear(4, 1)],
        lambda: [torch.nn.Unflatten(1, (1, 3)), KANConv1d(1, 2, 2, padding=1), KANConv1d(2, 1, 2), torch.nn.Flatten()],
        lambda: [torch.nn.Unflatten(1, (1, 3)), SaKANConv1d(1, 2, 2, padding=1), SaKANConv1d(2, 1, 2), torch.nn.Flatten()],
    ],
    ids=["linear", "mixed", "shared", "conv", "shared conv"],
)
def test_derivatives_of_stacks_up_to_the_third_order(make):
    """The gradient that a layer is given depends on its input too, when layers lie on one another."""
    network = torch.nn.Sequential(*make()).double()
    start = torch.rand(5, 3, dtype=torch.float64) - 0.5

    def derivatives(name):
        x = start.clone().requires_grad_()
        found = []
        with use_backend(name):
            value = network(x).sum()
            for order in range(3):
                (first,) = torch.autograd.grad(value, x, create_graph=True)
                found.append(first)
                value = (first * torch.arange(1 + order, 16 + order, dtype=torch.float64).view(5, 3)).sum()
            weights = torch.autograd.grad(value, list(network.parameters()), materialize_grads=True)
        return *found, *weights

    for fast, plainly in zip(derivatives("native"), derivatives("reference"), strict=True):
        assert_within(fast.detach(), plainly.detach(), 1e-8)


def test_derivatives_of_gradients_where_the_input_wants_none():
    torch.manual_seed(0)
    layer, x = KANLinear(3, 5, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)

    def second() -> tuple[torch.Tensor, ...]:
        first = torch.autograd.grad(layer(x).pow(3).sum(), list(layer.parameters()), create_graph=True)
        return torch.autograd.grad(sum(t.square().sum() for t in first), list(layer.parameters()))

    with use_backend("reference"):
        expected = second()
    for mine, theirs in zip(second(), expected, strict=True):
        assert_within(mine, theirs, 1e-10)


def test_knots_that_are_learned_get_their_gradient():
    layer = KANLinear(2, 4, BSpline(5, knots="per-feature"), dtype=torch.float64)
    knots, x = layer.state.knots.requires_grad_(), torch.rand(9, 2, dtype=torch.float64)
    with use_backend("reference"):
        (expected,) = torch.autograd.grad(layer(x).square().sum(), knots)
    (found,) = torch.autograd.grad(layer(x).square().sum(), knots)
    assert_within(found, expected, 1e-10)
    assert expected.abs().max() > 0
    with torch.no_grad():
        KANLinear(2, 4, dtype=torch.float64)(x)  # which the kernels do
