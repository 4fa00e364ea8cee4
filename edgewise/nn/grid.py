"""Moving the knots of a layer of B-splines without changing its functions.

Coefficients on new knots are the L2 projection of the old function over the new domain. No samples enter it, so cells
without samples keep their function, and where the new knots can represent the old function it stays what it was.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, DataError
from edgewise.bases import BSpline
from edgewise.nn.knots import extended, interpolated, moved, stored, transfer
from edgewise.nn.layer import BasisState, DrawnLayer, EdgeLayer
from edgewise.nn.outlying import far_out
from edgewise.nn.ranks import as_on_first, rows_of_all
from edgewise.nn.window import WindowLayer

WORKING_NUMBERS = 2**18  # float64 numbers in the largest arrays of a step; with the temporary ones some 50 MiB


@torch.no_grad()
def refine_grid(layer: EdgeLayer, grid_size: int) -> None:
    r"""Give the splines of ``layer`` another number of intervals on the same domain, in place.

    :math:`c' = \arg\min \int_{lo}^{hi} (\sum_j c'_j B'_j - \sum_j c_j B_j)^2`: exact on the domain, and under
    ``outside="clamp"`` or ``"linear"`` everywhere, where the new knots contain the old, as for a multiple of the old
    grid size. Fewer intervals cannot hold the functions, so they are refused. Uniform knots stay uniform; others are
    interpolated over their index. ``layer.coef`` becomes a new parameter: make the optimizer afterwards.

    Args:
        layer: A KAN or SaKAN layer, linear or convolution.
        grid_size: The new number of intervals, at least the old one.

    Raises:
        ConfigError: The layer has no B-splines or ``grid_size`` is below that of the layer.

    Example:
        >>> from edgewise.nn import KANLinear
        >>> layer, x = KANLinear(2, 3, BSpline(grid_size=5)), 2 * torch.rand(100, 2) - 1
        >>> before = layer(x)
        >>> refine_grid(layer, 10)
        >>> layer.coef.shape, torch.allclose(layer(x), before, atol=1e-5)
        (torch.Size([2, 13, 3]), True)
    """
    old = _spline_of(layer)
    if grid_size < old.grid_size:
        raise ConfigError(
            f"refining goes to more intervals than the {old.grid_size} that the layer has, got grid_size={grid_size}: "
            "fewer could not hold its functions; for a coarser one make a new layer and fit it"
        )
    before = _knots_of(layer, old)
    new = replace(old, grid_size=grid_size)
    inner = before[:, old.degree : old.degree + old.grid_size + 1]
    position = torch.arange(grid_size + 1, device=inner.device, dtype=torch.float64) * old.grid_size / grid_size
    after = extended(interpolated(inner, position.expand(len(inner), -1)), old.degree)
    if old.knots == "per-feature":
        after = stored(after, layer.coef.dtype)
    coef = _by_edge(layer, _project(layer, old, before, new, after))
    _set_knots(layer, new, after)
    layer.coef = nn.Parameter(coef.contiguous(), requires_grad=layer.coef.requires_grad)


def check_stages(layers: Iterable[EdgeLayer], grids: Sequence[int]) -> None:
    """Raise an error unless the layers can be refined to each of the grids in turn.

    Raises:
        ConfigError: A layer has no B-splines, or a grid is coarser than the one before it.
    """
    for layer in layers:
        sizes = [_spline_of(layer).grid_size, *grids]
        if any(after < before for before, after in pairwise(sizes)):
            raise ConfigError(
                f"grids go from coarse to fine, and a layer starts with {sizes[0]} intervals, got grids={list(grids)}: "
                f"make the network with grid={grids[0]}"
            )


@torch.no_grad()
def update_grid(layer: EdgeLayer, x: Tensor, eps: float = 0.02, margin: float = 0.0) -> None:
    r"""Move the knots of ``layer`` to where its inputs ``x`` are, in place; each feature gets knots of its own.

    The domain becomes the range of the samples. Knots inside are :math:`\epsilon u_i + (1 - \epsilon) q_i` with
    :math:`u_i` evenly spaced and :math:`q_i` the quantiles of the samples (Liu et al., arXiv:2404.19756). Coefficients
    are projected as in :func:`refine_grid`; ``layer.coef`` stays the same parameter. A feature with samples of one value
    only keeps its knots and its coefficients; numbers that are not finite are left out. Zeros with which a
    convolution pads are inputs too: the domain of each channel then contains 0. Layers that share a function among
    all inputs share the knots, for the samples of all inputs together. Under ``outside="linear"`` single samples far from
    all others (:func:`edgewise.nn.outlying.far_out`) are left to the straight line: a grid that reached them would have all
    others in one cell.

    In a process group (``torch.distributed``) the samples of all ranks count, and all end with the same knots and
    coefficients to the bit: each rank must call it, as it must for any collective operation.

    Under ``outside="zero"`` a domain that grows takes in the old margin, where the function falls steeply from what it
    was to zero. Many updates from a few samples each can make the coefficients at the ends explode: give hundreds of
    samples, or use ``outside="clamp"``.

    Args:
        layer: A KAN or SaKAN layer, linear or convolution.
        x: An input of the layer, of any shape it takes; all pixels of a channel are its samples.
        eps: 1 for evenly spaced knots, 0 for quantiles.
        margin: Widens the domain at both ends by this fraction of the range.

    Raises:
        ConfigError: The layer has no B-splines, ``x`` does not fit it, ``eps`` is not from 0 to 1 or ``margin`` is below 0.
        DataError: A feature has no finite sample, or one too large for the layer's dtype.

    Example:
        >>> from edgewise.nn import KANLinear
        >>> layer = KANLinear(2, 3)
        >>> update_grid(layer, torch.tensor([[0.0, 1.0], [1.0, 2.0], [2.0, 4.0]]), eps=0.0)
        >>> [bound.tolist() for bound in layer.edge.basis.bounds(torch.zeros(2), layer.state.tensors())]
        [[0.0, 1.0], [2.0, 4.0]]
    """
    old = _spline_of(layer)
    before = _knots_of(layer, old)
    if not 0 <= eps <= 1 or not 0 <= margin < math.inf:
        raise ConfigError(f"eps must be from 0 to 1 and margin finite and at least 0, got eps={eps} and margin={margin}")
    new = replace(old, knots="per-feature")
    samples = _samples_of(layer, x)
    if old.outside == "linear":
        samples = samples.where(~far_out(samples), math.nan)
    step = max(1, WORKING_NUMBERS // samples.shape[1])
    parts = [moved(part, old.grid_size, layer.coef.dtype, eps, margin) for part in samples.split(step)]
    inner, still = (torch.cat(column) for column in zip(*parts, strict=True))
    after = torch.where(still.unsqueeze(-1), before, extended(inner, old.degree))
    after = stored(after, layer.coef.dtype)
    rows, fitted = _by_feature(layer, layer.coef), _project(layer, old, before, new, after)
    layer.coef.copy_(_by_edge(layer, torch.where(still.view(-1, 1, 1), rows, fitted)))
    _set_knots(layer, new, after)
    as_on_first([layer.coef, *layer.state.buffers()])


def _spline_of(layer: EdgeLayer) -> BSpline:
    if not isinstance(layer.edge.basis, BSpline):
        raise ConfigError(f"{type(layer.edge.basis).__name__} has no grid: use a layer whose basis is a BSpline")
    if not isinstance(layer, DrawnLayer):
        raise ConfigError(f"the grid of {type(layer).__name__} cannot change: use a KAN or SaKAN layer")
    return layer.edge.basis


def _is_shared(layer: EdgeLayer) -> bool:
    """Whether all inputs share their functions: coefficients ``(out, K)``."""
    return layer.coef.dim() == 2


def _knots_of(layer: EdgeLayer, spline: BSpline) -> Tensor:
    """All knots in float64, a row for each feature, or one for all."""
    if spline.knots == "uniform":
        basis = replace(spline, knots="per-feature")
        return basis.init_state(1, device=layer.coef.device, dtype=torch.float64)["knots"]
    knots = layer.state.tensors()["knots"].double()
    if not _is_shared(layer):
        return knots
    if (knots != knots[:1]).any():
        raise ConfigError(f"{type(layer).__name__} shares its functions, but not its knots: give all features the same")
    return knots[:1]


def _set_knots(layer: EdgeLayer, basis: BSpline, knots: Tensor) -> None:
    if layer.edge.basis != basis:
        layer.edge = replace(layer.edge, basis=basis)
        state = BasisState(basis, layer.state.features, layer.coef.device, layer.coef.dtype)
        layer.state = state.train(layer.training)
    for buffer in layer.state.buffers():
        buffer.copy_(knots)


def _by_feature(layer: EdgeLayer, coef: Tensor) -> Tensor:
    """Coefficients as ``(features, K, functions of a feature)``; shared ones as those of a single feature."""
    if _is_shared(layer):
        return coef.t().unsqueeze(0)
    groups = layer.window.groups if isinstance(layer, WindowLayer) else 1
    return coef.unflatten(-1, (groups, -1)).movedim(-2, 0).flatten(0, 1).flatten(2)


def _by_edge(layer: EdgeLayer, rows: Tensor) -> Tensor:
    """The inverse of :func:`_by_feature`."""
    if _is_shared(layer):
        return rows.squeeze(0).t()
    into, _, *kernel, out = layer.coef.shape
    groups = len(rows) // into
    return rows.unflatten(2, (*kernel, out // groups)).unflatten(0, (groups, into)).movedim(0, -2).flatten(-2)


def _samples_of(layer: EdgeLayer, x: Tensor) -> Tensor:
    """The inputs that each feature meets, ``(features, n)``."""
    windowed = isinstance(layer, WindowLayer)
    features, space = layer.state.features, layer.space if windowed else 0
    if x.dim() <= space or x.shape[-1 - space] != features:
        raise ConfigError(f"expected {features} features in dimension {-1 - space} of x, got shape {tuple(x.shape)}")
    samples = rows_of_all(layer._features_last(x).reshape(-1, features)).t()
    lacking = (~samples.isfinite()).all(1).nonzero()
    if len(lacking):
        raise DataError(f"feature {lacking[0].item()} of x has no finite sample: a grid needs at least one")
    if windowed and layer.window.padding_mode == "zeros" and any(map(any, layer.window.padding)):
        samples = torch.cat([samples, samples.new_zeros(features, 1)], 1)
    return samples.reshape(1, -1) if _is_shared(layer) else samples


def _project(layer: EdgeLayer, old: BSpline, before: Tensor, new: BSpline, after: Tensor) -> Tensor:
    """Coefficients on the new knots, by feature; some features at a time, so that memory stays small."""
    rows = _by_feature(layer, layer.coef)
    old, new = (replace(basis, knots="per-feature") for basis in (old, new))
    own = max(len(before), len(after))  # rows of knots: one a feature, or one for all
    before, after = before.expand(own, -1), after.expand(own, -1)
    points = (before.shape[1] + new.grid_size) * (new.degree + 1)
    numbers = (old.num_functions + new.num_functions) * (points + rows.shape[2])
    parts = []
    size = max(1, WORKING_NUMBERS // numbers)
    for part in (slice(start, start + size) for start in range(0, len(rows), size)):
        knots = part if own > 1 else slice(None)
        matrix = transfer(old, before[knots], new, after[knots])
        parts.append((matrix @ rows[part].double()).to(rows.dtype))
    return torch.cat(parts)
