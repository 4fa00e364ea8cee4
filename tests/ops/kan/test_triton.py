"""The edge sum on Triton's kernels, against the definition in float64."""

import math

import pytest
import torch

from edgewise import ConfigError, EdgewiseWarning, use_backend
from edgewise.bases import BSpline, Chebyshev, Fourier
from edgewise.bases.basis import BASES
from edgewise.nn import KANLinear
from edgewise.ops import EdgeFunction
from edgewise.ops.kan import triton_operators as ops
from edgewise.ops.kan.triton import has_kernel
from edgewise.ops.triton.words import in_words
from edgewise.testing import assert_within
from edgewise.testing.compare import gradients
from tests.ops.triton_errors import DEVICE, assert_near, errors, needs_triton

triton = pytest.importorskip("triton")
pytestmark = needs_triton
CLOSE = {torch.float64: 1e-13, torch.float32: 1e-6, torch.float16: 2e-3, torch.bfloat16: 2e-2}


@pytest.fixture(autouse=True)
def kernels_run(monkeypatch, request):
    """Each test has to run a kernel, and may not be left to another backend."""
    called = [1] if "no_kernel" in request.fixturenames else []
    run = ops._sum
    monkeypatch.setattr(ops, "_sum", lambda *operands: called.append(1) or run(*operands))
    yield
    assert called, "no kernel was run: this test saw another backend"


def moved(layer):
    """Its knots moved, some onto others."""
    for knots in layer.state.buffers():
        knots.add_(0.3 * torch.rand_like(knots)).copy_(knots.sort(-1)[0])
        knots[:, 2] = knots[:, 3]
    return layer


def layer_of(number: int, dtype=torch.float32) -> tuple[KANLinear, torch.Tensor]:
    """One of many layers with its input: of each size and setting, in turn."""
    rows, ins, outs, grid = ((7, 3, 5, 5), (33, 17, 4, 3), (40, 2, 35, 2), (1, 1, 1, 1), (18, 9, 10, 2))[number % 5]
    degree, outside = 1 + number * 3 % 5, ("zero", "clamp", "linear")[number % 3]
    basis = BSpline(
        grid, degree, (-1, 1.5), "zero" if degree == 1 else outside, ("uniform", "per-feature")[number // 2 % 2]
    )
    base = (None, "silu", "gelu", "relu", "tanh", "identity")[number % 6]
    layer = KANLinear(ins, outs, basis, base=base, scale=number % 4 == 1, grad_free=number % 7 == 6, bias=number % 2 == 1)
    x = torch.randn(rows, ins)
    x.view(-1)[0] = 1.5  # the end of the domain
    return moved(layer).to(dtype), x.to(dtype)


@pytest.mark.parametrize("number", range(5))
def test_equals_the_definition(number):
    """Each is one or two tiles wide, and the interpreter takes milliseconds a step."""
    assert_near(*layer_of(number), 1e-6)


@pytest.mark.triton
@pytest.mark.parametrize("number", range(5, 60))
def test_equals_the_definition_in_many_shapes(number):
    assert_near(*layer_of(number), 1e-6)


@pytest.mark.parametrize("basis", [Chebyshev(3, outside="linear"), Fourier(1)], ids=str)
def test_equals_the_definition_on_global_bases(basis):
    assert_near(KANLinear(3, 5, basis), torch.randn(7, 3), 1e-6)


@pytest.mark.triton
@pytest.mark.parametrize("size", [(1, 1, 1), (33, 3, 17), (7, 18, 2), (40, 5, 33), (16, 16, 16)], ids=str)
@pytest.mark.parametrize("name", [name for name in BASES if not needs_triton.args[0] and has_kernel(EdgeFunction(name))])
def test_equals_the_definition_on_any_basis(name, size):
    rows, ins, outs = size
    basis = BASES[name](outside=("clamp", "linear", BASES[name].natural)[rows % 3])
    assert_near(KANLinear(ins, outs, basis, scale=outs == 2), torch.randn(rows, ins), 1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_other_numbers(dtype):
    layer, x = layer_of(1, dtype)
    found = errors(layer, x)
    assert max(found.values()) <= CLOSE[dtype], found


def test_second_derivatives():
    layer, x = KANLinear(3, 4, BSpline(3), scale=True, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    with use_backend("reference"):
        expected = gradients(layer, x)
    with use_backend("triton"):
        found = gradients(layer, x)
    for name, value in expected.items():
        assert_within(found[name], value, 1e-10)


def test_autocast_rounds_as_lean_does():
    """Products in the lower precision, and the gradients in that of the parameters."""
    layer, x = KANLinear(17, 5).to(DEVICE), torch.randn(9, 17, device=DEVICE, requires_grad=True)
    results = {}
    for backend in ("triton", "lean"):
        with use_backend(backend), torch.autocast(DEVICE.type, torch.bfloat16):
            y = layer(x)
        assert y.dtype == torch.bfloat16
        results[backend] = [y, *torch.autograd.grad(y.float().square().sum(), [x, *layer.parameters()])]
    for mine, theirs in zip(results["triton"], results["lean"], strict=True):
        assert mine.dtype == theirs.dtype
        assert_within(mine.detach().float(), theirs.detach().float(), 2e-2)


def test_the_same_bits_each_time_also_in_parts():
    layer, x = KANLinear(17, 3, BSpline(2, 1)).to(DEVICE), torch.randn(80, 17, device=DEVICE, requires_grad=True)

    def all_of_it():
        y = layer(x)
        return [y, *torch.autograd.grad(y.square().sum(), [x, *layer.parameters()])]

    with use_backend("triton"):
        assert all(map(torch.equal, all_of_it(), all_of_it()))


@pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")  # numpy's, in the interpreter
@pytest.mark.parametrize("outside", ["zero", "clamp", "linear"])
@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
def test_any_number_is_a_legal_input(outside, knots):
    layer = KANLinear(2, 3, BSpline(5, 3, outside=outside, knots=knots), base="tanh", dtype=torch.float64, device=DEVICE)
    values = [math.nan, math.inf, -math.inf, 1e38, -1e38, 0.0, 1.0, -1.0]
    x = torch.tensor([[0.3, -0.2], *([v, 0.1] for v in values)], dtype=torch.float64, device=DEVICE)
    with use_backend("reference"):
        expected = layer(x)
    with use_backend("triton"):
        found = layer(x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10, equal_nan=True)


@pytest.mark.parametrize("degree", range(1, 6))
def test_slopes_at_knots_are_those_of_the_cell_on_the_right(degree):
    layer = KANLinear(1, 3, BSpline(4, degree), dtype=torch.float64, device=DEVICE)
    x = torch.linspace(-1, 3, 9, dtype=torch.float64, device=DEVICE).unsqueeze(1).requires_grad_()
    slopes = []
    for backend in ("reference", "triton"):
        with use_backend(backend):
            slopes += torch.autograd.grad(layer(x).sum(), x)
    assert_within(slopes[1], slopes[0], 1e-10)


@pytest.mark.parametrize("layout", ["strided", "transposed", "expanded"])
def test_however_it_lies_in_memory(layout):
    layer, x = KANLinear(4, 3, BSpline(2, 2)).to(DEVICE), torch.randn(6, 4, device=DEVICE)
    laid = {
        "strided": torch.stack([x, x], -1)[..., 0],
        "transposed": x.t().contiguous().t(),
        "expanded": x[:1].expand(6, 4),
    }[layout]
    with use_backend("triton"):
        assert torch.equal(layer(laid), layer(laid.contiguous()))
        layer(laid).sum().backward()  # whose gradient is one number, expanded


def test_an_empty_batch():
    layer, x = KANLinear(4, 3, scale=True).to(DEVICE), torch.randn(0, 4, device=DEVICE, requires_grad=True)
    with use_backend("triton"):
        y = layer(x)
        y.sum().backward()
        layer(torch.zeros(1, 4, device=DEVICE))
    assert y.shape == (0, 3)
    assert not layer.coef.grad.any()


def test_saves_the_input_and_the_parameters_alone():
    layer, x = KANLinear(6, 5, scale=True).to(DEVICE), torch.randn(200, 6, device=DEVICE, requires_grad=True)
    saved = []
    with use_backend("triton"), torch.autograd.graph.saved_tensors_hooks(saved.append, lambda t: t):
        layer(x)
    assert sum(t.nbytes for t in saved) == x.nbytes + sum(p.nbytes for p in layer.parameters())


def operands(dtype=torch.float32):
    edge = EdgeFunction(BSpline(2, 2))
    shapes = ((5, 3), (3, 4, 4), (4, 3), (4, 3))
    return [torch.randn(shape, dtype=dtype, device=DEVICE, requires_grad=True) for shape in shapes], in_words(edge)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # of tensors that torch itself looks at
def test_opcheck():
    tensors, words = operands()
    torch.library.opcheck(ops.edge_sum, (*tensors, None, words, torch.float32))
    grad = torch.randn(5, 4, device=DEVICE)
    torch.library.opcheck(ops.edge_sum_backward, (grad, *tensors, None, words, torch.float32, [True] * 4))


@pytest.mark.slow
def test_compiled_and_exported_with_the_operator_in_the_graph():
    layer, x = KANLinear(4, 3, BSpline(2)).to(DEVICE), torch.randn(6, 4, device=DEVICE)
    with use_backend("triton"):
        compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
        assert torch.equal(compiled(x), layer(x))
        program = torch.export.export(layer, (x,))
        kinds = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
        assert sum("triton_edge_sum" in kind for kind in kinds) == 1
        assert not any("bmm" in kind or "mm" in kind for kind in kinds)
        assert torch.equal(program.module()(x), layer(x))
    torch.compiler.reset()


@pytest.fixture
def no_kernel():
    """A test that is about running none."""


def broken(*operands):
    raise triton.TritonError("out of resources\nshared memory, Required: 300000")


def test_a_kernel_that_does_not_compile_is_replaced_by_lean_with_one_warning(monkeypatch, no_kernel):
    layer, x = KANLinear(4, 3, scale=True).to(DEVICE), torch.randn(6, 4, device=DEVICE, requires_grad=True)

    def all_of_it():
        y = layer(x)
        return [y, *torch.autograd.grad(y.square().sum(), [x, *layer.parameters()])]

    with use_backend("lean"):
        expected = all_of_it()
    monkeypatch.setattr(ops, "_sum", broken)
    with use_backend("triton"):
        with pytest.warns(EdgewiseWarning, match="cannot be made here .TritonError: shared memory, Required: 300000."):
            found = all_of_it()
        all_of_it()
    assert all(map(torch.equal, found, expected))


def test_a_gradient_whose_kernel_does_not_compile_is_refused(monkeypatch):
    layer, x = KANLinear(4, 3).to(DEVICE), torch.randn(6, 4, device=DEVICE)
    with use_backend("triton"):
        y = layer(x).sum()
    monkeypatch.setattr("edgewise.ops.kan.triton_launch.EdgeSum.coef_gradient", broken)
    with pytest.raises(ConfigError, match=r"a gradient's kernel cannot be made here .*: run with use_backend\('lean'\)"):
        y.backward()


def test_a_layer_on_another_device_is_refused(no_kernel):
    layer = KANLinear(4, 3, device="meta")
    with use_backend("triton"), pytest.raises(ConfigError, match="the input is on cpu and its layer on meta: move one"):
        layer(torch.zeros(6, 4))


@pytest.mark.parametrize("change", ["knots that learn", "a basis without a kernel", "torch.func"])
def test_what_kernels_do_not_cover_is_left_to_lean(change, no_kernel, monkeypatch):
    basis = {"knots that learn": BSpline(knots="per-feature"), "a basis without a kernel": "sine"}.get(change, BSpline())
    layer, x = KANLinear(4, 3, basis).to(DEVICE), torch.randn(6, 4, device=DEVICE)
    for knots in layer.state.buffers():
        knots.requires_grad_()
    monkeypatch.setattr(ops, "_sum", None)  # a call would fail
    with use_backend("triton"):
        if change == "torch.func":
            torch.func.vmap(layer)(x.unsqueeze(1))
        else:
            layer(x)
