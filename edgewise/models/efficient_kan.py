"""Whole networks of efficient-KAN, from their weights."""

import re
from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise

from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.nn import KANLinear

_NAME = re.compile(r"(?:.*\.)?layers\.(\d+)\.(\w+)")


def from_efficient_kan(state_dict: Mapping[str, Tensor], base: str = "silu") -> nn.Sequential:
    """The network that computes what efficient-KAN's ``KAN`` with this state dict computes, layer by layer.

    Args:
        state_dict: Of the whole network: ``layers.0.base_weight``, ``layers.0.spline_weight``, ... What stands before
            ``layers``, as ``module.`` after training on several devices, does not matter.
        base: The base activation, which a state dict does not tell.

    Shape:
        ``(*, inputs of the first layer) -> (*, outputs of the last)``

    Raises:
        ConfigError: These are not the weights of such a network, or some are missing.

    Example:
        >>> import torch
        >>> grid = torch.linspace(-2.2, 2.2, 12).repeat(2, 1)
        >>> weights = {"base_weight": torch.ones(1, 2), "spline_weight": torch.zeros(1, 2, 8), "grid": grid}
        >>> network = from_efficient_kan({f"layers.0.{name}": tensor for name, tensor in weights.items()})
        >>> network[0].edge.basis
        BSpline(grid_size=5, degree=3, domain=(-1.0, 1.0), outside='zero', knots='uniform')
    """
    layers: dict[int, dict[str, Tensor]] = defaultdict(dict)
    for name, tensor in state_dict.items():
        if (found := _NAME.fullmatch(name)) is None:
            raise ConfigError(
                f"not the weights of efficient-KAN's KAN: it has no {name!r}; they are called layers.0.grid, ..."
            )
        layers[int(found[1])][found[2]] = tensor
    if sorted(layers) != list(range(len(layers))) or not layers:
        raise ConfigError(f"weights of layers {sorted(layers)} are there: a network needs all of them, counted from 0")
    network = nn.Sequential(*(KANLinear.from_efficient_kan(layers[place], base) for place in range(len(layers))))
    for place, (before, after) in enumerate(pairwise(network)):
        if before.out_features != after.in_features:
            raise ConfigError(
                f"layer {place} has {before.out_features} outputs and layer {place + 1} {after.in_features} inputs: "
                "these weights are not of one network"
            )
    return network
