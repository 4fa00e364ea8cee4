"""A safe fit: a line, curves, products of two columns and networks are compared on rows held back, and blended."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import torch
from torch import Tensor

from edgewise.bases import BSpline
from edgewise.estimators.additive import MOST_NUMBERS, Sum, best_sum
from edgewise.estimators.blend import SURE, best_shares, blended
from edgewise.estimators.monotone import Cone
from edgewise.estimators.networks import Networks, best_networks, polished
from edgewise.estimators.pairs import MOST_NUMBERS as MOST_PAIRS
from edgewise.estimators.pairs import lines, network_of_pairs, pairs_of
from edgewise.estimators.penalised import Functions
from edgewise.estimators.rows import Rows, folds_of
from edgewise.estimators.wide import narrowed
from edgewise.kan.fitting.data import Table
from edgewise.kan.interpret.expand import expand_depth, side_by_side
from edgewise.kan.interpret.expand_inputs import expand_inputs
from edgewise.kan.kan import KAN
from edgewise.kan.layer import KANLayer

BY_FAR = 0.1  # of the loss left is proof enough
FINE = 10  # intervals of curves that rise or fall: coefficients in order ask more of few
STRAIGHT_ON = 1.0  # ranges beyond the training rows, and no farther; a line goes on for ever
LINE, CURVES, PAIRS, NETWORK = "line", "curves", "pairs", "network"


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Args:
        model: All candidates that count, side by side.
        constant: What is to be added to its outputs, ``(outputs,)``.
        shares: Of the candidates, by name; what is left of 1 is that of the constant.
        errors: Their losses on rows held back; of the blend under the name ``"blend"``, of the constant ``"constant"``.
        strength: Of the networks' penalty, None without them.
        reach: How many ranges beyond the training rows a column is followed; what lies farther counts as lying there.
        held: What rows got from fits that held them back, ``(N, outputs)``.
        rows: These rows.
    """

    model: KAN
    constant: Tensor
    shares: dict[str, float]
    errors: dict[str, float]
    strength: float | None
    reach: float
    held: Tensor
    rows: Rows


def choose(
    template: KAN,
    draw: Callable[[], KAN],
    rows: Rows,
    steps: int,
    starts: int,
    rest: Table | None = None,
    until: float = math.inf,
    ways: Sequence[int] | None = None,
) -> Choice:
    """Compare, blend, and put what counts into one network.

    Args:
        template: A network of the wanted shape.
        draw: Makes another.
        rows: The rows.
        steps: Of each fit of a network, at most.
        starts: Networks of each fold.
        rest: Further rows, on which networks that count are polished.
        until: When no other step is begun, by :func:`time.monotonic`.
        ways: For each column 1 if outputs must rise with it, -1 if they must fall, and 0: then there are only lines and
            curves, and beyond the training rows curves stay what they are at the border.
    """
    layer, x = _first_layer(template, rows, is_fine=ways is not None), rows.table.x
    inside = [_drawn_in(rows, fold) for fold in range(rows.folds)]
    sums = _sums(layer, rows, inside, ways)
    networks = None
    if len(template) > 1 and ways is None:
        sums += _pairs(layer, rows, inside)
        networks = best_networks(narrowed(template, draw, rows), inside, rows, steps, starts, until)
    found: list[Sum | Networks] = [*sums, *([] if networks is None else [networks])]
    names = [one.name if isinstance(one, Sum) else NETWORK for one in found]
    told, judging = [one.held for one in found], None
    shares = best_shares(told, rows)
    if rest is not None and networks is not None and shares[-1]:
        networks, judges = polished(networks, rest, rows.loss, len(rows.table), until)
        judging = replace(rows, table=judges, fold=folds_of(None, len(judges)))
        told = _told(layer, sums, networks, judges.x)
        shares = best_shares(told, judging)
    held, kept = (blended([getattr(one, which) for one in found], shares, rows.constant) for which in ("held", "kept"))
    only_line = not any(shares[1:])
    clamps = not only_line and (ways is not None or not _gains(rows, held, kept))
    held = kept if clamps else held
    if judging is not None:  # what networks gave before they were polished says nothing of them now
        rows, held = judging, blended(told, shares, rows.constant)
    errors = {name: rows.error(output) for name, output in zip(names, told, strict=True)}
    errors |= {"blend": rows.error(held), "constant": rows.floor()}
    named = dict(zip(names, shares, strict=True))
    model, constant = _together(template, layer, sums, networks, named, x)
    constant = constant + rows.constant * (1 - sum(shares))
    strength = networks.strength.size if networks is not None and shares[-1] else None
    reach = 0.0 if clamps else math.inf if only_line else STRAIGHT_ON
    return Choice(model, constant, named, errors, strength, reach, held, rows)


@torch.no_grad()
def _told(layer: KANLayer, sums: list[Sum], networks: Networks, x: Tensor) -> list[Tensor]:
    """What candidates give for rows ``(N, columns)`` that none of them has seen, each ``(N, outputs)``."""
    there, found = layer.mask.any(0), []
    for one in sums:
        of_columns = pairs_of if one.name == PAIRS else Functions.straight
        functions = Functions.of(layer, x) if one.name == CURVES else of_columns(x[:, there])
        found.append(one.coef[0] + functions.values @ one.coef[1:])
    return [*found, torch.stack([model(x) for model in networks.models]).mean(0)]


def _gains(rows: Rows, one: Tensor, other: Tensor) -> bool:
    """Whether outputs are surely better than others, or by far: one row alone proves nothing else."""
    if rows.error(one) < BY_FAR * rows.error(other):
        return True
    gain = rows.table.counts * (rows.loss.rows(other, rows.table.y) - rows.loss.rows(one, rows.table.y))
    return bool(gain.sum() > SURE * gain.square().sum().sqrt())


def _first_layer(template: KAN, rows: Rows, is_fine: bool) -> KANLayer:
    """A layer from the inputs to the outputs, on the knots that networks move to, with no function yet.

    Args:
        template: A network of the wanted shape.
        rows: The rows.
        is_fine: Whether the grid is finer than that of networks, if there are twice as many rows as functions.
    """
    basis = template[0].edge.basis
    if is_fine and isinstance(basis, BSpline):
        finest = len(rows.table) // (2 * template[0].in_features) - basis.degree
        basis = replace(basis, grid_size=max(basis.grid_size, min(FINE, finest)))
    single = KAN([template[0].in_features, len(rows.constant)], basis).to(rows.table.x)
    single[0].set_mask(template[0].mask.any(0).expand_as(single[0].mask))
    single.update_grid(rows.table.x)
    with torch.no_grad():
        single[0].coef.zero_()
        if single[0].base_weight is not None:
            single[0].base_weight.zero_()
    return single[0]


def _drawn_in(rows: Rows, fold: int) -> Tensor:
    """The rows of a fold, columns beyond those of the others at their border."""
    used = rows.table.x[rows.fold != fold]
    return rows.table.x[rows.fold == fold].clamp(used.amin(0), used.amax(0))


def _sums(layer: KANLayer, rows: Rows, inside: list[Tensor], ways: Sequence[int] | None) -> list[Sum]:
    there = layer.mask.any(0)
    if not there.any():
        return []
    x, cones = rows.table.x, (None, None)
    if ways is not None:
        some = [way for way, is_there in zip(ways, there.tolist(), strict=True) if is_there]
        cones = Cone.of_lines(some), Cone.of_curves(some, layer.coef.shape[1])
    found = [best_sum(LINE, Functions.straight(x[:, there]), [part[:, there] for part in inside], rows, cones[0])]
    curves = Functions.of(layer, x)
    if curves.values.shape[1] * len(rows.constant) <= MOST_NUMBERS:
        found.append(best_sum(CURVES, curves, [Functions.of(layer, part).values for part in inside], rows, cones[1]))
    return found


def _pairs(layer: KANLayer, rows: Rows, inside: list[Tensor]) -> list[Sum]:
    there = layer.mask.any(0)
    degree = layer.state.tensors()["knots"].shape[1] - 1 - layer.coef.shape[1]
    count = int(there.sum())
    if degree < 2 or not 0 < count * (count + 3) // 2 * len(rows.constant) <= MOST_PAIRS:
        return []
    return [best_sum(PAIRS, pairs_of(rows.table.x[:, there]), [pairs_of(part[:, there]).values for part in inside], rows)]


@torch.no_grad()
def _together(
    template: KAN, layer: KANLayer, sums: list[Sum], networks: Networks | None, shares: dict[str, float], x: Tensor
) -> tuple[KAN, Tensor]:
    """What counts as one network, and a constant beside it."""
    constant, parts = torch.zeros(layer.out_features, dtype=layer.coef.dtype), []
    there = layer.mask.any(0)
    count, curves = int(there.sum()), layer.coef[there].shape
    for one in sums:
        if share := shares[one.name]:
            constant, coef = constant + share * one.coef[0], share * one.coef[1:]
            straight = lines(layer)[there].unsqueeze(2) * coef[:count].unsqueeze(1)
            layer.coef[there] += coef.view(curves) if one.name == CURVES else straight
            if one.name == PAIRS:
                parts.append(network_of_pairs(layer, coef[count:], x, len(template)))
    if networks is not None and shares[NETWORK]:
        parts += [
            expand_inputs(_scaled(network, shares[NETWORK] / len(networks.models)), layer.in_features)
            for network in networks.models
        ]
    if not parts or any(shares[one.name] for one in sums):
        parts.insert(0, _wrapped(template, layer))
    return reduce(side_by_side, parts), constant


def _wrapped(template: KAN, layer: KANLayer) -> KAN:
    """A network of the depth of another whose one layer of functions is given: straight lines lead on from there."""
    model = KAN([layer.in_features, layer.out_features], layer.edge.basis).to(layer.coef)
    model[0] = layer
    for _ in range(len(template) - 1):
        model = expand_depth(model)
        model[-1].set_mask(torch.zeros_like(model[-1].mask))
    return model


def _scaled(network: KAN, factor: float) -> KAN:
    part = copy.deepcopy(network)
    last = part[-1]
    last.coef.mul_(factor)
    if last.base_weight is not None:
        last.base_weight.mul_(factor)
    return part
