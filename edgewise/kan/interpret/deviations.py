"""Standard deviations of all edges on samples, without computing a single edge.

A numeric edge is linear in the functions f = [b, B_1 .. B_K] of its input: phi = w f, so its variance over samples is
w' C w with C the covariance of f, one small matrix an input shared by all outputs. No (samples, outputs, inputs) tensor.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._ground.errors import DataError
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network, Trace
from edgewise.ops.edge import in_full_precision


@dataclass(frozen=True)
class Deviations:
    """Standard deviations over samples (divisor N - 1) of what one layer computes, in float32 at least.

    Attributes:
        inputs: Of its inputs, ``(in,)``.
        numeric: Of its edges without their symbolic parts, ``(subnodes, in)``.
        total: Of its edges, ``(subnodes, in)``.
        subnodes: Of the sums over edges, ``(subnodes,)``.
        covariance: Of the functions of each input, ``(in, [1 +] K, [1 +] K)``, in float64.
    """

    inputs: Tensor
    numeric: Tensor
    total: Tensor
    subnodes: Tensor
    covariance: Tensor


def deviations(model: Network, trace: Trace) -> list[Deviations]:
    """The standard deviations of each layer; differentiable, with subgradient 0 where one is zero.

    Args:
        model: The network.
        trace: What it computed on samples, ``model.trace(x)``.

    Raises:
        DataError: Fewer than two samples.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([2, 3, 1])
        >>> [tuple(d.total.shape) for d in deviations(model, model.trace(torch.rand(10, 2)))]
        [(3, 2), (1, 3)]
    """
    if len(trace.output) < 2:
        raise DataError(f"a standard deviation needs at least 2 samples, got {len(trace.output)}")
    return [_of_layer(*parts) for parts in zip(model, trace.inputs, trace.subnodes, strict=True)]


def _of_layer(layer: KANLayer, x: Tensor, subnodes: Tensor) -> Deviations:
    # shape: x (N, in), subnodes (N, S)
    x, subnodes = in_full_precision(x), in_full_precision(subnodes)
    features, weights = layer.edge_features(x), in_full_precision(layer.edge_weights())  # (N, in, F), (in, F, out)
    centred = features.double() - features.double().mean(0)  # the mean of equal numbers, rounded, may be another
    flat = centred.transpose(0, 1)
    covariance = flat.mT @ flat / (len(x) - 1)
    wide = weights.double()
    numeric = _root(((covariance @ wide) * wide).sum(1)).t().to(x.dtype)
    total = numeric
    if layer.symbolic is not None and layer.symbolic.groups():
        values, outs, inputs = layer.symbolic.edge_values(x)
        values = values + (features[:, inputs] * weights[inputs, :, outs]).sum(-1)
        total = numeric.index_put((outs, inputs), _deviation(values))
    return Deviations(_deviation(x), numeric, total, _deviation(subnodes), covariance)


def _deviation(x: Tensor) -> Tensor:
    # shape: x (N, ...) to (...)
    centred = x.double() - x.double().mean(0)
    return _root(centred.square().sum(0) / (len(x) - 1)).to(x.dtype)


def _root(variance: Tensor) -> Tensor:
    """The square root with derivative 0 at 0; a negative number is one that rounding left of zero, a NaN stays."""
    none = variance <= 0
    return torch.where(none, 1, variance).sqrt() * ~none
