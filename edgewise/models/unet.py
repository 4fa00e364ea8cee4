"""U-Net, the plain network to compare with: MONAI's."""

from collections.abc import Sequence

from torch import nn

from edgewise._errors import ConfigError
from edgewise._optional import require
from edgewise.models.registry import register_model


@register_model("unet")
def unet(
    in_channels: int = 3, num_classes: int = 1, widths: Sequence[int] = (32, 32, 64, 128, 256, 32), norm: str = "batch"
) -> nn.Module:
    """U-Net with max-pooling and transposed convolutions (Ronneberger et al., arXiv:1505.04597), about 2 M parameters.

    Args:
        in_channels: Channels of the images.
        num_classes: Channels of the logits.
        widths: Channels of the five levels, and of the last before the logits.
        norm: ``"batch"`` or ``"instance"``.

    Shape:
        ``(N, in_channels, H, W) -> (N, num_classes, H, W)``

    Raises:
        ConfigError: Impossible widths or norm.
        MissingPackageError: MONAI is not installed.
    """
    if not isinstance(widths, Sequence) or len(widths) != 6 or min(*widths, in_channels, num_classes) < 1:
        raise ConfigError(
            f"widths must be six positive numbers, with in_channels and num_classes at least 1, "
            f"got widths={widths}, in_channels={in_channels}, num_classes={num_classes}"
        )
    if norm not in ("batch", "instance"):
        raise ConfigError(f"norm must be 'batch' or 'instance', got {norm!r}")
    nets = require("monai.networks.nets", extra="training")
    return nets.BasicUNet(2, in_channels, num_classes, tuple(widths), norm=(norm, {"affine": True}))
