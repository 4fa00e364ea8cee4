import torch
from torch import nn

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
