"""A baked network against the network in float64: as NumPy runs it, as Python source, as C source."""

import ast
import ctypes
import importlib.util
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import edgewise
from edgewise import EdgewiseError
from edgewise.bases import BSpline, Chebyshev, Fourier, Rational, Wavelet, list_bases
from edgewise.export import Baked, bake
from edgewise.kan import KAN, register_function
from edgewise.kan.functions import FUNCTIONS
from edgewise.nn import KANLinear, SaKANLinear

CC = shutil.which("cc")
needs_cc = pytest.mark.skipif(CC is None, reason="there is no C compiler")
EXACT = {"bspline", "relu_kan", "chebyshev", "legendre", "gegenbauer", "jacobi", "gram", "hermite", "laguerre"}
EXACT |= {"bernstein", "monomials"}


def rows(columns: int, count: int = 300, spread: float = 2.0) -> torch.Tensor:
    return spread * torch.randn(count, columns, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def by_python(baked: Baked, x: np.ndarray, folder: Path) -> np.ndarray:
    baked.save(folder / "baked.py")
    spec = importlib.util.spec_from_file_location("baked", folder / "baked.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.predict(x)


def by_c(baked: Baked, x: np.ndarray, folder: Path) -> np.ndarray:
    baked.save(folder / "baked.c", name="network")
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1"]
    command = [CC, *strict, "-shared", "-fPIC", "-o", folder / "baked.so", folder / "baked.c", "-lm"]
    subprocess.run(command, check=True)
    network = ctypes.CDLL(str(folder / "baked.so")).network
    pointer = ctypes.POINTER(ctypes.c_double)
    y = np.empty((len(x), len(baked.layers[-1].products)))
    for row, out in zip(np.ascontiguousarray(x), y, strict=True):
        network(row.ctypes.data_as(pointer), out.ctypes.data_as(pointer))
    return y


def assert_same(model: nn.Module, rows: torch.Tensor, folder: Path, within: float, **options) -> Baked:
    """The network in float64, the baked one, its Python and its C."""
    folder = folder / str(len(list(folder.iterdir())))  # a library of the same name would not be loaded anew
    folder.mkdir()
    baked = bake(model, **options)
    with torch.no_grad():
        expected = model.double()(rows).numpy()
    x, allowed = rows.numpy(), within * max(1.0, np.abs(expected).max())
    found = baked(x)
    assert np.abs(found - expected).max() <= allowed
    assert np.abs(by_python(baked, x, folder) - found).max() <= 1e-12 * max(1.0, np.abs(expected).max())
    if CC is not None:
        assert np.abs(by_c(baked, x, folder) - found).max() <= 1e-12 * max(1.0, np.abs(expected).max())
    return baked


def network() -> KAN:
    """Products of two and three factors, scales and biases, formulas, edges that are cut, another order of columns."""
    model = KAN([3, [2, [2, 3]], 1], affine=True, scale=True, inputs=[4, 0, 1], base="gelu")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    model.fix_symbolic(0, 0, 1, "sin", (1.0, 2.0, 3.0, 4.0))
    model.fix_symbolic(0, 2, 2, "x^2", (0.5, 0.0, -1.0, 0.1))
    mask = torch.rand(model[0].mask.shape, generator=torch.Generator().manual_seed(1)) < 0.5
    model[0].set_mask(mask)
    return model


def test_products_formulas_and_cut_edges(tmp_path):
    model = network()
    baked = assert_same(model, rows(5), tmp_path, 1e-12)
    assert baked.exact
    there = model[0].mask | model[0].symbolic.present
    assert baked.edges == int(there.sum()) + 4


@pytest.mark.parametrize("knots", ["uniform", "per-feature"])
@pytest.mark.parametrize("outside", ["zero", "clamp", "linear"])
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
def test_splines_are_exact_beyond_their_domain_too(degree, outside, knots):
    if outside == "linear" and degree < 2:
        pytest.skip("steps and polygons have no slope at the ends")
    layer = KANLinear(3, 2, BSpline(4, degree, (-1, 2), outside=outside, knots=knots), scale=True, bias=True)
    baked, x = bake(layer), rows(3, spread=4.0)
    with torch.no_grad():
        assert np.abs(baked(x.numpy()) - layer.double()(x).numpy()).max() < 1e-12
    assert baked.exact


@pytest.mark.parametrize("degree", [1, 3])
def test_moved_and_coinciding_knots(degree, tmp_path):
    layer = KANLinear(2, 2, BSpline(6, degree, knots="per-feature"))
    with torch.no_grad():
        knots = layer.state.knots.cumsum(1).sort(1).values
        knots[0, degree + 2] = knots[0, degree + 1]
        layer.state.knots.copy_(knots)
    assert_same(layer, rows(2, spread=3.0), tmp_path, 1e-12)


@pytest.mark.parametrize("name", list_bases())
def test_every_basis_to_a_millionth(name):
    layer, x = KANLinear(3, 2, edgewise.create_basis(name)), rows(3)
    baked = bake(layer, x)
    with torch.no_grad():
        expected = layer.double()(x).numpy()
    assert np.abs(baked(x.numpy()) - expected).max() < 1e-7 * max(1, np.abs(expected).max())
    assert baked.exact == (name in EXACT)


def test_a_table_can_be_as_fine_as_it_is_asked_to_be(tmp_path):
    layer = KANLinear(2, 2, Wavelet(num_wavelets=4))
    coarse, fine = (assert_same(layer, rows(2), tmp_path, t, x=rows(2), tolerance=t / 10) for t in (1e-6, 1e-11))
    assert len(fine.c_source()) > 2 * len(coarse.c_source())


def test_a_table_is_constant_beyond_its_range():
    layer, x = KANLinear(1, 1, Fourier(3), base=None), torch.rand(100, 1)
    baked = bake(layer, x)
    far, end = baked(np.array([[1e9], [50.0]])), baked(np.array([[x.max().item() + 0.05]]))
    assert np.ptp(far) == 0
    assert np.abs(far - end).max() < 1e-3


def test_polynomials_of_high_degree_do_not_cancel():
    layer, x = KANLinear(2, 2, Chebyshev(degree=40)), rows(2)
    with torch.no_grad():
        expected = layer.double()(x).numpy()
    assert np.abs(bake(layer)(x.numpy()) - expected).max() < 1e-10 * np.abs(expected).max()


def test_kan_layers_one_after_the_other_in_float32(tmp_path):
    model = nn.Sequential(KANLinear(3, 4, base="relu", bias=True), KANLinear(4, 2, Chebyshev(3), base=None))
    assert_same(model, rows(3), tmp_path, 1e-12)


@pytest.mark.parametrize("base", ["identity", "silu", "gelu", "relu", "tanh"])
def test_base_functions(base, tmp_path):
    assert_same(KANLinear(2, 2, base=base), rows(2, count=50, spread=5.0), tmp_path, 1e-12)


@needs_cc
def test_every_formula_of_the_library(tmp_path):
    names = [name for name in FUNCTIONS if name.isascii()]
    model, x = KAN([1, len(names)], base=None).double(), torch.linspace(0.1, 0.9, 30, dtype=torch.float64).unsqueeze(1)
    for out, name in enumerate(names):
        model.fix_symbolic(0, 0, out, name, (0.9, 0.05, 1.5, -0.5))
    baked = assert_same(model, x, tmp_path, 1e-12)
    assert baked.edges == len(names)


def test_what_prune_cuts_costs_nothing():
    torch.manual_seed(0)
    x = 2 * torch.rand(400, 4) - 1
    model = KAN([4, 6, 1])
    model.fit((x, (x[:, :1] * 2).sin() + x[:, 1:2] ** 2), steps=15, penalty=1e-2)
    small = model.prune(x)
    whole, baked = bake(model), bake(small)
    assert baked.edges == sum(int(layer.mask.sum()) for layer in small)
    assert baked.edges < whole.edges
    assert len(baked.c_source()) < len(whole.c_source())
    with torch.no_grad():
        assert np.abs(baked(x.double().numpy()) - small.double()(x.double()).numpy()).max() < 1e-12


@needs_cc
def test_numbers_that_are_none_stay_in_their_row(tmp_path):
    model = KAN([2, 3, 1], BSpline(4, 0)).double()
    x = np.array([[0.1, 0.2], [np.nan, 0.2], [0.1, np.nan]])
    expected = bake(model)(x[:1])
    for found in (bake(model)(x), by_python(bake(model), x, tmp_path), by_c(bake(model), x, tmp_path)):
        assert np.abs(found[0] - expected[0]).max() < 1e-12
        assert np.isnan(found[1:]).all()


@pytest.mark.parametrize("outside", ["zero", "clamp"])
def test_infinities_give_what_they_give_in_the_network(outside):
    layer = KANLinear(1, 2, BSpline(outside=outside), base=None).double()
    x = torch.tensor([[torch.inf], [-torch.inf]], dtype=torch.float64)
    assert np.abs(bake(layer)(x.numpy()) - layer(x).detach().numpy()).max() < 1e-12


def test_straight_continuations_stay_straight():
    layer = KANLinear(1, 2, BSpline(outside="linear"), base=None).double()
    x = torch.tensor([[1e8], [-1e8]], dtype=torch.float64)
    expected = layer(x).detach().numpy()
    assert np.abs(bake(layer)(x.numpy()) / expected - 1).max() < 1e-10


def test_the_sources_need_numpy_and_libm_only(tmp_path):
    baked = bake(network())
    tree = ast.parse(baked.numpy_source("f"))
    assert {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names} == {"math", "numpy"}
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)][-1] == "f"
    assert [line for line in baked.c_source().splitlines() if line.startswith("#include")] == ["#include <math.h>"]


def test_the_network_is_left_alone():
    model = KAN([2, 2, 1])
    bake(model, torch.rand(20, 2))
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert model.training


def with_nan() -> KAN:
    model = KAN([2, 1])
    with torch.no_grad():
        model[0].coef[0, 0, 0] = torch.nan
    return model


BAD = [
    (SaKANLinear(2, 2), {}, "SaKANLinear cannot be baked"),
    (nn.Sequential(KANLinear(2, 2), nn.ReLU()), {}, "ReLU cannot be baked"),
    (nn.Sequential(), {}, "no layer"),
    (KANLinear(2, 2, base=torch.sin), {}, "base function .* cannot be baked: use one of"),
    (KANLinear(2, 2, Fourier()), {}, "Fourier is baked into tables: give x"),
    (KAN([2, 1]), {"x": torch.zeros(5)}, "rows of at least 2 columns"),
    (KAN([2, 1]), {"x": torch.zeros(5, 1)}, "rows of at least 2 columns"),
    (KAN([2, 1]), {"x": torch.zeros(0, 2)}, "rows of at least 2 columns"),
    (KANLinear(2, 2, Rational()), {"x": rows(2), "tolerance": 1e-30}, "over 20000 pieces: raise tolerance"),
    (KANLinear(2, 2, Fourier()), {"x": rows(2), "tolerance": 0.1}, "deviates by .*smaller tolerance"),
    (with_nan(), {}, "'0.coef' of the network is not finite"),
]


@pytest.mark.parametrize(("model", "options", "message"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_baked_is_refused(model, options, message):
    with pytest.raises(EdgewiseError, match=message):
        bake(model, **options)


def small_network(size: float) -> nn.Module:
    torch.manual_seed(0)
    model = KAN([2, 4, 1], basis=edgewise.create_basis("gaussian_rbf")).double()
    with torch.no_grad():
        for layer, factor in zip(model, (5.0, size), strict=True):
            for parameter in layer.parameters():
                parameter.mul_(factor)
    return model


@pytest.mark.parametrize("size", [1.0, 1e-6])
def test_small_outputs_are_compared_as_closely_as_large_ones(size):
    x = 2 * torch.rand(300, 2, dtype=torch.float64) - 1
    with pytest.raises(EdgewiseError, match=r"deviates by .*smaller tolerance"):
        bake(small_network(size), x, tolerance=0.3)


def test_outputs_of_hardly_anything_may_be_off_by_rounding():
    layer = KANLinear(2, 1, BSpline(), base=None, bias=True).double()
    with torch.no_grad():
        layer.coef.fill_(1.0)  # splines sum to one
        layer.bias.fill_(-2.0)
    x = 1.8 * torch.rand(300, 2, dtype=torch.float64) - 0.9
    assert 0 < layer(x).abs().max() < 1e-14
    assert 0 < bake(layer, x).error < 1e-14


def test_suffixes_and_shapes_that_cannot_be_are_refused(tmp_path):
    baked = bake(KAN([2, 1]))
    with pytest.raises(EdgewiseError, match=r"written as \.py or \.c"):
        baked.save(tmp_path / "baked.rs")
    with pytest.raises(EdgewiseError, match="rows of at least 2 columns"):
        baked(np.zeros(3))


def test_a_function_that_c_lacks_is_named():
    f = register_function("besselj0", torch.special.bessel_j0, 4, "besselj(0, x)")
    try:
        model = KAN([1, 1])
        model.fix_symbolic(0, 0, 0, "besselj0")
        baked = bake(model)
        with pytest.raises(EdgewiseError, match=r"besselj\(0, x\) cannot be written in C"):
            baked.c_source()
    finally:
        del FUNCTIONS[f.name]
