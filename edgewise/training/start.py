"""Weights that training starts from: those of another run, for fine-tuning and for teachers."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from edgewise._errors import CheckpointError
from edgewise._registry import unknown
from edgewise.io import read_weights
from edgewise.training.folder import RunFolder


def start_from(network: nn.Module, sources: Mapping[str, str | Path]) -> None:
    """Copy trained weights into parts of a network, in place.

    One layer may differ in shape, that of the classes: it keeps the weights it has.

    Args:
        network: Of which parts begin as something that was trained.
        sources: Run folders, or files that :func:`edgewise.io.save_model` wrote, by the name of the part; ``""`` is the
            whole network.

    Raises:
        ConfigError: The network has no part of this name.
        CheckpointError: A file is missing or damaged, or holds weights of another network.

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
        path = RunFolder(path).model if path.is_dir() else path
        _copy(parts[name], read_weights(path)[1], path)


@torch.no_grad()
def _copy(part: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    own = part.state_dict()
    strange = sorted(own.keys() ^ tensors.keys())
    if strange:
        where = "is not in the network" if strange[0] in tensors else "is missing"
        raise CheckpointError(f"{path} holds another network, {strange[0]!r} {where}: start from one with equal options")
    differing = sorted(name for name in own if own[name].shape != tensors[name].shape)
    layers = {name.rpartition(".")[0] for name in differing}
    if len(layers) > 1:
        name = differing[0]
        raise CheckpointError(
            f"{path} holds another network, {name!r} is {tuple(tensors[name].shape)} and not {tuple(own[name].shape)}: "
            "only the layer of the classes may differ, so start from one with equal options"
        )
    part.load_state_dict({name: own[name] if name in differing else tensors[name] for name in own})
