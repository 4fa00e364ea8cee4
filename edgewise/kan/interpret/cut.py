"""Cutting edges so that what they gave on average stays: a constant that another part of their subnode takes over."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise.kan.interpret.curves import check_rows
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network

EXACT = 1e-9  # by how much functions that are to sum to 1 may miss it on the rows
MESH = 4  # points a function, on which the coefficients of a constant are found
CONSTANT = "0"  # the function of an edge that is nothing but its number d


@dataclass(frozen=True)
class Difference:
    """How far the outputs of two networks lie apart on rows.

    Attributes:
        rms: Root mean square difference of each output, ``(outputs,)``.
        spread: Standard deviation (divisor N) of each output of the first network, ``(outputs,)``.
    """

    rms: Tensor
    spread: Tensor

    @property
    def relative(self) -> Tensor:
        """The difference in units of the spread, ``(outputs,)``; 0 where there is none, even of a constant output."""
        return torch.where(self.rms > 0, self.rms / self.spread, 0)


@torch.no_grad()
def difference(before: Network, after: Network, x: Tensor | None = None) -> Difference:
    """How much another network differs from a network on rows: what pruning or naming functions cost.

    Args:
        before: The network.
        after: The other, which takes the same rows.
        x: Rows, ``(N, inputs)``; by default those of the last fit.

    Raises:
        ConfigError, DataError, NonFiniteError: ``x`` is not rows of the network's inputs, is empty or not finite.

    Example:
        >>> from edgewise.kan import KAN
        >>> model, x = KAN([2, 5, 1]), torch.rand(100, 2)
        >>> difference(model, model.prune(x, 0.0, 0.0), x).relative.tolist()
        [0.0]
    """
    rows = check_rows(before, x)
    was, now = before(rows).double(), after(rows).double()
    return Difference((now - was).square().mean(0).sqrt(), (was - was.mean(0)).square().mean(0).sqrt())


@dataclass(frozen=True)
class Lost:
    """What a layer is to lose, each ``(subnodes, inputs)``, bool: edges with curves, and edges with formulas."""

    curves: Tensor
    formulas: Tensor


@torch.no_grad()
def cut(model: Network, lost: Sequence[Lost], x: Tensor) -> None:
    """Cut edges of a network, in place. The mean of each over the rows, behind all earlier cuts, stays in its subnode.

    Args:
        model: The network.
        lost: What each layer loses.
        x: Rows, ``(N, inputs)``.
    """
    rows = model.select(check_rows(model, x))
    for layer, gone in zip(model, lost, strict=True):
        constants = _means(layer, gone, rows).sum(1)
        layer.set_mask(layer.mask & ~gone.curves)
        if layer.symbolic is not None:
            for out, into in (gone.formulas & layer.symbolic.present).nonzero().tolist():
                layer.symbolic.clear(out, into)
        add_constants(layer, constants, rows, stays=~gone.curves.all(0))
        rows = layer(rows)


def varying_edges(layer: KANLayer) -> Tensor:
    """Which edges are there and more than a constant, ``(subnodes, inputs)``, bool."""
    edges = layer.edges()
    if layer.symbolic is None:
        return edges
    edges = edges.clone()
    for name, outs, inputs in layer.symbolic.groups():
        if name == CONSTANT:
            edges[outs, inputs] = layer.mask[outs, inputs]
    return edges


def _means(layer: KANLayer, gone: Lost, rows: Tensor) -> Tensor:
    """The means of what is lost of each edge, ``(subnodes, inputs)``, in float64."""
    features = layer.edge_features(rows).double().mean(0)  # shape: (in, F)
    means = torch.einsum("if,ifo->oi", features, layer.edge_weights().double()) * gone.curves
    if layer.symbolic is not None:
        values, outs, inputs = layer.symbolic.edge_values(rows)
        means[outs, inputs] += values.double().mean(0) * gone.formulas[outs, inputs]
    return means


@torch.no_grad()
def add_constants(layer: KANLayer, constants: Tensor, rows: Tensor, stays: Tensor | None = None) -> None:
    """Add a number to each subnode: to its bias, a formula, a curve that can take it, or else as an edge of its own.

    Args:
        layer: It changes in place.
        constants: The numbers, ``(subnodes,)``.
        rows: Inputs of the layer, ``(N, inputs)``, on which a curve is to be lifted exactly.
        stays: Which inputs an edge of its own may come from, ``(inputs,)``; any by default.
    """
    if layer.affine is not None:
        layer.affine["subnode_bias"] += (constants * layer.affine["subnode_scale"]).to(layer.coef)
        return
    stays = layer.mask.new_ones(layer.in_features) if stays is None else stays
    wanted = constants.nonzero().flatten().tolist()
    able = _constant_curves(layer, rows) if wanted else None
    for out in wanted:
        value = constants[out].item()
        formulas = [] if layer.symbolic is None else layer.symbolic.present[out].nonzero().flatten().tolist()
        if formulas:
            layer.enable_symbolic().affine[out, formulas[0], 3] += value
        elif able is None or not _bend(layer, out, value, *able):
            place = layer.mask[out] if layer.mask[out].any() else stays
            layer.enable_symbolic().fix(out, int(place.int().argmax()), CONSTANT, (1.0, 0.0, 0.0, value))


def _bend(layer: KANLayer, out: int, value: float, ones: Tensor, misses: Tensor) -> bool:
    """Add a number to the one curve into a subnode that takes it most exactly; whether there is one."""
    scale = torch.ones_like(misses) if layer.scale is None else layer.scale[out].double()
    misses = torch.where(layer.mask[out] & (scale.abs() > EXACT), misses, torch.inf)
    into = int(misses.argmin())
    if not misses[into] <= EXACT:
        return False
    layer.coef[into, :, out] += (value / scale[into] * ones[into]).to(layer.coef)
    return True


def _constant_curves(layer: KANLayer, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Coefficients that sum the functions of each input to 1, ``(in, K)``, and by how much that fails on rows, ``(in,)``.

    Splines sum to 1 on their grid, but not beyond it where they fade; polynomials hold the 1; Gaussians do not.
    """
    basis, state = layer.edge.basis, {name: tensor.double() for name, tensor in layer.state.tensors().items()}
    rows = rows.double()
    low, high = (end.expand(layer.in_features) for end in basis.bounds(rows, state))
    share = torch.linspace(0, 1, MESH * basis.num_functions + 1, dtype=torch.double, device=rows.device).unsqueeze(1)
    values = basis.evaluate(low + share * (high - low), state).transpose(0, 1)  # shape: (in, points, K)
    ones = torch.linalg.pinv(values).sum(-1)
    misses = (torch.einsum("nik,ik->ni", basis.evaluate(rows, state), ones) - 1).abs().amax(0)
    return ones, misses
