"""The formulas of a network's outputs, each checked against the network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.optional import require
from edgewise.kan.functions import function
from edgewise.kan.interpret.algebra import Sum, apply, product
from edgewise.kan.interpret.evaluate import to_callable
from edgewise.kan.interpret.rounding import DIGITS, has_small, rounded
from edgewise.kan.interpret.shorten import expanded, length, simplified
from edgewise.kan.interpret.written import Formula
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network

if TYPE_CHECKING:
    from sympy import Expr, Symbol

CHECKED = 1000  # points
Normalizer = tuple[Sequence[float], Sequence[float]]


def symbolic_formula(
    model: Network,
    *,
    names: Sequence[str] | None = None,
    x: Tensor | None = None,
    input_normalizer: Normalizer | None = None,
    output_normalizer: Normalizer | None = None,
    digits: int | None = None,
    tolerance: float = 1e-7,
) -> Formula:
    """The formulas that a network of symbolic edges computes, simplified, rounded, and compared with it on points.

    Args:
        model: The network; each edge is symbolic or cut.
        names: Names of the inputs; by default those that the network has, or ``x_1, x_2, ...``.
        x: Rows on which formula and network are compared, in the units of the data; by default those of the last
            fit, or without one (or with an ``input_normalizer``) drawn evenly from the domain of the first layer.
        input_normalizer: Mean and deviation of each input, if the network was fitted to ``(x - mean) / deviation``: the
            formula is in the units of the data.
        output_normalizer: The same for the outputs.
        digits: Digits of the numbers; by default the fewest with which the formula changes by less than ``tolerance``.
        tolerance: Largest change that rounding may make, relative to the outputs' standard deviation.

    Raises:
        ConfigError: An edge has no formula yet, or the names or normalizers do not fit the network.
        DataError: The network is not finite on the points.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([2, [0, 1], 1], base=None)
        >>> for into in range(2):
        ...     for out in range(2):
        ...         model.fix_symbolic(0, into, out, "x" if into == out else "0")
        >>> model.fix_symbolic(1, 0, 0, "exp", (0.5, 1.0, 2.0, 0.0))
        >>> print(symbolic_formula(model, digits=4))
        5.437*exp(x_1*x_2/2)
    """
    sympy = require("sympy", extra="science")
    columns = model.inputs or list(range(model[0].in_features))
    if names is None:
        names = model.names or [f"x_{column + 1}" for column in columns]
    names = list(names)
    if len(names) > len(columns) and model.inputs is not None:
        names = [names[column] for column in columns]
    if len(names) != len(columns) or len(set(names)) != len(names):
        raise ConfigError(f"the network has {len(columns)} inputs and needs so many different names, got {names}")
    symbols = tuple(sympy.Symbol(str(name), real=True) for name in names)
    means, deviations = _normalizer(input_normalizer, len(columns), columns, "input_normalizer")
    sums = [Sum({s: 1 / d}, -m / d) for s, m, d in zip(symbols, means, deviations, strict=True)]
    for number, layer in enumerate(model):
        sums = _through(layer, number, sums)
    x = model.rows if x is None and input_normalizer is None else x
    means, deviations = _normalizer(output_normalizer, len(sums), range(len(sums)), "output_normalizer")
    exact = [s.scaled(d, m).pruned().expression() for s, m, d in zip(sums, means, deviations, strict=True)]
    points, wanted = _reference(model, x, columns, input_normalizer, (means, deviations))
    return written_formula(exact, symbols, points, wanted, digits, tolerance)


def _through(layer: KANLayer, number: int, sums: list[Sum]) -> list[Sum]:
    """The sums that a layer's nodes are, given those of its inputs."""
    if layer.mask.any():
        out, into = layer.mask.nonzero()[0].tolist()
        raise ConfigError(
            f"{int(layer.mask.sum())} edges of layer {number} have no formula, such as that from input {into} to subnode "
            f"{out}: auto_symbolic gives one to each edge that a function fits as well as its min_r2 asks; lower that, "
            "allow more functions, prune the edge, or use fix_symbolic"
        )
    affine = {} if layer.affine is None else {name: p.tolist() for name, p in layer.affine.items()}
    subnodes = []
    for out in range(layer.out_features):
        total = Sum()
        for into, inner in enumerate(sums):
            symbolic = layer.symbolic
            if symbolic is not None and (name := symbolic.name(out, into)) is not None:
                a, b, c, d = symbolic.affine[out, into].double().tolist()
                total += apply(function(name), inner.scaled(a, b)).scaled(c, d)
        subnodes.append(_scaled(total, affine, "subnode", out))
    nodes, first = subnodes[: layer.sums], layer.sums
    for arity in layer.arities:
        nodes.append(product(subnodes[first : first + arity]))
        first += arity
    return [_scaled(node, affine, "node", i) for i, node in enumerate(nodes)]


def _scaled(total: Sum, affine: dict, kind: str, i: int) -> Sum:
    return total.scaled(affine[f"{kind}_scale"][i], affine[f"{kind}_bias"][i]) if affine else total


def _normalizer(given: Normalizer | None, count: int, columns: Sequence[int], what: str) -> tuple[list, list]:
    if given is None:
        return [0.0] * count, [1.0] * count
    means, deviations = (np.asarray(part, dtype=float).reshape(-1).tolist() for part in given)
    if len(means) > count:
        means, deviations = ([part[c] for c in columns] for part in (means, deviations))
    if len(means) != count or len(deviations) != count or not all(deviations):
        raise ConfigError(f"{what} must be a mean and a deviation other than 0 for each of {count} columns, got {given}")
    return means, deviations


@torch.no_grad()
def _reference(model: Network, x, columns, input_normalizer, output) -> tuple[np.ndarray, np.ndarray]:
    """Points in the units of the data, and what the network gives there."""
    like = next(model.parameters())
    means, deviations = (np.array(p) for p in _normalizer(input_normalizer, len(columns), columns, "input_normalizer"))
    if x is None:
        generator = torch.Generator().manual_seed(0)  # of its own: nobody else's numbers change
        share = torch.rand(CHECKED, len(columns), dtype=torch.double, generator=generator).to(like.device)
        first = model[0]
        low, high = first.edge.basis.bounds(share.to(like.dtype), first.state.tensors())
        rows = (low + share * (high - low)).cpu().numpy()
        points = rows * deviations + means
    else:
        points = torch.as_tensor(x).double().cpu().numpy()
        points = points[:, columns] if points.shape[1] > len(columns) else points
        rows = (points - means) / deviations
    values = rows_through(model, torch.as_tensor(rows, dtype=like.dtype, device=like.device))
    wanted = values.double().cpu().numpy() * np.array(output[1]) + np.array(output[0])
    if not np.isfinite(wanted).all():
        raise DataError("the network is not finite on the points to be checked: give rows x on which it is")
    return points, wanted


def rows_through(model: Network, x: Tensor) -> Tensor:
    """The network's outputs for rows of its own inputs, whichever columns of the data they are."""
    for layer in model:
        x = layer(x)
    return x


def written_formula(
    exact: "list[Expr]",
    symbols: "Sequence[Symbol]",
    points: np.ndarray,
    wanted: np.ndarray,
    digits: int | None,
    tolerance: float,
) -> Formula:
    """Expressions simplified, with their numbers rounded, and compared with what they should give.

    Args:
        exact: One for each output.
        symbols: Of the inputs.
        points: Rows, ``(N, inputs)``.
        wanted: What should be there, ``(N, outputs)``.
        digits: Of the numbers; None for the fewest that change the values by no more than ``tolerance``.
        tolerance: In standard deviations of what is wanted.
    """
    spread = max(float(wanted.std(0).mean()), 1e-300)
    best = _values(exact, symbols, points)
    forms = [exact, list(map(expanded, exact))]  # what cancels does so before it is rounded
    count, bound, made, changes = 0, 0.0, [exact], [0.0]
    for count in DIGITS if digits is None else (digits,):
        tried = [(form, least) for form in forms for least in _least(form, count, tolerance * spread)]
        made = [[simplified(rounded(expression, count, least)) for expression in form] for form, least in tried]
        changes = [float(np.sqrt(np.mean(np.square(_values(form, symbols, points) - best)))) for form in made]
        bound = tolerance * spread if digits is None else max(tolerance * spread, changes[0])
        if min(changes) <= bound:
            break
    fitting = [form for form, change in zip(made, changes, strict=True) if change <= bound] or made[:1]
    expressions = min(fitting, key=lambda form: [sum(lengths) for lengths in zip(*map(length, form), strict=True)])
    rmse = float(np.sqrt(np.mean(np.square(_values(expressions, symbols, points) - wanted))))
    return Formula(tuple(expressions), tuple(symbols), rmse, rmse / spread, count)


def _least(form: list, digits: int, negligible: float) -> tuple[float | None, ...]:
    """Small numbers may be what rounding has left of 0, or constants of a law in SI units: sizes are tried."""
    return (None, negligible, 0.0) if any(has_small(expression, digits) for expression in form) else (None,)


def _values(expressions: list, symbols, points: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.stack([to_callable(e, symbols)(*points.T) for e in expressions], -1)
