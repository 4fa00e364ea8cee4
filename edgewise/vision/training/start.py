"""Weights that training starts from: those of another run, for fine-tuning and for teachers."""

import os
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgewise._ground.errors import CheckpointError
from edgewise._ground.registry import unknown
from edgewise.io import read_weights
from edgewise.models.registry import find_config, takes_of
from edgewise.vision.training.folder import RunFolder


def start_from(network: nn.Module, sources: Mapping[str, str | Path]) -> None:
    """Copy trained weights into parts of a network, in place.

    The number of classes may differ: the last layer then keeps the weights it has. All other options that say what weights
    compute must be equal. A part that was not made by its name must fit in every shape.

    Args:
        network: Of which parts begin as something that was trained.
        sources: Run folders, or files that :func:`edgewise.io.save_model` wrote, by the name of the part; ``""`` is the
            whole network.

    Raises:
        ConfigError: The network has no part of this name.
        CheckpointError: A file is missing or damaged, or holds weights of another network; the message says what differs.

    Example:
        >>> import tempfile
        >>> from edgewise import create_model
        >>> from edgewise.io import save_model
        >>> trained, network = create_model("mlp", width=[2, 3, 5]), create_model("mlp", width=[2, 3, 4])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_model(trained, f"{folder}/model.safetensors")
        ...     start_from(network, {"": folder})
        >>> torch.equal(network[0].weight, trained[0].weight)
        True
    """
    parts = dict(network.named_modules())
    for name, source in sources.items():
        if name not in parts:
            raise unknown("part of the network", name, parts)
        path = Path(source)
        path = RunFolder(path).best_model() if path.is_dir() else path
        config, tensors = read_weights(path)
        own = find_config(parts[name])
        if own is not None and (difference := _difference(config, own)):
            raise CheckpointError(f"{path} holds another network, {difference}: start from one with equal options")
        _copy(parts[name], tensors, path, classes_may_differ=own is not None)


def _difference(stored: dict, own: dict) -> str | None:
    """The first setting by which weights of two configurations compute something else, in words."""
    if stored["name"] != own["name"]:
        return f"its model is {stored['name']!r} and not {own['name']!r}"
    takes = takes_of(own["name"])  # where the side of pictures matters, a shape says so
    return _first_of(takes.decisive(stored["options"]), takes.decisive(own["options"]))


def _first_of(one: Any, other: Any, name: str = "") -> str | None:
    """The first part in which two settings differ, in words."""
    if all(isinstance(value, list) and value and isinstance(value[0], dict) for value in (one, other)):
        one, other = dict(enumerate(one)), dict(enumerate(other))  # a basis for each layer
    if isinstance(one, dict) and isinstance(other, dict):
        parts = (_first_of(one.get(key), other.get(key), f"{name}.{key}") for key in one | other)
        return next(filter(None, parts), None)
    return None if one == other else f"its {name[1:]} is {one} and not {other}"


@torch.no_grad()
def _copy(part: nn.Module, tensors: dict[str, Tensor], path: Path, classes_may_differ: bool) -> None:
    own = part.state_dict()
    strange = sorted(own.keys() ^ tensors.keys())
    if strange:
        where = "is not in the network" if strange[0] in tensors else "is missing"
        raise CheckpointError(f"{path} holds another network, {strange[0]!r} {where}: start from one with equal options")
    differing = [name for name in own if own[name].shape != tensors[name].shape]
    if differing and not (classes_may_differ and _are_of_the_classes(differing, own, tensors)):
        name = differing[0]
        rule = "only the last layer may differ, by its outputs" if classes_may_differ else "all shapes must fit"
        raise CheckpointError(
            f"{path} holds another network, {name!r} is {tuple(tensors[name].shape)} and not {tuple(own[name].shape)}: "
            f"{rule}, so start from one with equal options"
        )
    part.load_state_dict({name: own[name] if name in differing else tensors[name] for name in own})


def _are_of_the_classes(differing: list[str], own: dict[str, Tensor], tensors: dict[str, Tensor]) -> bool:
    """Whether these tensors are of the last layer and differ in one size, the same in all."""
    layer = os.path.commonprefix(differing).rpartition(".")[0]  # noqa: RUF071 (of characters, cut back to a whole name)
    pairs = (zip_longest(own[name].shape, tensors[name].shape) for name in differing)
    change, *others = {tuple((n, m) for n, m in pair if n != m) for pair in pairs}
    return bool(layer) and [*own][-1].startswith(f"{layer}.") and len(change) == 1 and not others
