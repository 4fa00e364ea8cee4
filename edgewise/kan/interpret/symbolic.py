"""Formulas for edges: which named function does what a spline has learned."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.kan.functions import Function, select
from edgewise.kan.interpret.curves import check_edge, check_rows, edge_curves, ranges
from edgewise.kan.interpret.projection import Curves, Fits, project
from edgewise.kan.network import Network

POINTS = 201  # on which an edge is known
EVEN_SHARE = 0.05  # of the weight lies evenly on the range, the rest where the samples are
FLOOR = 1e-9  # of the variance: no spline is known better


@dataclass(frozen=True)
class Candidate:
    """A formula for an edge, ``c f(a x + b) + d``.

    Attributes:
        name: Of the function f.
        error: Share of the edge's variance that it leaves over, 1 - R^2.
        complexity: Of the function.
        affine: The numbers a, b, c, d.
        efficient: Whether no simpler function is as accurate (it lies on the Pareto front).
    """

    name: str
    error: float
    complexity: int
    affine: tuple[float, float, float, float]
    efficient: bool = False

    @property
    def r2(self) -> float:
        """The coefficient of determination."""
        return 1 - self.error


@dataclass(frozen=True)
class Choice:
    """What became of an edge: its layer, input and subnode, and the formula it got, or None if none was good enough."""

    layer: int
    into: int
    out: int
    candidate: Candidate | None
    candidates: tuple[Candidate, ...]

    @property
    def taken(self) -> Candidate:
        """The formula, of an edge that got one.

        Raises:
            ConfigError: It got none.
        """
        if self.candidate is None:
            raise ConfigError(f"the edge from input {self.into} to subnode {self.out} of layer {self.layer} has no formula")
        return self.candidate


def suggest_symbolic(
    model: Network,
    x: Tensor | None,
    layer: int,
    into: int,
    out: int,
    functions: Iterable[str | Function] | None = None,
    top: int = 5,
) -> list[Candidate]:
    """The formulas that fit an edge best, from the most accurate on; the model stays as it is.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``: an edge is fitted where its inputs are. None for those of the last fit.
        layer: Number of the layer, from 0.
        into: Number of the edge's input.
        out: Number of its subnode.
        functions: Names of functions to try; the whole library by default.
        top: How many to return.

    Raises:
        ConfigError: There is no such edge or function.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([1, 1]); model.fix_symbolic(0, 0, 0, "sin", (2.0, 0.3, 1.0, 0.0))
        >>> [c.name for c in suggest_symbolic(model, torch.rand(100, 1) * 4, 0, 0, 0, ["x^2", "sin", "exp"], top=1)]
        ['sin']
    """
    if not 0 <= layer < len(model):
        raise ConfigError(f"layer must be from 0 to {len(model) - 1}, got {layer}")
    check_edge(model[layer], out, into)
    (candidates,) = _candidates(model, x, [(layer, out, into)], select(functions))
    return sorted(candidates, key=lambda c: c.error)[:top]


def auto_symbolic(
    model: Network,
    x: Tensor | None = None,
    functions: Iterable[str | Function] | None = None,
    *,
    worse: float = 10.0,
    min_r2: float = 0.8,
) -> list[Choice]:
    """Give each numeric edge that is not cut a formula, in place.

    Of the functions that leave over at most ``worse`` times what the best does, the simplest is taken; of equally simple
    ones the first in the library. Fit the model afterwards, so that all constants settle together. Where an edge has a
    formula beside its curve, the new one is for their sum.

    Args:
        model: The network.
        x: Samples, ``(N, inputs)``; by default those of the last fit.
        functions: Names of functions to try; the whole library by default.
        worse: How much accuracy a simpler function may cost.
        min_r2: An edge that no function fits so well stays as it is.

    Returns:
        A choice for each edge, with all candidates.

    Raises:
        ConfigError: An unknown function.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([1, 1], base=None)
        >>> with torch.no_grad(): _ = model[0].coef.copy_(torch.linspace(0, 1, 8).reshape(1, 8, 1))
        >>> [choice.candidate.name for choice in auto_symbolic(model, torch.rand(100, 1) * 2 - 1)]
        ['x']
    """
    edges = [(number, *edge) for number, layer in enumerate(model) for edge in layer.mask.nonzero().tolist()]
    if not edges:
        return []
    choices = []
    for (layer, out, into), candidates in zip(edges, _candidates(model, x, edges, select(functions)), strict=True):
        best = choose(candidates, worse)
        best = best if best is not None and best.r2 >= min_r2 else None
        if best is not None:
            model.fix_symbolic(layer, into, out, best.name, best.affine)
        choices.append(Choice(layer, into, out, best, tuple(candidates)))
    return choices


def choose(candidates: Sequence[Candidate], worse: float = 10.0) -> Candidate | None:
    """The simplest of the candidates that are nearly as accurate as the best."""
    finite = [c for c in candidates if c.error < float("inf")]
    if not finite:
        return None
    bound = worse * max(min(c.error for c in finite), FLOOR)
    return min((c for c in finite if c.error <= bound), key=lambda c: c.complexity)


def pareto(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, those marked efficient than which none is simpler and as accurate.

    Example:
        >>> found = [Candidate("x", 0.1, 1, (1, 0, 1, 0)), Candidate("tan", 0.2, 3, (1, 0, 1, 0))]
        >>> [c.efficient for c in pareto(found)]
        [True, False]
    """

    def beaten(c: Candidate) -> bool:
        mine = (c.complexity, c.error)
        return any(o.complexity <= mine[0] and o.error <= mine[1] and (o.complexity, o.error) != mine for o in candidates)

    return [replace(c, efficient=not beaten(c)) for c in candidates]


@torch.no_grad()
def _candidates(model: Network, x: Tensor | None, edges: list[tuple[int, int, int]], functions: list[Function]):
    """For each edge (layer, subnode, input) all functions, fitted."""
    # shape: x (N, inputs)
    model = copy.deepcopy(model).double()  # an edge is to be known as well as its numbers are
    x = check_rows(model, x)
    trace = model.trace(x)
    parts, scales = [], []
    for number, layer in enumerate(model):
        own = [(out, into) for n, out, into in edges if n == number]
        if not own:
            continue
        outs, inputs = torch.tensor(own, device=x.device).unbind(1)
        low, high = ranges(trace.inputs[number])
        points = torch.linspace(-1, 1, POINTS, dtype=x.dtype, device=x.device).unsqueeze(1)
        middle, half = ((low + high) / 2)[inputs], ((high - low) / 2)[inputs]
        values = edge_curves(layer, (low + high) / 2 + points * (high - low) / 2)[:, outs, inputs].T
        weights = _density(trace.inputs[number], low, high)[inputs]
        parts.append((values, weights))
        scales.append((middle, half))
    values, weights = (torch.cat(t) for t in zip(*parts, strict=True))
    middle, half = (torch.cat(t) for t in zip(*scales, strict=True))
    fits = project(Curves(torch.linspace(-1, 1, POINTS, dtype=x.dtype, device=x.device), values, weights), functions)
    return _named(fits, middle, half, functions)


def _named(fits: Fits, middle: Tensor, half: Tensor, functions: list[Function]) -> list[list[Candidate]]:
    """The fits in the units of the edges' inputs."""
    # shape: middle and half (curves,)
    a, b, c, d = fits.affine.unbind(-1)
    slope = a / half.unsqueeze(1)
    affine = torch.stack([slope, b - slope * middle.unsqueeze(1), c, d], -1)
    found = []
    for errors, numbers in zip(fits.error.tolist(), affine.tolist(), strict=True):
        pairs = zip(functions, errors, numbers, strict=True)
        found.append(pareto([Candidate(f.name, e, f.complexity, _plain(f, n)) for f, e, n in pairs]))
    return found


def _plain(f: Function, affine: list[float]) -> tuple[float, float, float, float]:
    """Of a straight line, all in c and d; of a constant, all in d."""
    a, b, c, d = affine
    if f.name == "0":
        return 1.0, 0.0, 0.0, d
    return (1.0, 0.0, c * a, d + c * b) if f.name == "x" else (a, b, c, d)


def _density(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """How the finite samples of each input spread over the points, ``(inputs, POINTS)``, rows summing to 1."""
    finite = x.isfinite().to(x.dtype)
    place = (torch.where(finite > 0, x - low, 0) / (high - low) * (POINTS - 1)).clamp(0, POINTS - 1).T
    below = place.floor().clamp(max=POINTS - 2)
    share = (place - below) * finite.T
    weights = torch.zeros(x.shape[1], POINTS, dtype=x.dtype, device=x.device)
    weights.scatter_add_(1, below.long(), finite.T - share).scatter_add_(1, below.long() + 1, share)
    return (1 - EVEN_SHARE) * weights / finite.sum(0).clamp_min(1).unsqueeze(1) + EVEN_SHARE / POINTS
