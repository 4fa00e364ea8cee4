"""VGG16 with a KAN for its classifier: torchvision's features, pretrained or from scratch."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.bases import BasisLike
from edgewise.models.blocks import check_positive, fully_connected
from edgewise.models.classifier import Classifier
from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures
from edgewise.nn.layer import DEFAULT_BASIS

REDUCTION, CHANNELS = 32, 512


@register_model(
    "vgg16_kan",
    takes=Pictures(side="image_size", basis="basis", widths=("hidden",), free=("dropout",), fetched="pretrained"),
)
def vgg16_kan(
    num_classes: int = 2,
    in_channels: int = 3,
    image_size: int = 224,
    hidden: Sequence[int] = (2048, 2048),
    basis: BasisLike = DEFAULT_BASIS,
    head: Literal["kan", "linear"] = "kan",
    norm: bool = False,
    dropout: float = 0.0,
    pretrained: bool = False,
) -> Classifier:
    """The convolutions of ``vgg16_bn`` and fully connected KAN layers, 25088 -> 2048 -> 2048 -> classes at 224 x 224.

    Pictures of another size are pooled to what the head takes, 512 numbers at ``image_size=32``.

    Args:
        num_classes: Size of the logits.
        in_channels: Channels of the pictures.
        image_size: Side of the pictures that the head is made for, at least 32.
        hidden: Nodes of the head's hidden layers.
        basis: The functions of the head.
        head: ``"kan"``, or ``"linear"`` for the plain head with as many nodes.
        norm: Layer norms before the head's layers, which bring inputs into the domain of the basis; not published.
        dropout: Share of the inputs of the head's layers that is dropped.
        pretrained: Start the features from torchvision's weights for ImageNet, which are fetched.

    Shape:
        ``(N, in_channels, H, W) -> (N, num_classes)``, H and W at least 32

    Raises:
        ConfigError: Impossible numbers, pretrained features for other than 3 channels, or too small pictures.
        MissingPackageError: torchvision is not installed.
    """
    check_positive(in_channels=in_channels)
    if image_size < REDUCTION:
        raise ConfigError(f"image_size must be at least {REDUCTION}, got {image_size}")
    if pretrained and in_channels != 3:
        raise ConfigError(f"pretrained features see 3 channels, got in_channels={in_channels}: leave pretrained off")
    models = require("torchvision.models", extra="vision")
    features = models.vgg16_bn(weights="DEFAULT" if pretrained else None).features
    if in_channels != 3:
        features[0] = nn.Conv2d(in_channels, features[0].out_channels, 3, padding=1)
        nn.init.kaiming_normal_(features[0].weight, mode="fan_out", nonlinearity="relu")  # as torchvision's are
        nn.init.zeros_(features[0].bias)
    side = image_size // REDUCTION
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(side), nn.Flatten())
    make_head = partial(
        fully_connected, into=CHANNELS * side**2, hidden=tuple(hidden), kind=head, basis=basis, norm=norm, dropout=dropout
    )
    return Classifier(_stages(features), pool, make_head, num_classes, in_channels, least_side=REDUCTION)


def _stages(features: nn.Sequential) -> list[nn.Sequential]:
    """Cut after each max-pooling."""
    stages: list[list[nn.Module]] = [[]]
    for module in features:
        stages[-1].append(module)
        if isinstance(module, nn.MaxPool2d):
            stages.append([])
    return [nn.Sequential(*stage) for stage in stages if stage]
