"""Plain networks to stand beside: what a reader compares a Kolmogorov-Arnold network with."""

from collections.abc import Sequence

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.models.blocks import chain
from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures, Rows


@register_model("mlp", takes=Rows())
def mlp(width: Sequence[int]) -> nn.Sequential:
    """A multilayer perceptron: linear layers with ReLU between them.

    Args:
        width: Nodes from input to output, at least two entries, such as ``[784, 64, 10]``.

    Shape:
        ``(*, width[0]) -> (*, width[-1])``.

    Raises:
        ConfigError: Fewer than two widths, or one below 1.

    Example:
        >>> sum(p.numel() for p in mlp([784, 64, 10]).parameters())
        50890
    """
    return chain(width, nn.Linear, between=(lambda _: nn.ReLU(),))


@register_model("cnn", takes=Pictures(widths=("width",)))
def cnn(num_classes: int = 10, in_channels: int = 3, width: int = 32, stages: int = 3) -> nn.Sequential:
    """A plain convolutional network: two 3 x 3 convolutions a stage with batch norm and ReLU, then the mean of the picture.

    Channels double and sides halve from stage to stage.

    Args:
        num_classes: Size of the logits.
        in_channels: Channels of the pictures.
        width: Channels of the first stage.
        stages: Number of stages.

    Shape:
        ``(N, in_channels, H, W) -> (N, num_classes)``, H and W at least ``2 ** (stages - 1)``.

    Raises:
        ConfigError: A number is below 1.
    """
    if min(num_classes, in_channels, width, stages) < 1:
        raise ConfigError(f"all must be at least 1, got {num_classes=}, {in_channels=}, {width=}, {stages=}")
    layers: list[nn.Module] = []
    before = in_channels
    for stage in range(stages):
        layers += [nn.MaxPool2d(2)] if stage else []
        for _ in range(2):
            after = width * 2**stage
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, num_classes))
