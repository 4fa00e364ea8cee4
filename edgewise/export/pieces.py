"""The functions of a layer as piecewise polynomials: exactly where they are such, and by tables where they are not."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.bases import BSpline, Chebyshev, ReLUKAN
from edgewise.bases._polynomials import Polynomials
from edgewise.export.program import ExportError
from edgewise.nn import KANLinear

FAR = 1e300  # where functions that go on for ever are cut off
DEGREE = 5  # of the pieces of a table
MOST = 20_000  # pieces of a table


@dataclass(frozen=True)
class Pieces:
    r"""Polynomials :math:`\sum_k a_k u^k`, :math:`u = (x - centre) / radius`, on the cells of each input.

    Attributes:
        ends: Of the cells, ``(inputs, cells + 1)``; the outer ones count for nothing, since the outer cells go on to
        low: the least number, ``(inputs,)``, and
        high: the greatest, to which inputs are clipped.
        coef: The a, ``(inputs, cells, degree + 1, outputs)``.
        exact: Whether this is the function itself.
    """

    ends: Tensor
    low: Tensor
    high: Tensor
    coef: Tensor
    exact: bool

    @property
    def breaks(self) -> Tensor:
        """Where one cell ends and the next begins, ``(inputs, cells - 1)``."""
        return self.ends[:, 1:-1]

    @property
    def centre(self) -> Tensor:
        """The middles of the cells, ``(inputs, cells)``."""
        return (self.ends[:, 1:] + self.ends[:, :-1]) / 2

    @property
    def inverse(self) -> Tensor:
        """One over half the widths; 1 for cells of no width, in which nothing falls."""
        width = self.ends.diff(dim=1)
        return torch.where(width > 0, 2 / width, 1)


def pieces_of(layer: KANLinear, weights: Tensor, x: Tensor | None, tolerance: float) -> Pieces:
    """The functions ``sum_j weights_pjq B_j`` of a layer in float64.

    Args:
        layer: The layer.
        weights: ``(inputs, K, outputs)``.
        x: Inputs of the layer, whose range tables cover; needed for bases that are no piecewise polynomials.
        tolerance: Of tables, relative to the largest value of any function.

    Raises:
        ConfigError: Tables are needed and ``x`` is not there.
        ExportError: A table would need too many pieces.
    """
    grid = _grid(layer)
    if grid is not None:
        ends, low, high, degrees = grid
        coef = torch.zeros(*weights.shape[:1], len(degrees), max(1, *degrees) + 1, weights.shape[2], dtype=torch.float64)
        for degree in set(degrees):  # a straight continuation is fitted as such, or it would bend far away
            own = [i for i, d in enumerate(degrees) if d == degree]
            coef[:, own, : degree + 1] = _fitted(layer, weights, ends[:, own], ends[:, [i + 1 for i in own]], degree)
        return Pieces(ends, low, high, coef, exact=True)
    if x is None:
        raise ConfigError(f"{type(layer.edge.basis).__name__} is baked into tables: give x, whose range they shall cover")
    low, high = x.double().amin(0), x.double().amax(0)
    room = torch.where(high > low, 0.05 * (high - low), 0.5)
    return _table(layer, weights, low - room, high + room, tolerance)


def _grid(layer: KANLinear) -> tuple[Tensor, Tensor, Tensor, list[int]] | None:
    """Ends of the cells, the range and the degree in each cell of a basis of piecewise polynomials, else None."""
    basis, features = layer.edge.basis, layer.in_features
    state = {name: tensor.double() for name, tensor in layer.state.tensors().items()}
    lo, hi = (end.expand(features) for end in basis.bounds(torch.zeros(1, features, dtype=torch.float64), state))
    knots = None
    if isinstance(basis, BSpline | ReLUKAN):
        margin = basis.degree if isinstance(basis, BSpline) else basis.span
        degree, cells = basis.degree if isinstance(basis, BSpline) else 2 * basis.power, basis.grid_size
        knots = state.get("knots")
        if knots is None:
            steps = torch.arange(-margin, cells + margin + 1, dtype=torch.float64) / cells
            knots = torch.lerp(lo.unsqueeze(1), hi.unsqueeze(1), steps)
        inner = knots[:, margin : margin + cells + 1]
    elif isinstance(basis, Polynomials | Chebyshev):
        degree, cells = basis.degree, max(1, math.ceil(basis.degree / 4))  # powers of u cancel where cells are wide
        inner = torch.lerp(lo.unsqueeze(1), hi.unsqueeze(1), torch.linspace(0, 1, cells + 1, dtype=torch.float64))
    else:
        return None
    far, degrees = torch.full_like(lo, FAR), [degree] * cells
    if basis.outside == "clamp":
        return inner, lo, hi, degrees
    if basis.outside == "linear":
        return _widened(inner, hi - lo), -far, far, [1, *degrees, 1]
    if knots is None:  # polynomials, which grow
        return inner, -far, far, degrees
    ends = knots.clone()
    if degree == 0:  # steps: the last one owns the right end of the domain
        ends[:, -1] = torch.nextafter(hi, hi + 1)
    ends = _widened(ends, hi - lo)
    return ends, ends[:, 0], ends[:, -1], [degree] * (ends.shape[1] - 1)


def _widened(ends: Tensor, width: Tensor) -> Tensor:
    """One more cell at each end."""
    width = width.unsqueeze(1).clamp(min=1e-3)
    return torch.cat([ends[:, :1] - width, ends, ends[:, -1:] + width], 1)


def _table(layer: KANLinear, weights: Tensor, low: Tensor, high: Tensor, tolerance: float) -> Pieces:
    """Cells halved, for all inputs alike, until each piece meets the functions between the points that it was fitted to."""
    shares = torch.linspace(0, 1, 9, dtype=torch.float64)
    done, todo, largest = [], (shares[:-1], shares[1:]), 0.0
    while len(todo[0]):
        a, b = (torch.lerp(low.unsqueeze(1), high.unsqueeze(1), share) for share in todo)
        coef = _fitted(layer, weights, a, b, DEGREE)
        u = torch.linspace(-1, 1, 12, dtype=torch.float64)
        wanted = _values(layer, weights, (a.unsqueeze(-1) + b.unsqueeze(-1) + (b - a).unsqueeze(-1) * u) / 2)
        found = torch.einsum("icko,mk->icmo", coef, u.unsqueeze(1) ** torch.arange(DEGREE + 1))
        largest = max(largest, wanted.abs().amax().item() if wanted.numel() else 0.0)
        error = (found - wanted).abs().amax((0, 2, 3)) if wanted.numel() else torch.zeros(len(todo[0]))
        good = error <= tolerance * max(largest, 1e-300)
        done.append((todo[0][good], todo[1][good], coef[:, good]))
        first, last = (end[~good] for end in todo)
        middle = (first + last) / 2
        todo = torch.cat([first, middle]), torch.cat([middle, last])
        if sum(len(part[0]) for part in done) + len(todo[0]) > MOST:
            raise ExportError(
                f"tables of {type(layer.edge.basis).__name__} to {tolerance:g} need over {MOST} pieces: raise tolerance"
            )
    first, last, coef = (torch.cat(parts, dim) for parts, dim in zip(zip(*done, strict=True), (0, 0, 1), strict=True))
    order = first.argsort()
    ends = torch.lerp(low.unsqueeze(1), high.unsqueeze(1), torch.cat([first[order], last.new_ones(1)]))
    return Pieces(ends, low, high, coef[:, order], exact=False)


def _fitted(layer: KANLinear, weights: Tensor, a: Tensor, b: Tensor, degree: int) -> Tensor:
    """Coefficients ``(inputs, cells, degree + 1, outputs)`` of the polynomials through the functions on cells [a, b]."""
    u = torch.cos(math.pi * (torch.arange(degree + 1, dtype=torch.float64) + 0.5) / (degree + 1))  # inside, not at the ends
    points = (a.unsqueeze(-1) + b.unsqueeze(-1) + (b - a).unsqueeze(-1) * u) / 2
    powers = u.unsqueeze(1) ** torch.arange(degree + 1)
    return torch.linalg.solve(powers, _values(layer, weights, points))


def _values(layer: KANLinear, weights: Tensor, points: Tensor) -> Tensor:
    """The functions at points of their inputs, ``(inputs, cells, points) -> (inputs, cells, points, outputs)``."""
    state = {name: tensor.double() for name, tensor in layer.state.tensors().items()}
    basis = layer.edge.basis.evaluate(points.flatten(1).t(), state)
    return torch.einsum("nik,iko->ino", basis, weights).unflatten(1, points.shape[1:])
