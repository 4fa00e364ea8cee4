"""The candidate with hidden nodes: networks for each fold, under the penalty of least loss on rows held back."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise.estimators.rows import Rows
from edgewise.estimators.smooth import SmoothFit, Strength
from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.losses import CurvedLoss
from edgewise.kan.kan import KAN

STRENGTHS = ((0.1, 0.02), (0.03, 0.06), (0.01, 0.04), (3e-3, 2e-2), (1e-3, 6e-3), (1e-4, 6e-4))
"""Of sizes and bends, from strong to weak, times the loss of the constant."""
MANY = 50  # rows; with fewer only the first ones are tried
FEW_STRENGTHS = 2
WORSE = 1.02  # times the least loss so far: a weaker penalty is not tried then
POLISHING = 5  # steps on further rows
MOST_ROWS = 20_000  # of them, for each network, and to judge
MOVES = 4  # of the grids, in the first fit


@dataclass(frozen=True)
class Networks:
    """Networks of which each held back one fold.

    Args:
        held: What rows get from the networks that held them back, ``(N, outputs)``.
        kept: The same, with rows not beyond the rows of those fits, column by column.
        error: Of ``held``.
        strength: Of the penalty.
        models: Whose mean is the candidate, those of each fold one after the other.
    """

    held: Tensor
    kept: Tensor
    error: float
    strength: Strength
    models: list[KAN]


def best_networks(
    draw: Callable[[int], KAN], inside: Sequence[Tensor], rows: Rows, steps: int, starts: int, until: float = math.inf
) -> Networks:
    """The networks under the strength of least loss on rows held back, each strength going on from where the last ended.

    Args:
        draw: Makes a network for a fold.
        inside: For each fold its rows, drawn into the ranges of the others.
        rows: The rows.
        steps: Of which three fifths are for the first strength, and a quarter for each other.
        starts: Networks of each fold.
        until: When no other step is begun, by :func:`time.monotonic`.
    """
    none = Strength(0, 0)
    fits = [
        [SmoothFit(draw(fold), rows.without(fold), rows.loss, none) for _ in range(starts)] for fold in range(rows.folds)
    ]
    unit = max(rows.floor(), 1e-12)
    strengths = STRENGTHS if len(rows.table) >= MANY else STRENGTHS[:FEW_STRENGTHS]
    best: Networks | None = None
    for strength in (Strength(size * unit, bend * unit) for size, bend in strengths):
        for place, some in enumerate(fits):
            for number, fit in enumerate(some):
                again = best is not None and fit.is_constant()
                if again:  # no way leads back from where all edges are zero
                    some[number] = fit = SmoothFit(draw(place), rows.without(place), rows.loss, none)
                fit.strength = strength
                fit.until = until
                fit.run(*((-(-3 * steps // 5), MOVES) if best is None or again else (-(-steps // 4), 1)))
        held, kept = (torch.empty_like(rows.table.y) for _ in range(2))
        with torch.no_grad():
            for fold, some in enumerate(fits):
                out = rows.fold == fold
                held[out] = torch.stack([fit.model(rows.table.x[out]) for fit in some]).mean(0)
                kept[out] = torch.stack([fit.model(inside[fold]) for fit in some]).mean(0)
        error = rows.error(held)
        if best is None or error < best.error or not math.isfinite(best.error):
            best = Networks(held, kept, error, strength, [copy.deepcopy(fit.model) for some in fits for fit in some])
        elif error > WORSE * best.error:
            break
        if time.monotonic() > until:
            break
    assert best is not None
    for model in best.models:
        model.keep_rows(rows.table.x)
    return best


def polished(
    networks: Networks, rows: Table, loss: CurvedLoss, before: int, until: float = math.inf
) -> tuple[Networks, Table]:
    """The networks after a few steps on further rows, each on a part of its own, if a tenth that none sees agrees; and it.

    Args:
        networks: What was found on fewer rows.
        rows: Further rows, in random order.
        loss: What is made small.
        before: How many rows the networks have seen.
        until: When no other step is begun, by :func:`time.monotonic`.
    """
    held, *parts = torch.arange(len(rows)).tensor_split([len(rows) // 10, *_ends(len(rows), len(networks.models))[:-1]])
    judges, models = rows.some(held[:MOST_ROWS]), []
    for old, part in zip(networks.models, parts, strict=True):
        weaker = min(1.0, (before / len(part)) ** 0.5) if len(part) else 1.0
        strength = Strength(networks.strength.size * weaker, networks.strength.bend * weaker)
        fit = SmoothFit(copy.deepcopy(old), rows.some(part[:MOST_ROWS]), loss, strength)
        fit.until = until
        fit.stay()
        fit.run(POLISHING, 0)
        with torch.no_grad():
            after, now = (float(judges.error(model(judges.x), loss)) for model in (fit.model, old))
        models.append(fit.model if after < now else old)
    return replace(networks, models=models), judges


def _ends(rows: int, parts: int) -> list[int]:
    """Where equal parts of all but the first tenth of the rows end."""
    first = rows // 10
    return [first + (rows - first) * (part + 1) // parts for part in range(parts)]
