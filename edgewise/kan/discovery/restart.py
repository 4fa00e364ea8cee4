"""Fits that end worse than a constant, and what to do then: begin again."""

import copy
import math
from collections.abc import Callable

from edgewise.kan.kan import KAN

WORSE = 1.01  # times the error of the best constant: what a penalty, or rounding, may cost
TRIES = 2  # fresh starts, at most


def fit_again(model: KAN, fit: Callable[[KAN], object], error: Callable[[KAN], float], floor: float) -> None:
    """Fit a network in place; from numbers drawn anew while it is worse than a constant, and keep the best.

    A network that is handed on from one fit to the next may be one from which no way leads back.

    Args:
        model: The network; it changes in place.
        fit: Fits a network in place.
        error: Of a network.
        floor: The error of the best constant; infinite if any network will do.
    """
    if floor == math.inf:
        fit(model)
        return
    first = copy.deepcopy(list(model))
    fit(model)
    best, layers = error(model), list(model)
    for _ in range(TRIES):
        if best <= WORSE * floor:
            break
        for place, layer in enumerate(copy.deepcopy(first)):
            layer.reset_parameters()
            model[place] = layer
        fit(model)
        if not best <= (again := error(model)):  # a NaN is worse than any number
            best, layers = again, list(model)
    for place, layer in enumerate(layers):
        model[place] = layer
