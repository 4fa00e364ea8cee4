"""A plain network that costs as much: the first thing a reader asks for."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.analysis import compare_times, count_flops, count_parameters, training_step
from edgewise.models.registry import config_of, takes_of
from edgewise.models.takes import Rows
from edgewise.vision.classification.network import create_classifier
from edgewise.vision.classification.recipe import ClassificationRecipe
from edgewise.vision.training.recipe import Model

WIDEST = 2**16
TIMED = 64  # pictures at most of a step that is timed


def matched_baseline(recipe: ClassificationRecipe, match: str = "parameters") -> ClassificationRecipe:
    """The same recipe for a plain network: ``mlp`` for a network of rows, else ``cnn``, of the width that costs nearest.

    The perceptron has as many hidden layers as the network's ``width`` has (one where there is no such list), all of one
    width.

    Args:
        recipe: Whose cost to match.
        match: ``parameters``; ``flops``, the operations of a forward pass of one picture; or ``time``, the seconds of a
            training step, measured here and now in interleaved rounds, so that the width may differ from call to call.

    Raises:
        ConfigError: Another thing is to be matched, the network is a plain one already, or a time is to be matched on
            several devices.
    """
    if recipe.model.name in ("mlp", "cnn"):
        raise ConfigError(f"model {recipe.model.name!r} is plain already: leave the baseline out")
    share = _share(match, recipe)
    plain = _plain(recipe)
    width = nearest_width(lambda width: share(plain(width)), 1.0)
    return replace(recipe, model=plain(width))


def nearest_width(cost: Callable[[int], float], target: float) -> int:
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
    data = recipe.data
    takes = takes_of(recipe.model.name)
    if not isinstance(takes, Rows):
        return lambda width: Model(name="cnn", options={"width": width})
    options = config_of(create_classifier(recipe.model, data))["options"]  # the model's defaults among them
    hidden = max(1, len(options[takes.width]) - 2)
    pixels = data.channels * data.size[0] * data.size[1]
    return lambda width: Model(name="mlp", options={"width": [pixels, *[width] * hidden, data.classes]})


def _share(match: str, recipe: ClassificationRecipe) -> Callable[[Model], float]:
    """What a model costs, as a share of what the recipe's costs."""
    shape = (recipe.data.channels, *recipe.data.size)

    def network(model: Model) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            return create_classifier(model, recipe.data)

    ours = network(recipe.model)

    def flops(model: nn.Module) -> int:
        with torch.no_grad():
            return sum(count_flops(model.eval(), torch.zeros(1, *shape))[kind] for kind in ("matmul", "elementwise"))

    def times(model: nn.Module) -> float:
        device = _timed_on(recipe)
        batch = torch.zeros(min(recipe.batch_size, TIMED), *shape, device=device)
        networks = {"ours": ours, "other": model}
        steps = {name: training_step(net.to(device).train(), batch) for name, net in networks.items()}
        seconds = compare_times(steps, rounds=7)
        return seconds["other"].median / seconds["ours"].median

    counts = {"parameters": count_parameters, "flops": flops}
    if match == "time":
        return lambda model: times(network(model))
    if match not in counts:
        raise unknown("measure to match", match, (*counts, "time"))
    count, target = counts[match], counts[match](ours)
    return lambda model: count(network(model)) / target


def _timed_on(recipe: ClassificationRecipe) -> torch.device:
    """Where the run will happen.

    Raises:
        ConfigError: It is more than one place: each process would measure another time, and so make another network.
    """
    machine = recipe.machine
    cpu = machine.accelerator == "cpu" or not torch.accelerator.is_available()
    if str(machine.devices) not in (("auto", "1") if cpu or torch.accelerator.device_count() == 1 else ("1",)):
        raise ConfigError(f"a time is matched on one device, got machine.devices={machine.devices}: match flops, or set 1")
    return (None if cpu else torch.accelerator.current_accelerator()) or torch.device("cpu")
