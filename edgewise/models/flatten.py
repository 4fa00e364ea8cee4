"""Networks of rows on pictures: each picture becomes one row of its pixels."""

from torch import Tensor, nn

from edgewise.models.registry import find_config, takes_of
from edgewise.models.takes import Rows


def of_pictures(network: nn.Module) -> nn.Module:
    """Let a registered network that takes rows take pictures too; any other is given back as it is.

    Example:
        >>> import torch
        >>> from edgewise.models import create_model
        >>> of_pictures(create_model("mlp", width=[12, 3]))(torch.zeros(2, 3, 2, 2)).shape
        torch.Size([2, 3])
    """
    config = find_config(network)
    if config is not None and isinstance(takes_of(config["name"]), Rows):
        network.register_forward_pre_hook(_as_rows)  # its config and the names of its weights stay what they are
    return network


def _as_rows(network: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    """Pictures ``(N, C, H, W)`` as rows ``(N, C H W)``."""
    return inputs[0].flatten(1)
