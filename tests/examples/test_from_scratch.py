"""The networks that are written from nothing compute what the library's do, in values and all gradients."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import edgewise
from edgewise.bases import BSpline
from edgewise.nn import KANLinear, SaKANConv2d, SaKANLinear

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("kan_from_scratch", "all_ukan_from_scratch")


def load(name: str):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


KAN, ALL_UKAN = map(load, NAMES)


def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def assert_same(actual, wanted):
    scale = wanted.abs().max().item()
    torch.testing.assert_close(actual, wanted, rtol=1e-10, atol=1e-10 * scale)


def assert_same_function(mine, theirs, x, pairs):
    """Values, and the gradients of the input and of each pair of parameters (which differ in name)."""
    mine_x, theirs_x = (x.clone().requires_grad_() for _ in range(2))
    mine_y, theirs_y = mine(mine_x), theirs(theirs_x)
    assert_same(mine_y, theirs_y)
    upstream = torch.randn_like(theirs_y)
    mine_p, theirs_p = zip(*pairs, strict=True)
    mine_g, theirs_g = (
        torch.autograd.grad(y, [x, *p], upstream) for y, x, p in ((mine_y, mine_x, mine_p), (theirs_y, theirs_x, theirs_p))
    )
    for actual, wanted in zip(mine_g, theirs_g, strict=True):
        assert wanted.abs().max() > 0
        assert_same(actual, wanted)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_torch_is_imported(name):
    imported = set()
    for node in ast.walk(ast.parse((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    assert "torch" in imported
    assert imported <= {"torch", *sys.stdlib_module_names}


@pytest.mark.parametrize(("cells", "degree", "lo", "hi"), [(5, 3, -1, 1), (1, 2, 0, 3), (8, 1, -2, 2), (4, 5, -1, 0.5)])
def test_the_bumps_are_b_splines(cells, degree, lo, hi):
    x = torch.linspace(2 * lo - hi, 2 * hi - lo, 301, dtype=torch.float64)  # beyond the domain too
    knots = KAN.uniform_knots(cells, degree, lo, hi, x)
    assert_same(KAN.bspline_basis(x, knots, degree), BSpline(cells, degree, (lo, hi)).evaluate(x))


def kan_pair(n_in, n_out, cells=5, degree=3, lo=-1.0, hi=1.0):
    theirs = KANLinear(n_in, n_out, basis=BSpline(cells, degree, (lo, hi)), dtype=torch.float64)
    mine = KAN.KANLayer(n_in, n_out, cells, degree, lo, hi).double()
    with torch.no_grad():
        theirs.coef.normal_()
        mine.w.copy_(theirs.base_weight)
        mine.c.copy_(theirs.coef)
    return mine, theirs, [(mine.w, theirs.base_weight), (mine.c, theirs.coef)]


@pytest.mark.parametrize("settings", [(3, 4), (1, 1, 1, 1), (4, 2, 7, 5, -2.0, 3.0)], ids=str)
def test_the_kan_layer(settings):
    torch.manual_seed(0)
    mine, theirs, pairs = kan_pair(*settings)
    assert_same_function(mine, theirs, 1.5 * randn(50, settings[0]), pairs)


def test_the_kan_stack():
    torch.manual_seed(0)
    layers = [kan_pair(2, 5), kan_pair(5, 1)]
    mine, theirs = (nn.Sequential(*(layer[i] for layer in layers)) for i in range(2))
    assert_same_function(mine, theirs, randn(50, 2), [pair for layer in layers for pair in layer[2]])


def test_refining_keeps_the_functions():
    torch.manual_seed(0)
    layer, x = kan_pair(2, 3, cells=4, lo=-1.0, hi=2.0)[0], 3 * randn(200, 2)
    before = layer(x).detach()
    KAN.refine(layer, times=3)
    assert layer.c.shape[1] == (4 + 2 * 3) * 3 + 3
    assert_same(layer(x).detach(), before)


def test_pruning_cuts_the_nodes_that_do_nothing():
    torch.manual_seed(0)
    network, x = nn.Sequential(kan_pair(2, 5)[0], kan_pair(5, 1)[0]), randn(200, 2)
    with torch.no_grad():
        network[1].w[:, 1] = 0  # nothing goes out of node 1
        network[1].c[1] = 0
    before = network(x).detach()
    KAN.prune(network, x, share=1e-6)
    assert [len(network[1].c), network[0].c.shape[2]] == [4, 4]
    assert_same(network(x).detach(), before)


def test_what_is_pruned_leaves_its_mean():
    torch.manual_seed(0)
    network, x = (
        nn.Sequential(kan_pair(2, 5, hi=2.0)[0], kan_pair(5, 2, lo=-40.0, hi=40.0)[0]),
        2 * torch.rand(200, 2).double() - 1,
    )
    with torch.no_grad():
        network[1].w.mul_(0.01)
        network[1].w[:, 1] = 0
        network[1].c[1] = 7.0  # far from zero, and the same for all x
    curves = network[1].edges(network[0](x)).detach()
    KAN.prune(network, x, share=1e-6)
    assert len(network[1].c) == 4
    assert_same(network(x).detach(), curves.mean(0)[1] + curves[:, [0, 2, 3, 4]].sum(1))


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (lambda t: 3 - 2 * t, "-2.000 t +3.000"),
        (lambda t: 2 * (t - 0.3).square(), "2.000 (t -0.30)^2 +0.000"),
        (lambda t: (t + 1).pow(3) - 1, "1.000 (t +1.00)^3 -1.000"),
        (lambda t: 0.5 * (-1.5 * t).exp() + 1, "0.500 exp(-1.50 t) +1.000"),
        (lambda t: 1 - (2.5 * t + 0.4).cos(), None),
    ],
)
def test_curves_are_named(curve, words):
    t = torch.linspace(-1, 1, 100, dtype=torch.float64)
    left, found = KAN.name_curve(t, curve(t))
    assert left < 1e-3
    assert found == words if words else "sin(" in found


def test_the_kan_finds_the_formula(capsys):
    errors, (formula,) = KAN.main()
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 3e-3 < 1 < errors[0]
    assert all(part in formula for part in ("exp(", "sin(", "(y +0.00)^2"))
    assert "pruned to 1 of 5" in capsys.readouterr().out


@pytest.mark.parametrize("grad_free", [True, False])
def test_the_shared_layer(grad_free):
    torch.manual_seed(0)
    theirs = SaKANLinear(6, 4, grad_free=grad_free, dtype=torch.float64)
    mine = ALL_UKAN.SaKANLinear(6, 4, grad_free).double()
    mine.load_state_dict(theirs.state_dict())
    pairs = list(zip(mine.parameters(), theirs.parameters(), strict=True))
    assert_same_function(mine, theirs, randn(5, 7, 6), pairs)


@pytest.mark.parametrize("grad_free", [True, False])
@pytest.mark.parametrize(("into", "out", "size", "stride", "groups"), [(2, 4, 3, 1, 1), (4, 6, 3, 2, 2), (3, 3, 1, 1, 3)])
def test_the_shared_convolution(into, out, size, stride, groups, grad_free):
    torch.manual_seed(0)
    window = {"stride": stride, "groups": groups, "grad_free": grad_free}
    theirs = SaKANConv2d(into, out, size, padding=size // 2, dtype=torch.float64, **window)
    mine = ALL_UKAN.SaKANConv2d(into, out, size, **window).double()
    mine.load_state_dict(theirs.state_dict())
    pairs = list(zip(mine.parameters(), theirs.parameters(), strict=True))
    assert_same_function(mine, theirs, randn(2, into, 7, 6), pairs)


@pytest.mark.parametrize("grad_free", [True, False])
def test_all_u_kan(grad_free):
    torch.manual_seed(0)
    options = {"in_channels": 2, "num_classes": 3, "widths": (32, 24, 20), "grad_free": grad_free}
    theirs, mine = edgewise.create_model("all_ukan", **options).double(), ALL_UKAN.AllUKAN(**options).double()
    mine.load_state_dict(theirs.state_dict())
    parameters = dict(theirs.named_parameters())
    pairs = [(parameter, parameters.pop(name)) for name, parameter in mine.named_parameters()]
    assert not parameters
    for training in (True, False):  # by the statistics of the batch, then by those that were collected
        mine.train(training)
        theirs.train(training)
        assert_same_function(mine, theirs, randn(2, 2, 64, 32), pairs)
    for name, number in theirs.state_dict().items():
        assert_same(mine.state_dict()[name].double(), number.double())


def test_all_u_kan_at_its_full_size():
    with torch.device("meta"):
        network = ALL_UKAN.AllUKAN()
    assert sum(p.numel() for p in network.parameters()) == 2_842_547


def test_all_u_kan_learns(capsys):
    losses, score = ALL_UKAN.main(steps=20, batch=4, widths=(16, 16, 16))
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])
    assert 0 <= score <= 1
    printed = capsys.readouterr().out
    assert "43 SaKAN layers" in printed
    on, off = (int(line.split()[-2]) for line in printed.splitlines() if line.endswith("MB"))
    assert off < on / 3


def test_the_overlap():
    masks = torch.tensor([1.0, 1, 1, 0, 0])
    assert ALL_UKAN.overlap(torch.tensor([2.0, 3, -1, 1, -5]), masks) == 0.5
