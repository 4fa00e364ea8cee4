import copy
from collections import Counter

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from edgewise import ConfigError
from edgewise.bases import BSpline
from edgewise.nn import GroupRational, KANConv2d, KANLinear, SaKANLinear, edge_layers, parameter_kinds


def test_edge_layers_are_found_by_what_they_are():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(KANLinear(2, 2), nn.ReLU()), SaKANLinear(2, 1))
    assert [name for name, _ in edge_layers(model)] == ["1.0", "2"]


def test_kinds_do_not_depend_on_names():
    model = nn.ModuleDict(
        {
            "coef": nn.Linear(2, 3),
            "norm": nn.LayerNorm(3),
            "conv": nn.Conv2d(3, 3, 1),
            "bias": KANLinear(3, 2, scale=True, bias=True),
            "sakan": SaKANLinear(2, 2),
            "rational": GroupRational(4, 2),
        }
    )
    assert parameter_kinds(model) == {
        "coef.weight": "weight",
        "coef.bias": "offset",
        "norm.weight": "offset",
        "norm.bias": "offset",
        "conv.weight": "weight",
        "conv.bias": "offset",
        "bias.coef": "coefficient",
        "bias.scale": "coefficient",
        "bias.base_weight": "weight",
        "bias.bias": "offset",
        "sakan.coef": "coefficient",
        "sakan.mix": "coefficient",
        "sakan.base_weight": "weight",
        "rational.numerator": "coefficient",
        "rational.denominator": "coefficient",
    }


def test_a_module_of_ones_own_may_declare_its_coefficients():
    class Own(nn.Linear):
        coefficients = ("weight",)

    class Other(nn.Linear):
        @property
        def coefficients(self):
            raise AssertionError

    assert parameter_kinds(nn.Sequential(Own(2, 2), Other(2, 2, bias=False))) == {
        "0.weight": "coefficient",
        "0.bias": "offset",
        "1.weight": "weight",
    }


def pruned(layer, name):
    prune.l1_unstructured(layer, name, amount=0.5)
    return layer


SAME_NUMBERS = {
    "pruned": lambda layer, name: pruned(layer, name),
    "parametrized": lambda layer, name: parametrize.register_parametrization(layer, name, nn.Tanh(), unsafe=True),
    "of unit norm": lambda layer, name: parametrizations.weight_norm(layer, name),
}


@pytest.mark.parametrize("layer", [KANLinear(3, 2, scale=True), KANConv2d(3, 2, 1), GroupRational(4, 2)], ids=str)
@pytest.mark.parametrize("change", SAME_NUMBERS.values(), ids=SAME_NUMBERS)
def test_coefficients_that_are_made_from_others_stay_coefficients(layer, change):
    before = Counter(parameter_kinds(layer).values())
    changed = copy.deepcopy(layer)
    for name in type(layer).coefficients:
        if getattr(layer, name) is not None:
            change(changed, name)
    kinds = parameter_kinds(changed)
    assert {kinds[name] for name in kinds if "base_weight" not in name} == {"coefficient"}
    assert Counter(kinds.values())["weight"] == before["weight"]


@pytest.mark.parametrize(
    "layer", [KANLinear(2, 2, bias=True), SaKANLinear(2, 2), KANConv2d(2, 2, 1), GroupRational(2, 1)], ids=str
)
def test_an_input_of_another_dtype_is_refused_as_by_a_dense_layer(layer):
    x = torch.ones(1, 2, 1, 1) if isinstance(layer, KANConv2d) else torch.ones(1, 2)
    for dtype in (torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.bool):
        with pytest.raises(RuntimeError):
            nn.Linear(2, 2)(torch.ones(1, 2, dtype=dtype))
        with pytest.raises(ConfigError, match=f"x is {dtype} and the layer is torch.float32"):
            layer(x.to(dtype))
        with pytest.raises(ConfigError, match=r"the layer is torch\.float64"):
            copy.deepcopy(layer).double()(x)
    with torch.autocast("cpu"):
        assert layer(x.bfloat16()).isfinite().all()
        with pytest.raises(RuntimeError):
            nn.Linear(2, 2)(torch.ones(1, 2, dtype=torch.float64))
        with pytest.raises(ConfigError, match=r"x\.to\(torch\.float32\)"):
            layer(x.double())


def test_knots_move_with_the_layer():
    layer = KANConv2d(3, 2, 1, basis=BSpline(knots="per-feature"))
    assert list(layer.state_dict()) == ["coef", "base_weight", "state.knots"]
    assert layer.double().state.knots.dtype == torch.float64
    assert not dict(layer.named_parameters()).keys() & {"state.knots"}


def test_reset_restores_the_knots():
    layer = KANLinear(3, 2, BSpline(knots="per-feature"))
    before = layer.state.knots.clone()
    layer.state.knots.mul_(2)
    layer.state.reset_parameters()
    assert torch.equal(layer.state.knots, before)
