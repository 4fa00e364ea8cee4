"""The layer with masks, formulas and products against its definition, edge by edge."""

import copy
import io
import pickle

import pytest
import safetensors.torch
import torch

from edgewise._ground.errors import ConfigError
from edgewise.bases import BSpline, Chebyshev
from edgewise.kan import FUNCTIONS, KANLayer
from edgewise.nn import KANLinear, refine_grid, update_grid
from edgewise.ops import backends_for, use_backend
from edgewise.testing import LayerContract, assert_same_everywhere, assert_within

FORMULAS = {(0, 0): ("sin", (1.5, 0.25, -2.0, 0.125)), (3, 1): ("x^2", (1.0, 0.5, 0.5, 0.0))}


def mixed(dtype=torch.float64, arities=(2, 3), **options) -> KANLayer:
    """Edges that are cut, symbolic, and one that is both; products of two and of three."""
    layer = KANLayer(3, 1, arities, dtype=dtype, **options)
    with torch.no_grad():
        for p in layer.parameters():
            p.normal_()
    mask = torch.rand(layer.out_features, 3) < 0.7
    mask[0, 1] = False
    layer.set_mask(mask)
    for place, (name, affine) in FORMULAS.items():
        layer.fix_symbolic(*reversed(place), name, affine)
    mask = layer.mask.clone()
    mask[3, 1] = True  # numeric too
    layer.set_mask(mask)
    return layer


def by_hand(layer: KANLayer, x: torch.Tensor) -> torch.Tensor:
    """The definition in the docstring, in loops."""
    basis, state = layer.edge.basis, layer.state.tensors()
    s = x.new_zeros(len(x), layer.out_features)
    for q in range(layer.out_features):
        for p in range(layer.in_features):
            if layer.mask[q, p]:
                spline = basis.evaluate(x, state)[:, p] @ layer.coef[p, :, q]
                s[:, q] += spline if layer.scale is None else layer.scale[q, p] * spline
                if layer.base_weight is not None:
                    s[:, q] += layer.base_weight[q, p] * torch.nn.functional.silu(x[:, p])
            if (q, p) in FORMULAS:
                name, (a, b, c, d) = FORMULAS[q, p]
                s[:, q] += c * FUNCTIONS[name](a * x[:, p] + b) + d
    if layer.affine is not None:
        s = s * layer.affine["subnode_scale"] + layer.affine["subnode_bias"]
    nodes, first = list(s[:, : layer.sums].unbind(1)), layer.sums
    for arity in layer.arities:
        nodes.append(s[:, first : first + arity].prod(1))
        first += arity
    y = torch.stack(nodes, 1)
    return y if layer.affine is None else y * layer.affine["node_scale"] + layer.affine["node_bias"]


OPTIONS = [
    {},
    {"scale": True},
    {"base": None},
    {"affine": True},
    {"basis": Chebyshev(4)},
    {"basis": BSpline(4, 2, knots="per-feature"), "scale": True, "affine": True, "base": None},
]


@pytest.mark.parametrize("backend", backends_for("cpu"))
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_equals_a_loop_over_edges_and_products(options, backend):
    layer, x = mixed(**options), 2 * torch.rand(12, 3, dtype=torch.float64) - 1
    with use_backend(backend), torch.no_grad():
        assert_within(layer(x), by_hand(layer, x), 1e-12)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_backends_agree(options):
    assert_same_everywhere(mixed(**options), 2 * torch.rand(9, 3, dtype=torch.float64) - 1)


class TestMixed(LayerContract):
    shapes = ((4, 3), (1, 3), (0, 3), (2, 5, 3), (3,))

    def make(self, **factory):
        layer = KANLayer(3, 1, [2, 3], scale=True, affine=True, symbolic=True, **factory)
        if factory.get("device") != "meta":
            mask = torch.ones(6, 3, dtype=torch.bool, device=factory.get("device", "cpu"))
            mask[0, 1] = mask[5, 2] = False
            layer.set_mask(mask)
            layer.fix_symbolic(0, 0, "sin", (1.5, 0.25, -2.0, 0.125))
        return layer

    test_saves_only_its_input = None  # formulas and products save what they multiply
    test_hides_nothing = None
    test_compiled_equals_eager = None  # below
    test_another_device = None  # which formulas there are is read in each call, so a GPU has to wait

    def test_samples_do_not_meet(self):
        super().test_samples_do_not_meet("auto")


@pytest.mark.slow
def test_compiled_equals_eager():
    layer, x = mixed(scale=True), torch.randn(8, 3, dtype=torch.float64)
    expected = layer(x).detach()  # also notes which edges share a function, which cannot be part of a graph
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    assert_within(compiled(x).detach(), expected, 1e-12)
    compiled(x).sum().backward()
    found = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    layer(x).sum().backward()
    for gradient, p in zip(found, layer.parameters(), strict=True):
        assert_within(gradient, p.grad, 1e-12)
    torch.compiler.reset()


def test_without_products_and_masks_it_is_the_linear_layer():
    torch.manual_seed(3)
    layer = KANLayer(4, 3, scale=True)
    torch.manual_seed(3)
    linear = KANLinear(4, 3, scale=True)
    x = torch.randn(5, 4)
    assert torch.equal(layer(x), linear(x))
    assert layer.nodes == 3


def test_any_leading_dimensions():
    layer, x = mixed(), torch.randn(2, 4, 3, dtype=torch.float64)
    assert torch.equal(layer(x), layer(x.view(8, 3)).view(2, 4, 3))
    assert_within(layer(x[0, 0]), layer(x[0, :1])[0], 1e-12)
    assert layer(x[:0]).shape == (0, 4, 3)
    with pytest.raises(ConfigError, match=r"expected 3 features in the last dimension, got shape \(2, 4\)"):
        layer(torch.zeros(2, 4))


def test_cut_edges_have_no_effect_and_no_gradient():
    layer, x = mixed(scale=True), torch.randn(30, 3, dtype=torch.float64)
    before = layer(x).detach()
    layer(x).square().sum().backward()
    cut = ~layer.mask
    assert cut.any()
    assert not layer.base_weight.grad[cut].any()
    assert not layer.scale.grad[cut].any()
    assert not layer.coef.grad.transpose(0, 2)[cut.unsqueeze(1).expand(-1, 8, -1)].any()
    with torch.no_grad():
        layer.base_weight[cut], layer.scale[cut] = 7.0, 7.0
    assert_within(layer(x).detach(), before, 1e-13)


def test_features_times_weights_are_the_numeric_edges():
    layer, x = mixed(scale=True), torch.randn(11, 3, dtype=torch.float64)
    summed = torch.einsum("nif,ifs->ns", layer.edge_features(x), layer.edge_weights()) + layer.symbolic(x)
    assert_within(summed.detach(), layer.subnodes(x).detach(), 1e-12)


def test_a_formula_replaces_the_spline_and_gives_it_back():
    layer, x = KANLayer(2, 2, dtype=torch.float64), torch.rand(6, 2, dtype=torch.float64)
    before = layer(x).detach()
    layer.fix_symbolic(0, 1, "exp", (1.0, 0.0, 2.0, 0.0))
    with torch.no_grad():
        other = KANLayer(2, 2, dtype=torch.float64)
        other.load_state_dict({n: t for n, t in layer.state_dict().items() if "symbolic" not in n})
        assert_within(layer(x), other(x) + torch.stack([torch.zeros(6), 2 * x[:, 0].exp()], 1), 1e-13)
    layer.unfix_symbolic(0, 1)
    assert torch.equal(layer(x), before)


def test_masks_of_another_shape_are_refused():
    layer = mixed()
    before = layer.mask.clone()
    for mask in (torch.ones(3, 6, dtype=torch.bool), torch.ones(3, dtype=torch.bool), torch.tensor(True)):
        with pytest.raises(ConfigError, match=r"a mask of this layer has shape \(6, 3\)"):
            layer.set_mask(mask)
    assert torch.equal(layer.mask, before)


@pytest.mark.parametrize(("sums", "arities"), [(-1, [2]), (1, [1]), (0, [2, 0])])
def test_impossible_nodes_are_refused(sums, arities):
    with pytest.raises(ConfigError, match="arities be at least 2"):
        KANLayer(2, sums, arities)


def test_a_layer_without_a_node_is_refused():
    with pytest.raises(ConfigError, match="out_features must be at least 1"):
        KANLayer(2, 0)


@pytest.mark.parametrize("into", [(7, 0), (0, 3)])
def test_formulas_on_edges_that_are_not_there_are_refused(into):
    layer = mixed()
    before = layer.mask.clone()
    with pytest.raises(ConfigError, match="no edge from input"):
        layer.fix_symbolic(*reversed(into), "sin")
    assert torch.equal(layer.mask, before)


def through_torch(layer):
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def through_state(layer):
    other = KANLayer(3, 1, [2, 3], layer.edge.basis, scale=True, affine=True, symbolic=True, dtype=torch.float64)
    other(torch.zeros(1, 3).double())
    other.load_state_dict(safetensors.torch.load(safetensors.torch.save(layer.state_dict())))
    return other


@pytest.mark.parametrize(
    "how", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer)), through_torch, through_state],
    ids=["deepcopy", "pickle", "torch.save", "safetensors"],
)  # fmt: skip
def test_copies_after_refinement_and_update(how):
    layer, x = mixed(scale=True, affine=True), torch.randn(200, 3, dtype=torch.float64)
    update_grid(layer, x)
    refine_grid(layer, 7)
    expected = layer(x)
    twin = how(layer)
    assert torch.equal(twin(x), expected)
    twin.set_mask(torch.zeros_like(twin.mask))
    assert torch.equal(layer(x), expected)
    assert not torch.equal(twin(x), expected)


def test_a_mask_that_comes_with_a_state_is_used_and_left_again():
    layer, dense, x = mixed(), KANLayer(3, 1, [2, 3], symbolic=True, dtype=torch.float64), torch.rand(4, 3).double()
    state, expected = copy.deepcopy(dense.state_dict()), dense(x)
    dense.load_state_dict(layer.state_dict())
    assert torch.equal(dense(x), layer(x))
    dense.load_state_dict(state)
    assert torch.equal(dense(x), expected)


@pytest.mark.parametrize("kind", ["uniform", "per-feature"])
def test_moved_from_the_meta_device_and_loaded(kind, either_bool):
    """What the state dict does not hold is made anew, the products too."""
    source = mixed(basis=BSpline(5, 3, knots=kind), scale=True)
    with torch.device("meta"):
        layer = KANLayer(3, 1, [2, 3], BSpline(5, 3, knots=kind), scale=True, symbolic=True, dtype=torch.float64)
        layer.set_mask(torch.ones(6, 3, dtype=torch.bool))
    layer.to_empty(device="cpu")
    assert layer.mask.all()
    x = torch.rand(5, 3, dtype=torch.float64)
    layer.load_state_dict(source.state_dict())
    assert torch.equal(layer(x), source(x))


def test_in_low_precision_under_autocast():
    layer, x = mixed(torch.float32, scale=True, affine=True), torch.rand(16, 3)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert_within(y.float().detach(), layer(x).detach(), 0.05)


def test_says_what_it_is():
    text = repr(mixed())
    assert "sums=1, arities=[2, 3]" in text
    assert "edges=" in text
    assert "edges=" not in repr(KANLayer(2, 2))


def test_owners_of_subnodes():
    assert KANLayer(2, sums=2, arities=[2, 3]).node_of_subnodes() == [0, 1, 2, 2, 3, 3, 3]
