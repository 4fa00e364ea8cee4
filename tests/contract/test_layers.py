"""The contract of layers, generated for every exported one with every registered basis; and all their options."""

import inspect

import pytest
import torch

import edgewise.nn
from edgewise import EdgewiseError
from edgewise.bases import BSpline, Chebyshev, create_basis, list_bases
from edgewise.nn import EdgeLayer, SprecherLinear
from edgewise.testing import LayerContract, assert_same_everywhere

BASES = {name: create_basis(name) for name in list_bases()} | {"bspline_per_feature": BSpline(knots="per-feature")}
# Of the bases, those that are treated in a way of their own: knots, kernels, none of that, numbers that learn. To layers
# the others are one like another, so that they meet the whole contract on one layer and their definition on the rest.
KINDS = {"bspline", "bspline_per_feature", "chebyshev", "fourier", "gaussian_rbf", "wavelet"}
LAYERS = {
    name: layer
    for name, layer in inspect.getmembers(edgewise.nn, inspect.isclass)
    if issubclass(layer, EdgeLayer) and layer is not EdgeLayer
}
CONVOLUTIONS = {name: layer for name, layer in LAYERS.items() if hasattr(layer, "space")}
ROWS = {name: layer for name, layer in LAYERS.items() if name not in CONVOLUTIONS}


def options_of(layer: type, **wanted) -> dict:
    """Those of the options that the layer knows."""
    known = inspect.signature(layer).parameters
    return {name: value for name, value in wanted.items() if name in known}


def contract(layer: type, basis) -> type:
    options = options_of(layer, basis=basis, bias=True, scale=True)
    if hasattr(layer, "space"):
        space, kernel = layer.space, (3, 2, 2)[: layer.space]
        sizes, options = (4, 6, kernel), options | {"padding": 1, "groups": 2}
        side = (7, 4, 2)[space - 1]
        shapes = ((3, 4, *[side] * space), (1, 4, *[side + 1] * space), (0, 4, *[side] * space))
    else:
        sizes, shapes = (5, 3), ((4, 5), (1, 5), (0, 5), (17, 5), (2, 3, 5))

    class Generated(LayerContract):
        def make(self, **factory):
            return layer(*sizes, **options, **factory)

    Generated.shapes = shapes
    return Generated


for layer_name, layer_class in LAYERS.items():
    for basis_name, basis in BASES.items():
        if basis_name not in KINDS and layer_name != "KANLinear":
            continue
        title = f"Test_{layer_name}_on_{basis_name}"
        globals()[title] = type(title, (contract(layer_class, basis),), {})
        if basis_name != "bspline_per_feature" and layer_name not in ("KANLinear", "SaKANConv2d"):
            # the quick tests see each layer and each basis, not all pairs; nor need all pairs be compiled
            globals()[title].test_compiled_equals_eager = None
            globals()[title] = pytest.mark.slow(globals()[title])
        if basis_name not in KINDS:
            globals()[title].test_compiled_equals_eager = None  # the contract of the basis compiles it


@pytest.mark.slow
@pytest.mark.parametrize("basis", sorted(set(BASES) - KINDS))
@pytest.mark.parametrize("layer", LAYERS)
def test_backends_agree_on_all_bases(layer, basis):
    pair = contract(LAYERS[layer], BASES[basis])()
    pair.test_backends_agree(pair.shapes[0])


ROW_OPTIONS = [
    {"base": None},
    {"base": "identity"},
    {"grad_free": True},
    {"grad_free": True, "base": "gelu", "scale": True},
]


@pytest.mark.parametrize("options", ROW_OPTIONS, ids=str)
@pytest.mark.parametrize("layer", ROWS.values(), ids=ROWS)
def test_backends_agree_on_options_of_rows(layer, options):
    if options.get("base", "") is None and layer not in (edgewise.nn.KANLinear, edgewise.nn.SaKANLinear, SprecherLinear):
        pytest.skip("has to have a base branch")
    made = layer(5, 4, basis=BSpline(3, 2, outside="linear"), dtype=torch.float64, **options_of(layer, **options))
    assert_same_everywhere(made, torch.randn(7, 5, dtype=torch.float64))


CONVOLUTION_OPTIONS = [
    {"base": None},
    {"grad_free": True},
    {"stride": 2, "padding": 2},
    {"dilation": 2, "padding": "same"},
    {"groups": 3},
    {"groups": 6, "padding": 1},
    {"groups": 6, "out_channels": 12},
    {"groups": 6, "base": None, "grad_free": True},
    {"padding": 1, "padding_mode": "silent", "scale": True},
    {"padding": 1, "padding_mode": "silent", "stride": 2, "groups": 2},
    {"padding": 1, "padding_mode": "reflect"},
    {"padding": 1, "padding_mode": "replicate", "groups": 2},
    {"padding": 1, "padding_mode": "circular", "scale": True},
    {"kernel_size": 1, "scale": True},
]


@pytest.mark.parametrize("options", CONVOLUTION_OPTIONS, ids=str)
@pytest.mark.parametrize(
    "layer",
    [pytest.param(c, id=name, marks=() if c.space == 2 else pytest.mark.slow) for name, c in CONVOLUTIONS.items()],
)
def test_backends_agree_on_options_of_convolutions(layer, options):
    if options.get("padding") == "same" and "output_padding" in inspect.signature(layer).parameters:
        pytest.skip("cuts off a size")
    sizes = {"in_channels": 6, "out_channels": 6, "kernel_size": 2} | options_of(layer, **options)
    made = layer(**sizes, basis=BSpline(3, 2), dtype=torch.float64)
    assert_same_everywhere(made, torch.randn(2, 6, *[4] * layer.space, dtype=torch.float64))


def test_every_layer_is_exported():
    modules = [m for _, m in inspect.getmembers(edgewise.nn, inspect.ismodule)]
    public = {n for m in modules for n, c in vars(m).items() if inspect.isclass(c) and issubclass(c, EdgeLayer)}
    abstract = {"EdgeLayer", "DrawnLayer", "RowLayer", "WindowLayer", "KANConv", "KANConvTranspose", "SaKANConv"}
    assert {name for name in public if not name.startswith("_")} - abstract == set(LAYERS)


def small(layer: type, **options) -> torch.nn.Module:
    """A small one of the layer."""
    return layer(*((2, 4, 1) if "kernel_size" in inspect.signature(layer).parameters else (4, 2)), **options)


WITH_A_BASIS = {
    name: layer
    for name, layer in inspect.getmembers(edgewise.nn, inspect.isclass)
    if not inspect.isabstract(layer) and "basis" in inspect.signature(layer).parameters and name != "AttentionOperator"
}


@pytest.mark.parametrize("name", WITH_A_BASIS)
def test_every_layer_takes_a_basis_as_an_object_a_name_or_settings_and_nothing_else(name):
    layer = WITH_A_BASIS[name]
    options = {"rank": 2} if "rank" in inspect.signature(layer).parameters else {}
    shapes = [
        {key: p.shape for key, p in small(layer, basis=given, **options).named_parameters()}
        for given in (Chebyshev(4), "chebyshev", {"name": "chebyshev", "degree": 4})
    ]
    assert shapes[0] == shapes[1] == shapes[2]
    for given, words in ((Chebyshev, r"the class Chebyshev: write Chebyshev\(\)"), (None, "got None"), ([4], r"got \[4\]")):
        with pytest.raises(EdgewiseError, match=f"a basis is an object, a registered name or a dict .* {words}"):
            small(layer, basis=given, **options)


@pytest.mark.parametrize("name", [name for name in dir(edgewise.nn) if name[0].isupper()])
def test_all_arguments_are_spelled_out(name):
    made = getattr(edgewise.nn, name)
    if inspect.isclass(made):
        kinds = {p.kind for p in inspect.signature(made).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds
        assert made.__doc__
        assert "space}" not in made.__doc__
