"""A warm start: a new layer that computes what the old one did, its functions starting at zero."""

import math
from typing import cast

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.precision import as_written
from edgewise.models.kanify_layers import CONVOLUTIONS, TRANSPOSED, Layer
from edgewise.nn.layer import EdgeLayer
from edgewise.ops import use_backend


def start_as(old: Layer, new: nn.Module, name: str) -> None:
    """Let ``new`` compute what ``old`` does: the very weight and bias go into its base branch, its functions become zero.

    Raises:
        ConfigError: ``new`` has no base branch that could carry them, or computes something else all the same.
    """
    if not isinstance(new, EdgeLayer) or getattr(new, "base_weight", None) is None:
        raise _refused(name, f"{type(new).__name__} has no base branch to carry the weights")
    if new.edge.base != "identity":
        raise _refused(name, f"its base function is {new.edge.base!r} and must be 'identity'")
    weight = _carried(old)
    if new.base_weight.shape != weight.shape or (new.bias is None) != (old.bias is None):
        raise _refused(name, f"{type(new).__name__} has no place for a weight {tuple(weight.shape)} and that bias")
    with torch.no_grad():
        new.coef.zero_()
    new.base_weight = weight
    if old.bias is not None:
        new.bias = old.bias
    if not old.weight.is_meta and not _same(old, new):
        raise _refused(name, f"{type(new).__name__} computes something else even so")


def _carried(old: Layer) -> Tensor:
    """The weight as base weights are laid out; where it can be the same object, so that ties are kept."""
    if not isinstance(old, TRANSPOSED):
        return old.weight
    grouped = old.weight.detach().unflatten(0, (old.groups, -1))  # (groups, in, out, *kernel)
    return nn.Parameter(grouped.transpose(1, 2).flatten(0, 1).contiguous(), old.weight.requires_grad)


def _refused(name: str, reason: str) -> ConfigError:
    return ConfigError(f"{name!r} cannot start as the layer it replaces: {reason}; or use warm_start=False")


@torch.no_grad()
def _same(old: Layer, new: nn.Module) -> bool:
    """Whether two layers agree on an input, but for rounding."""
    x = _probe(old)
    with use_backend("plain"), as_written(x):
        expected, found = old(x), new(x)
    if expected.shape != found.shape:
        return False
    tolerance = min(1000 * torch.finfo(x.dtype).eps, 0.05) * expected.abs().amax()
    return bool((expected - found).abs().amax() <= tolerance)


def _probe(layer: Layer) -> Tensor:
    """Two inputs, as small as the layer takes them."""
    weight = layer.weight
    if isinstance(layer, nn.Linear):
        shape = (layer.in_features,)
    elif isinstance(layer, CONVOLUTIONS):
        spans = [d * (k - 1) + 1 for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        border = 0 if isinstance(layer.padding, str) else max(layer.padding)
        shape = (layer.in_channels, *(max(span, border + 1) + 1 for span in spans))
    else:
        padding = cast("tuple[int, ...]", layer.padding)  # never a word
        cut = zip(padding, layer.stride, strict=True)  # as many more inputs as the padding takes outputs away
        shape = (layer.in_channels, *(2 + math.ceil(2 * p / s) for p, s in cut))
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, *shape, generator=generator).to(weight)
