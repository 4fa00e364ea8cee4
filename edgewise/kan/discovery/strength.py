"""How strong a penalty the data wants, by rows held back."""

import copy
import math
from collections.abc import Callable

import torch

from edgewise.kan.discovery.restart import fit_again
from edgewise.kan.fitting.data import Loss, Table
from edgewise.kan.kan import KAN

STRENGTHS = (3e-2, 1e-2, 1e-3, 0.0)  # tried from strong to weak, each from where the last ended
HELD_BACK = 0.2  # of the rows decide between them
GAIN = 0.8  # a weaker penalty must bring the error to this share
ENOUGH = 50  # rows; with fewer, the strongest is taken


def chosen_strength(
    model: KAN,
    table: Table,
    fit: Callable[[KAN, Table, float], object],
    loss: Loss | None = None,
    floor: Callable[[Table], float] = lambda table: math.inf,
) -> float:
    """The weakest penalty that is worth it; the network is left as it was fitted under it.

    Args:
        model: The network; it changes in place.
        table: All rows. Which are held back is drawn from the global generator.
        fit: Fits a network to rows under a penalty, in place.
        loss: What is measured on the rows held back; None for the mean square.
        floor: The loss of the best constant on some rows: a network that is worse is not handed on to the next fit.
    """

    def error(model: KAN, rows: Table) -> float:
        with torch.no_grad():
            return float(rows.error(model(rows.x), loss))

    if len(table) < ENOUGH:
        fit(model, table, STRENGTHS[0])
        return STRENGTHS[0]
    held, used = torch.randperm(len(table)).to(table.x.device).tensor_split([int(HELD_BACK * len(table))])
    held, used = table.some(held), table.some(used)
    least, best, layers = math.nan, STRENGTHS[0], list(model)
    for strength in STRENGTHS:
        fit_again(model, lambda m, s=strength: fit(m, used, s), lambda m: error(m, used), floor(used))
        found = error(model, held)
        if strength == STRENGTHS[0] or found < GAIN * least:
            least, best, layers = found, strength, copy.deepcopy(list(model))
    for place, layer in enumerate(layers):
        model[place] = layer
    return best
