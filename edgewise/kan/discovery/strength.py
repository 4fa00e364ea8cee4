"""How strong a penalty the data wants, by rows held back."""

import copy
import math
from collections.abc import Callable

import torch
from torch.nn.functional import mse_loss

from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.plan import Loss
from edgewise.kan.kan import KAN

STRENGTHS = (3e-2, 1e-2, 1e-3, 0.0)  # tried from strong to weak, each from where the last ended
HELD_BACK = 0.2  # of the rows decide between them
GAIN = 0.8  # a weaker penalty must bring the error to this share
ENOUGH = 50  # rows; with fewer, the strongest is taken


def chosen_strength(
    model: KAN, table: Table, fit: Callable[[KAN, Table, float], object], loss: Loss | None = None
) -> float:
    """The weakest penalty that is worth it; the network is left as it was fitted under it.

    Args:
        model: The network; it changes in place.
        table: All rows. Which are held back is drawn from the global generator.
        fit: Fits a network to rows under a penalty, in place.
        loss: What is measured on the rows held back; None for the mean square.
    """
    if len(table) < ENOUGH:
        fit(model, table, STRENGTHS[0])
        return STRENGTHS[0]
    held, used = torch.randperm(len(table)).to(table.x.device).tensor_split([int(HELD_BACK * len(table))])
    held, used = (Table(table.x[rows], table.y[rows]) for rows in (held, used))
    least, best, layers = math.nan, STRENGTHS[0], list(model)
    for strength in STRENGTHS:
        fit(model, used, strength)
        with torch.no_grad():
            error = float((loss or mse_loss)(model(held.x), held.y))
        if strength == STRENGTHS[0] or error < GAIN * least:
            least, best, layers = error, strength, copy.deepcopy(list(model))
    for place, layer in enumerate(layers):
        model[place] = layer
    return best
