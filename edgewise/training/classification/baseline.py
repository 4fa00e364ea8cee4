"""A plain network that costs as much: the first thing a reader asks for."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from edgewise._errors import ConfigError
from edgewise._registry import unknown
from edgewise.training.classification.network import create_classifier, takes_rows
from edgewise.training.classification.recipe import ClassificationRecipe
from edgewise.training.recipe import Model

WIDEST = 2**16


def matched_baseline(recipe: ClassificationRecipe, match: str = "parameters") -> ClassificationRecipe:
    """The same recipe for a plain network: ``mlp`` for a network of rows, else ``cnn``, of the width that costs nearest.

    The perceptron has as many hidden layers as ``width`` in the recipe's options has (one where there is no such list), all
    of one width.

    Args:
        recipe: Whose cost to match.
        match: ``parameters``, or ``flops``, the operations of a forward pass of one picture.

    Raises:
        ConfigError: Another thing is to be matched, or the network is a plain one already.
    """
    if recipe.model.name in ("mlp", "cnn"):
        raise ConfigError(f"model {recipe.model.name!r} is plain already: leave the baseline out")
    cost = _cost(match, recipe)
    target = cost(recipe.model)
    plain = _plain(recipe)
    width = nearest_width(lambda width: cost(plain(width)), target)
    return replace(recipe, model=plain(width))


def nearest_width(cost: Callable[[int], int], target: int) -> int:
    """The width whose cost, which rises with it, is nearest to the target.

    Example:
        >>> nearest_width(lambda width: width**2, 90)
        9
    """
    low, high = 1, 2
    while cost(high) < target and high < WIDEST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) < target else (low, middle)
    return min((low, high), key=lambda width: abs(cost(width) - target))


def _plain(recipe: ClassificationRecipe) -> Callable[[int], Model]:
    """The plain model by its width."""
    data, options = recipe.data, recipe.model.options
    if recipe.model.name != "rows" and not takes_rows(recipe.model.name):
        return lambda width: Model(name="cnn", options={"width": width})
    inner = options.get("options", {}) if recipe.model.name == "rows" else options
    hidden = max(1, len(inner.get("width", ())) - 2)
    pixels = data.channels * data.size[0] * data.size[1]
    return lambda width: Model(name="mlp", options={"width": [pixels, *[width] * hidden, data.classes]})


def _cost(match: str, recipe: ClassificationRecipe) -> Callable[[Model], int]:
    """What a model costs."""
    from edgewise.analysis import count_flops, count_parameters

    shape = (1, recipe.data.channels, *recipe.data.size)

    def network(model: Model) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            return create_classifier(model, recipe.data).eval()

    def flops(model: Model) -> int:
        with torch.no_grad():
            return sum(count_flops(network(model), torch.zeros(shape))[kind] for kind in ("matmul", "elementwise"))

    measures = {"parameters": lambda model: count_parameters(network(model)), "flops": flops}
    if match not in measures:
        raise unknown("measure to match", match, measures)
    return measures[match]
