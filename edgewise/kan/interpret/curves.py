"""The functions on the edges of a layer, as numbers: what is drawn and what formulas are fitted to."""

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError
from edgewise.bases import BSpline
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network


def edge_curves(layer: KANLayer, points: Tensor) -> Tensor:
    r"""What each edge gives, :math:`m_{qp} \phi_{qp}(x_p) + c_{qp} f_{qp}(a_{qp} x_p + b_{qp}) + d_{qp}`.

    Their sum over inputs is ``layer.subnodes(points)``.

    Args:
        layer: A layer of a network.
        points: Points of each input, ``(n, inputs)``.

    Returns:
        The values, ``(n, subnodes, inputs)``; zero on edges that are cut.

    Example:
        >>> from edgewise.kan import KAN
        >>> layer, x = KAN([3, 2])[0], torch.rand(5, 3)
        >>> torch.allclose(edge_curves(layer, x).sum(-1), layer.subnodes(x), atol=1e-6)
        True
    """
    curves = torch.einsum("nik,iko->noi", layer.edge_features(points), layer.edge_weights())
    if layer.symbolic is not None and layer.symbolic.groups():
        values, outs, inputs = layer.symbolic.edge_values(points)
        rows = torch.arange(len(points), device=points.device).unsqueeze(1)
        curves = curves.index_put((rows, outs, inputs), values, accumulate=True)
    return curves


def edge_curve(layer: KANLayer, out: int, into: int, t: Tensor) -> Tensor:
    """What one edge gives at the points ``t``, ``(n,) -> (n,)``.

    Args:
        layer: A layer of a network.
        out: The subnode in which the edge ends.
        into: The input from which it comes.
        t: Points of that input.

    Raises:
        ConfigError: There is no such edge.

    Example:
        >>> from edgewise.kan import KAN
        >>> layer = KAN([1, 1], base=None)[0]
        >>> layer.fix_symbolic(0, 0, "x^2", (1.0, 0.0, 3.0, 0.5))
        >>> edge_curve(layer, 0, 0, torch.tensor([2.0])).tolist()
        [12.5]
    """
    check_edge(layer, out, into)
    return edge_curves(layer, t.unsqueeze(1).expand(-1, layer.in_features))[:, out, into]


def check_edge(layer: KANLayer, out: int, into: int) -> None:
    """Raise a ConfigError unless the layer has that edge, cut or not."""
    if not (0 <= out < layer.out_features and 0 <= into < layer.in_features):
        raise ConfigError(
            f"the layer has subnodes 0 to {layer.out_features - 1} and inputs 0 to {layer.in_features - 1}, "
            f"and no edge from input {into} to subnode {out}"
        )


def edges_present(layer: KANLayer) -> tuple[Tensor, Tensor]:
    """Which edges have a numeric part and which a formula, both ``(subnodes, inputs)``; the rest is cut."""
    formulas = torch.zeros_like(layer.mask) if layer.symbolic is None else layer.symbolic.present
    return layer.mask, formulas


def ranges(x: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the greatest finite number of each column, taken apart where they are the same but for rounding.

    Example:
        >>> [end.tolist() for end in ranges(torch.tensor([[0.0, 2.0], [3.0, 2.0], [torch.nan, 2.0]]))]
        [[0.0, 1.0], [3.0, 3.0]]
    """
    finite = x.isfinite()
    none = ~finite.any(0)
    lo = x.where(finite, torch.inf).amin(0).masked_fill(none, 0)
    hi = x.where(finite, -torch.inf).amax(0).masked_fill(none, 0)
    size = torch.maximum(lo.abs(), hi.abs())
    same = hi - lo <= 64 * torch.finfo(x.dtype).eps * size
    room = torch.where(same, 0.5 * size.clamp(min=1), 0)
    return lo - room, hi + room


def inner_knots(layer: KANLayer, into: int) -> Tensor:
    """The knots on the domain of an input; its two ends where the basis has no grid."""
    basis, state = layer.edge.basis, layer.state.tensors()
    if isinstance(basis, BSpline) and "knots" in state:
        return state["knots"][into, basis.degree : basis.degree + basis.grid_size + 1]
    lo, hi = basis.bounds(layer.coef.new_zeros(1, layer.in_features), state)
    lo, hi = (end.expand(layer.in_features)[into].item() for end in (lo, hi))
    count = basis.grid_size if isinstance(basis, BSpline) else 1
    return torch.linspace(lo, hi, count + 1, device=layer.coef.device, dtype=layer.coef.dtype)


def check_rows(model: Network, x: Tensor | None) -> Tensor:
    """The rows ``x``, ``(N, inputs)``, on the device and in the dtype of the network that is to be read on them.

    Without rows they are those that the network remembers of its last fit.

    Raises:
        ConfigError: There are no rows; ``x`` is not a matrix, or has another number of columns than the network takes.
        DataError: ``x`` has no row.
        NonFiniteError: A number in ``x`` is NaN or infinite.
    """
    if (x := model.rows if x is None else x) is None:
        raise ConfigError(
            f"a network is read on rows: give x, rows (N, {model[0].in_features}) of the data, or fit the network first, "
            "which remembers some"
        )
    x = torch.as_tensor(x).to(model[0].coef)
    if x.dim() != 2 or (model.inputs is None and x.shape[1] != model[0].in_features):
        raise ConfigError(f"x must be rows of the {model[0].in_features} inputs of the network, got shape {tuple(x.shape)}")
    if not len(x):
        raise DataError("x has no rows: edges are read over the range of their inputs, which takes at least one sample")
    bad = (~model.select(x).isfinite()).nonzero()
    if len(bad):
        row, column = bad[0].tolist()
        raise NonFiniteError(f"row {row} of x is not finite in input {column} of the network: leave out such rows")
    return x
