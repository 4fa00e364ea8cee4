"""How strong a penalty classes want, by rows held back of each."""

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor

from edgewise.kan.discovery.restart import fit_again
from edgewise.kan.fitting.data import Table
from edgewise.kan.kan import KAN

RELATIVE = (1e-2, 5e-3, 2e-3, 5e-4)  # from strong to weak, of the entropy of the base rates
USUAL = 1e-2  # where there are too few rows to ask
SHARE_HELD = 0.3  # of the rows of each class decide
WORTH = 0.01  # of that entropy, what a weaker penalty must bring
FEWEST_ROWS, FEWEST_OF_A_CLASS = 50, 10


def strength_for_classes(
    model: KAN,
    table: Table,
    fit: Callable[[KAN, Table, float], object],
    error: Callable[[KAN, Table], float],
    floor: Callable[[Table], float],
) -> float:
    """The strength of the least cross-entropy on rows held back; the network is left as it was fitted under it.

    Args:
        model: The network; it changes in place.
        table: All rows; targets have a sign or a column for each class. Which rows are held back is drawn from the global
            generator.
        fit: Fits a network to rows under a penalty, in place.
        error: The cross-entropy of a network.
        floor: That of the base rates.
    """
    numbers = table.y.argmax(1) if table.y.shape[1] > 1 else (table.y[:, 0] > 0).long()
    if len(table) < FEWEST_ROWS or numbers.bincount().min() < FEWEST_OF_A_CLASS:
        fit(model, table, USUAL)
        return USUAL
    held = _held_back(numbers)
    judges, used = table.some(held), table.some(~held)
    least, best, layers = math.inf, RELATIVE[0], list(model)
    for strength in RELATIVE:
        with torch.no_grad():
            fit_again(model, lambda m, s=strength: fit(m, used, s), lambda m: error(m, used), floor(used))
            found = error(model, judges)
        if found < least - WORTH * floor(judges):
            least, best, layers = found, strength, copy.deepcopy(list(model))
    for place, layer in enumerate(layers):
        model[place] = layer
    return best


def _held_back(numbers: Tensor) -> Tensor:
    """A mask of some rows of each class."""
    held = torch.zeros(len(numbers), dtype=torch.bool)
    for number in range(int(numbers.max()) + 1):
        rows = (numbers == number).nonzero().flatten()
        held[rows[torch.randperm(len(rows))[: round(SHARE_HELD * len(rows))]]] = True
    return held
