"""A whole network of efficient-KAN, against its own arithmetic."""

from itertools import pairwise

import pytest
import torch
from scipy.interpolate import BSpline as ScipySpline
from torch import Tensor

from edgewise import ConfigError
from edgewise.models import from_efficient_kan
from edgewise.testing import assert_within

WIDTH, GRID, ORDER = (3, 5, 4, 2), 6, 3


def weights() -> dict[str, Tensor]:
    generator, state = torch.Generator().manual_seed(0), {}
    for place, (into, out) in enumerate(pairwise(WIDTH)):
        grid = torch.arange(-ORDER, GRID + ORDER + 1, dtype=torch.float64) * 2 / GRID - 1
        shapes = {"base_weight": (out, into), "spline_weight": (out, into, GRID + ORDER), "spline_scaler": (out, into)}
        own = {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}
        own["grid"] = (grid + 0.1 * place).repeat(into, 1)
        state |= {f"layers.{place}.{name}": tensor for name, tensor in own.items()}
    return state


def computed(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """What the network says, by scipy's splines, which vanish beyond their knots."""
    for place in range(len(WIDTH) - 1):
        own = {name: state[f"layers.{place}.{name}"] for name in ("base_weight", "spline_weight", "spline_scaler", "grid")}
        y = torch.nn.functional.gelu(x) @ own["base_weight"].t()
        for i in range(x.shape[1]):
            knots = own["grid"][i].numpy()
            for j in range(GRID + ORDER):
                element = ScipySpline.basis_element(knots[j : j + ORDER + 2], extrapolate=False)
                values = torch.from_numpy(element(x[:, i].numpy())).nan_to_num()
                y += values.unsqueeze(1) * own["spline_weight"][:, i, j] * own["spline_scaler"][:, i]
        x = y
    return x


@pytest.mark.parametrize("prefix", ["", "module.", "model.kan."])
def test_a_whole_network_computes_the_same(prefix):
    state, x = weights(), torch.randn(50, 3, dtype=torch.float64)
    network = from_efficient_kan({prefix + name: tensor for name, tensor in state.items()}, base="gelu")
    assert_within(network(x).detach(), computed(state, x), 1e-10)


def without(part: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in weights().items() if part not in name}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (without("layers.1"), r"weights of layers \[0, 2\] are there"),
        ({}, r"weights of layers \[\] are there"),
        (without("1.grid"), "lacks grid"),
        (weights() | {"head.weight": torch.zeros(1)}, "it has no 'head.weight'"),
        (
            {name.replace("layers.2", "layers.1"): t for name, t in without("layers.1").items()},
            "layer 0 has 5 outputs and layer 1 4 inputs",
        ),
    ],
)
def test_other_weights_are_refused(state, message):
    with pytest.raises(ConfigError, match=message):
        from_efficient_kan(state)
