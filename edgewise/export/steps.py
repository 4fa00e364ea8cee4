"""What a baked network computes, step by step, and NumPy's way to carry it out."""

from dataclasses import dataclass

import numpy

from edgewise.kan.interpret import parse_formula, to_callable


def spline(x, breaks, low, high, centre, inverse, coef):
    """Piecewise polynomials of x, (N,) -> (N, outputs), with coef (cells, degree + 1, outputs)."""
    x = numpy.clip(x, low, high)
    cell = numpy.searchsorted(breaks, x, side="right")
    u = ((x - centre[cell]) * inverse[cell])[:, None]
    coef = coef[cell]
    y = coef[:, -1]
    for k in range(coef.shape[1] - 2, -1, -1):
        y = y * u + coef[:, k]
    return y


@dataclass(frozen=True, eq=False)
class Spline:
    """Piecewise polynomials of one input, added to several subnodes; see :class:`edgewise.export.pieces.Pieces`."""

    into: int
    outs: tuple[int, ...]
    breaks: numpy.ndarray
    low: float
    high: float
    centre: numpy.ndarray
    inverse: numpy.ndarray
    coef: numpy.ndarray

    @property
    def numbers(self) -> tuple:
        """What :func:`spline` takes."""
        return self.breaks, self.low, self.high, self.centre, self.inverse, self.coef

    def add(self, x: numpy.ndarray, y: numpy.ndarray) -> None:
        """Add to subnodes ``y`` what inputs ``x`` give."""
        y[:, self.outs] += spline(x[:, self.into], *self.numbers)


@dataclass(frozen=True)
class Weighted:
    """One function of one input, added to several subnodes with a weight each: the base branch."""

    into: int
    outs: tuple[int, ...]
    weights: tuple[float, ...]
    formula: str

    def add(self, x: numpy.ndarray, y: numpy.ndarray) -> None:
        """Add to subnodes ``y`` what inputs ``x`` give."""
        y[:, self.outs] += _function(self.formula)(x[:, self.into])[:, None] * numpy.array(self.weights)


@dataclass(frozen=True)
class Formula:
    """A symbolic edge, ``c f(a x + b) + d``."""

    into: int
    out: int
    formula: str
    a: float
    b: float
    c: float
    d: float

    @property
    def outs(self) -> tuple[int, ...]:
        """The subnode it ends in."""
        return (self.out,)

    def add(self, x: numpy.ndarray, y: numpy.ndarray) -> None:
        """Add to subnodes ``y`` what inputs ``x`` give."""
        y[:, self.out] += self.c * _function(self.formula)(self.a * x[:, self.into] + self.b) + self.d


@dataclass(frozen=True)
class Affine:
    """A scale and a bias for each column."""

    scale: tuple[float, ...]
    bias: tuple[float, ...]


@dataclass(frozen=True)
class Layer:
    """Steps that add to subnodes, then scales, products and scales of nodes.

    Attributes:
        subnodes: How many.
        steps: What is added to them.
        products: The subnodes that each node multiplies, one for a node that adds.
        before: Of subnodes, or None.
        after: Of nodes, or None.
        exact: Whether no step is a table.
    """

    subnodes: int
    steps: tuple[Spline | Weighted | Formula, ...]
    products: tuple[tuple[int, ...], ...]
    before: Affine | None
    after: Affine | None
    exact: bool

    @property
    def edges(self) -> int:
        """Number of edges that are there."""
        return len({(step.into, out) for step in self.steps for out in step.outs})

    @property
    def multiplies(self) -> bool:
        """Whether nodes are more than subnodes."""
        return any(len(factors) > 1 for factors in self.products)


def run_layers(layers: tuple[Layer, ...], x: numpy.ndarray) -> numpy.ndarray:
    """Rows through all layers, ``(N, inputs) -> (N, outputs)``."""
    with numpy.errstate(all="ignore"):
        for layer in layers:
            y = numpy.zeros((len(x), layer.subnodes))
            for step in layer.steps:
                step.add(x, y)
            y = _scaled(y, layer.before)
            if layer.multiplies:
                y = numpy.stack([y[:, factors].prod(1) for factors in layer.products], 1)
            x = _scaled(y, layer.after)
    return x


def _scaled(y: numpy.ndarray, affine: Affine | None) -> numpy.ndarray:
    return y if affine is None else y * numpy.array(affine.scale) + numpy.array(affine.bias)


def _function(formula: str):
    return to_callable(parse_formula(formula, ["x"]), ["x"])
