"""A network of rows as a classifier of pictures: each picture becomes one row of its pixels."""

from torch import Tensor, nn

from edgewise._errors import ConfigError
from edgewise.models.registry import create_model, register_model


@register_model("rows")
class Rows(nn.Module):
    """Flattens pictures and hands them to a network that takes rows, such as ``kan`` or ``mlp``.

    Args:
        model: Name of the network.
        options: Its options.

    Shape:
        ``(N, C, H, W) -> (N, outputs)``, where the network takes C H W inputs.

    Raises:
        ConfigError: The name or an option is unknown, or the network itself makes rows of pictures.

    Example:
        >>> import torch
        >>> Rows("kan", {"width": [12, 5, 3]})(torch.zeros(2, 3, 2, 2)).shape
        torch.Size([2, 3])
    """

    def __init__(self, model: str, options: dict | None = None):
        super().__init__()
        if model == "rows":
            raise ConfigError("rows of rows are no rows: name the network that takes them")
        self.network = create_model(model, **(options or {}))

    @property
    def config(self) -> dict:
        """What rebuilds the network as it stands."""
        inner = self.network.config
        return {"name": "rows", "options": {"model": inner["name"], "options": inner["options"]}}

    def example_input(self, batch_size: int = 2) -> Tensor:
        """Pictures that it takes, of one row of pixels."""
        return self.network.example_input(batch_size)[:, None, None]

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x.flatten(1))
