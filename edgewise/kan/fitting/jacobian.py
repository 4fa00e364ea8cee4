"""The derivatives of a network's outputs with respect to its parameters, sample by sample.

Samples do not meet, so the gradients of an output with respect to all subnodes of all samples are one backward pass; the
edges that end in a subnode are linear in their coefficients, so their derivatives are those gradients times the functions.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.kan.functions import function
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network


@dataclass
class _Layer:
    """One layer's forward pass with the small parameters copied for each sample."""

    layer: KANLayer
    features: Tensor  # (N, in, F)
    subnodes: Tensor  # (N, S), a leaf of the outputs' derivative
    copies: dict[str, Tensor]  # (N, *shape) of parameters that enter otherwise, by their names in the layer


def jacobian(model: Network, x: Tensor, first: Tensor | None = None) -> tuple[Tensor, Tensor, list[Tensor]]:
    """The outputs and their derivatives.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``.
        first: The functions of the first layer at the samples, ``(N, inputs, F)``, if they are known already.

    Returns:
        The outputs ``(N, outputs)``, the derivatives ``(N, outputs, P)``, and the parameters of the P columns in order.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([2, 1], base=None, grid=3)
        >>> [tuple(t.shape) for t in jacobian(model, torch.rand(10, 2))[:2]]
        [(10, 1), (10, 1, 12)]
    """
    x, passed = model.select(x), []
    with torch.enable_grad():
        for layer in model:
            passed.append(_forward(layer, x, None if passed else first))
            x = _join(passed[-1])
        outputs = x.sum(0).unbind()
    leaves = [leaf for p in passed for leaf in (p.subnodes, *p.copies.values())]
    rows = [_gradients(output, leaves, o + 1 < len(outputs)) for o, output in enumerate(outputs)]
    gradients = iter([torch.stack(parts, 1) for parts in zip(*rows, strict=True)])  # each (N, outputs, ...)
    columns, parameters = [], []
    for p in passed:
        by_subnode = next(gradients)
        for parameter, column in _of_edges(p, by_subnode):
            parameters.append(parameter)
            columns.append(column.flatten(2))
        for name in p.copies:
            parameters.append(p.layer.get_parameter(name))
            columns.append(next(gradients).flatten(2))
    kept = [i for i, parameter in enumerate(parameters) if parameter.requires_grad]
    return x.detach(), torch.cat([columns[i] for i in kept], -1), [parameters[i] for i in kept]


def _gradients(total: Tensor, leaves: list[Tensor], again: bool) -> tuple[Tensor, ...]:
    # shape: total (), leaves and gradients each (N, ...)
    return torch.autograd.grad(total, leaves, retain_graph=again, materialize_grads=True)


def _forward(layer: KANLayer, x: Tensor, features: Tensor | None = None) -> _Layer:
    # shape: x (N, in), features (N, in, F)
    features = layer.edge_features(x) if features is None else features
    subnodes = torch.einsum("nif,ifs->ns", features, layer.edge_weights().detach())
    copies = {}
    if layer.symbolic is not None and layer.symbolic.groups():
        copies["symbolic.affine"] = affine = _copied(layer.symbolic.affine, len(x))
        for name, out, into in layer.symbolic.groups():
            a, b, c, d = affine[:, out, into].unbind(-1)
            subnodes = subnodes.index_add(1, out, c * function(name)(a * x[:, into] + b) + d)
    if not subnodes.requires_grad:
        subnodes.requires_grad_()
    if layer.affine is not None:
        copies |= {f"affine.{name}": _copied(parameter, len(x)) for name, parameter in layer.affine.items()}
    return _Layer(layer, features.detach(), subnodes, copies)


def _copied(parameter: Tensor, samples: int) -> Tensor:
    # shape: parameter (*shape) to (N, *shape)
    return parameter.detach().expand(samples, *parameter.shape).contiguous().requires_grad_()


def _join(p: _Layer) -> Tensor:
    # shape: to the nodes (N, nodes)
    own = {name.removeprefix("affine."): copy for name, copy in p.copies.items() if name.startswith("affine.")}
    return p.layer.join(p.subnodes, own or None)


def _of_edges(p: _Layer, gradient: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Derivatives by coefficients, base weights and scales: ``(N, outputs, *shape of the parameter)``."""
    layer, features, found = p.layer, p.features, []
    mask = layer.mask.to(features.dtype)
    if layer.base_weight is not None:
        base, features = features[..., 0], features[..., 1:]
        found.append((layer.base_weight, torch.einsum("ni,nos,si->nosi", base, gradient, mask)))
    if layer.scale is not None:
        splines = torch.einsum("nik,iks->nsi", features, layer.coef.detach())
        found.append((layer.scale, torch.einsum("nsi,nos,si->nosi", splines, gradient, mask)))
        mask = mask * layer.scale.detach()
    found.append((layer.coef, torch.einsum("nik,nos,si->noiks", features, gradient, mask)))
    return found
