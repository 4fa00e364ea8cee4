"""What a formula leaves over, if that is more than noise: its own formula, put beside the first."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, EdgewiseWarning
from edgewise._ground.quiet import quiet
from edgewise.bases import BSpline
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.discovery.search import EXACT, Found, Search
from edgewise.kan.discovery.strength import chosen_strength
from edgewise.kan.discovery.symbolise import Attempt, scored, symbolise
from edgewise.kan.fitting.data import Table
from edgewise.kan.functions import Function
from edgewise.kan.interpret import Choice, Sparsity, refine, side_by_side
from edgewise.kan.interpret.cut import add_constants
from edgewise.kan.interpret.expand import halves
from edgewise.kan.kan import KAN
from edgewise.kan.layer import KANLayer

ROUNDS = 3  # small terms, or groups of them, that are looked for one after the other
SIGNIFICANT = 3.0  # standard errors by which rows that were not fitted must be predicted better than by nothing
SHARE = 0.2  # and the share of what is left over that must be predicted
MODEST = 1e-2  # strength of the penalty with which that is asked


def complete(
    search: Search,
    penalty: float | Sparsity | Sequence[float | Sparsity],
    starts: int,
    functions: Iterable[str | Function] | None,
) -> None:
    """Add to the formulas of a search what they leave over, as long as rows held back say that it is something.

    A penalty and pruning make small terms vanish, whether or not the data is exact enough to tell them. So the search goes
    on with what is left of the targets, in units of its own deviation, where a small term is as large as any.

    Args:
        search: After :meth:`Search.name_edges`; it changes in place.
        penalty: As for :func:`~edgewise.kan.discover`.
        starts: The same.
        functions: The same.
    """
    for _ in range(ROUNDS):
        symbolic = search.symbolic
        if symbolic is None or search.loss is not None or not EXACT < search.measure(symbolic) < float("inf"):
            return
        with torch.no_grad():
            left = replace(search.table, y=search.table.y - symbolic(search.table.x))
        if not is_predictable(search, left):
            return
        rest = Search(search.anew(), left, search.optimizer, None, search.steps, search.advance, search.device)
        rest.find_curves(penalty, starts)
        rest.name_edges(functions)
        if not _joined(search, rest, functions):
            return


def is_predictable(search: Search, left: Table) -> bool:
    """Whether a network that was fitted to half of the rows tells the other half better than zero does, beyond chance."""
    scale = Scale.of(left.y)
    y, told = scale(left.y), torch.zeros_like(left.y)
    halves = torch.randperm(len(left)).to(left.x.device).tensor_split(2)
    for used, held in (halves, halves[::-1]):
        if len(used) < 2:
            return False
        model = search.anew()
        with quiet("nothing can be learned from what does not vary", category=EdgewiseWarning):  # in half of the rows
            search.fit(model, table=Table(left.x[used], y[used]), penalty=MODEST)
        with torch.no_grad():
            told[held] = model(left.x[held]).clamp(y[used].min(), y[used].max())
    gain = (y.square() - (y - told).square()).mean(1)
    error = gain.std() / len(gain) ** 0.5
    return bool(gain.mean() > SIGNIFICANT * error and gain.mean() > SHARE * y.square().mean())


def _joined(search: Search, rest: Search, functions: Iterable[str | Function] | None) -> bool:
    """Put what was found of the rest beside what was found before, if the whole is better for it."""
    curves, formulas = search.found.network, search.symbolic
    if formulas is None or rest.symbolic is None:
        return False
    x, before = search.table.x, Attempt(formulas, search.choices)
    before = scored(before, len(x), search.deviance(formulas))
    try:
        wide = side_by_side(*_on_one_grid(curves, _in_units(rest.found.network, rest.outputs, x), x))
        sum_of_both = side_by_side(formulas, _in_units(rest.symbolic, rest.outputs, x))
    except ConfigError:  # one layer has one edge between two nodes: the curve on it was all there can be
        return False
    strength = search.strength
    search.strength = chosen_strength(wide, search.table, search.fit_some)
    found = search.fitted("completed", Found(wide, search.found.stages))
    choices = [*search.choices, *(_moved(choice, formulas, rest.symbolic) for choice in rest.choices)]
    after = Attempt(sum_of_both, choices)
    after = scored(after, len(x), search.refit(sum_of_both))
    if not after.score < before.score or search.measure(sum_of_both) > EXACT:
        after = min(after, symbolise(found.network, x, search.refit, functions), key=lambda attempt: attempt.score)
    if not after.score < before.score:
        search.strength = strength
        return False
    search.take(after, found)
    return True


@torch.no_grad()
def _in_units(model: KAN, scale: Scale, x: Tensor) -> KAN:
    """A copy of a network that gives what ``scale`` makes of its outputs."""
    model = copy.deepcopy(model)
    last: KANLayer = model[-1]
    deviation = scale.deviation.to(last.coef)
    last.coef.mul_(deviation)
    if last.base_weight is not None:
        last.base_weight.mul_(deviation.unsqueeze(1))
    if last.symbolic is not None:
        last.symbolic.affine[..., 2:].mul_(deviation.view(-1, 1, 1))
    add_constants(last, scale.mean, model.trace(x).inputs[-1])
    return model


def _on_one_grid(first: KAN, second: KAN, x: Tensor) -> tuple[KAN, KAN]:
    """Copies of two networks with the finer of their grids in each layer, moved to the same rows."""
    sizes = [
        [layer.edge.basis.grid_size if isinstance(layer.edge.basis, BSpline) else 1 for layer in model]
        for model in (first, second)
    ]
    finest = list(map(max, *sizes))
    first, second = refine(first, finest), refine(second, finest)
    first.update_grid(x)
    second.update_grid(x)
    return first, second


def _moved(choice: Choice, first: KAN, second: KAN) -> Choice:
    """The choice of an edge of the second network, whose nodes now lie beside those of the first."""
    pairs = list(zip(first, second, strict=True))
    into, out = choice.into, choice.out
    if choice.layer:
        before = pairs[choice.layer - 1]
        into = halves(before, [len(layer.arities) for layer in before])[1][into]
    if choice.layer < len(first) - 1:
        here = pairs[choice.layer]
        out = halves(here, [sum(layer.arities) for layer in here])[1][out]
    return replace(choice, into=into, out=out)
