r"""A network with its derivatives by its inputs, carried from layer to layer: much cheaper than autograd twice over.

A layer sums :math:`s_q = \sum_p \phi_{qp}(t_p)`, and with the derivatives of each :math:`\phi` at hand

.. math:: \partial_i s_q = \sum_p \phi'_{qp}\, \partial_i t_p, \quad
    \partial_i \partial_j s_q =
        \sum_p \phi''_{qp}\, \partial_i t_p\, \partial_j t_p + \phi'_{qp}\, \partial_i \partial_j t_p.

Everything here can be differentiated once by the numbers of the network. What the derivatives of :math:`\phi` change by
when its argument does is the next of them, which is written down and not left to autograd.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from edgewise.bases import BSpline
from edgewise.bases.spline_derivatives import spline_derivatives
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network

Gradients = Literal["parameters", "edges", "none"]
HIGHEST = 2  # order that is carried


class Jet(NamedTuple):
    """Values and derivatives by d inputs; of an order that is not carried there are none, such as ``(N, n, 0)``."""

    value: Tensor  # (N, n)
    slopes: Tensor  # (N, n, d)
    curves: Tensor  # (N, n, pairs), by pairs i <= j


@dataclass(frozen=True, eq=False)
class Passed:
    """What one layer computed: what the derivatives by its numbers are made of.

    Args:
        layer: The layer.
        features: Derivatives of its functions, from order 0 on, ``(N, in, F)`` each.
        curves: Those of its edges, ``(N, in, subnodes)`` each; leaves, if derivatives by them are wanted.
    """

    layer: KANLayer
    features: list[Tensor]
    curves: list[Tensor]


def carries(network: Network) -> bool:
    """Whether a network is of the kind that is carried: splines with a base, sums and products, no formulas on edges."""
    return type(network).forward is Network.forward and all(
        isinstance(layer.edge.basis, BSpline)
        and not layer.edge.grad_free
        and layer.scale is None
        and layer.affine is None
        and (layer.symbolic is None or not layer.symbolic.groups())
        for layer in network
    )


def jet_of(network: Network, x: Tensor, order: int, gradients: Gradients) -> tuple[Jet, list[Passed]]:
    """The outputs of a network with their derivatives by its inputs, up to an order of at most 2.

    Args:
        network: A network that :func:`carries`.
        x: Inputs, ``(N, d)``.
        order: 0, 1 or 2.
        gradients: By what the result can be differentiated, once: the parameters, the curves of the edges, or nothing.
    """
    x = x.detach()
    count = x.shape[1]
    pairs, passed = _pairs(count if order > 1 else 0, x.device), []
    unit = torch.eye(count, dtype=x.dtype, device=x.device)[:, : count if order > 0 else 0]
    jet = Jet(x, unit.expand(len(x), -1, -1), x.new_zeros(len(x), count, pairs.shape[1]))
    for layer in network:
        jet, noted = _through(layer, jet, order, gradients, pairs)
        passed.append(noted)
    return jet, passed


def square(curves: Tensor, count: int) -> Tensor:
    """Second derivatives by all i and j: ``(N, n, pairs)`` to ``(N, n, d, d)``."""
    first, second = _pairs(count, curves.device)
    place = torch.empty(count, count, dtype=torch.long, device=curves.device)
    place[first, second] = place[second, first] = torch.arange(len(first), device=curves.device)
    return curves[..., place]


def _pairs(count: int, device: torch.device) -> Tensor:
    return torch.triu_indices(count, count, device=device)


def _through(layer: KANLayer, jet: Jet, order: int, gradients: Gradients, pairs: Tensor) -> tuple[Jet, Passed]:
    t = jet.value
    moves = t.requires_grad  # as the numbers of the layers before do
    features = _features(layer, t.detach(), order + moves)
    weights = layer.edge_weights() if gradients == "parameters" else layer.edge_weights().detach()
    curves = [torch.bmm(part.transpose(0, 1), weights).transpose(0, 1) for part in features]
    if gradients == "edges":
        curves = [part.requires_grad_() for part in curves[: order + 1]] + [*curves[order + 1 :]]
    noted = Passed(layer, features[: order + 1], curves[: order + 1])
    if moves:
        step = (t - t.detach()).unsqueeze(-1)  # zero, with a slope of one
        curves = [part + after.detach() * step for part, after in pairwise(curves)]
    value = curves[0].sum(1)
    slopes, second = (value.new_zeros(*value.shape, part.shape[2]) for part in (jet.slopes, jet.curves))
    if order > 0:
        slopes = torch.bmm(curves[1].transpose(1, 2), jet.slopes)
    if order > 1:
        products = jet.slopes[..., pairs[0]] * jet.slopes[..., pairs[1]]
        second = torch.bmm(curves[2].transpose(1, 2), products) + torch.bmm(curves[1].transpose(1, 2), jet.curves)
    return _join(layer, Jet(value, slopes, second), pairs), noted


def _features(layer: KANLayer, t: Tensor, highest: int) -> list[Tensor]:
    """The functions ``[b, B_1 .. B_K]`` and their derivatives, ``(N, in, F)`` each."""
    basis = layer.edge.basis
    assert isinstance(basis, BSpline)
    splines = spline_derivatives(basis, t, layer.state.tensors(), highest)
    if layer.base_weight is None:
        return splines
    with torch.enable_grad():
        t = t.clone().requires_grad_()
        base = [layer.edge.base_values(t)]
        for _ in range(highest):
            total = base[-1].sum()
            known = total.requires_grad
            base += torch.autograd.grad(total, t, create_graph=True, materialize_grads=True) if known else [0 * base[0]]
    return [torch.cat([b.detach().unsqueeze(-1), s], -1) for b, s in zip(base, splines, strict=True)]


def _join(layer: KANLayer, jet: Jet, pairs: Tensor) -> Jet:
    """From subnodes to nodes: the sums as they are, and the products, of each as many as its arity says."""
    if not layer.arities:
        return jet
    parts, first = [_nodes(jet, 0, layer.sums)], layer.sums
    for arity in layer.arities:
        product = _nodes(jet, first, 1)
        for place in range(first + 1, first + arity):
            product = _times(product, _nodes(jet, place, 1), pairs)
        parts.append(product)
        first += arity
    return Jet(*(torch.cat(tensors, 1) for tensors in zip(*parts, strict=True)))


def _nodes(jet: Jet, first: int, count: int) -> Jet:
    return Jet(*(tensor.narrow(1, first, count) for tensor in jet))


def _times(one: Jet, other: Jet, pairs: Tensor) -> Jet:
    a, b = one.value.unsqueeze(-1), other.value.unsqueeze(-1)
    i, j = pairs
    mixed = one.slopes[..., i] * other.slopes[..., j] + one.slopes[..., j] * other.slopes[..., i]
    slopes, curves = one.slopes * b + a * other.slopes, one.curves * b + a * other.curves + mixed
    return Jet(one.value * other.value, slopes, curves)
