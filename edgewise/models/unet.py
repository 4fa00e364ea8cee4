"""U-Net, the plain network to compare with: MONAI's."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.models.padded_depth import pad_depth_by_hand
from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures, Volumes


@register_model("unet", takes=Pictures(dense=True, widths=("widths",)))
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
    return _basic_unet(2, in_channels, num_classes, widths, norm)


@register_model("unet3d", takes=Volumes(widths=("widths",), multiple=16))
def unet3d(
    in_channels: int = 1, num_classes: int = 1, widths: Sequence[int] = (32, 32, 64, 128, 256, 32), norm: str = "batch"
) -> nn.Module:
    """The same of volumes (Cicek et al., arXiv:1606.06650).

    Args:
        in_channels: Channels of the volumes.
        num_classes: Channels of the logits.
        widths: As in :func:`unet`; so is norm.
        norm: ``"batch"`` or ``"instance"``.

    Shape:
        ``(N, in_channels, D, H, W) -> (N, num_classes, D, H, W)``

    Raises:
        ConfigError: Impossible widths or norm.
        MissingPackageError: MONAI is not installed.
    """
    return _basic_unet(3, in_channels, num_classes, widths, norm)


def _basic_unet(space: int, in_channels: int, num_classes: int, widths: Sequence[int], norm: str) -> nn.Module:
    if not isinstance(widths, Sequence) or len(widths) != 6 or min(*widths, in_channels, num_classes) < 1:
        raise ConfigError(
            f"widths must be six positive numbers, with in_channels and num_classes at least 1, "
            f"got widths={widths}, in_channels={in_channels}, num_classes={num_classes}"
        )
    if norm not in ("batch", "instance"):
        raise ConfigError(f"norm must be 'batch' or 'instance', got {norm!r}")
    nets = require("monai.networks.nets", extra="training")
    model = nets.BasicUNet(space, in_channels, num_classes, tuple(widths), norm=(norm, {"affine": True}))
    for name in ("upcat_4", "upcat_3", "upcat_2", "upcat_1"):
        setattr(model, name, _UpCat(getattr(model, name)))
    return pad_depth_by_hand(model)


class _UpCat(nn.Module):
    """MONAI's module of this name without the one call in it that torch.compile cannot see through."""

    def __init__(self, source: nn.Module):
        super().__init__()
        self.upsample, self.convs = source.get_submodule("upsample"), source.get_submodule("convs")

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.convs(torch.cat([skip, extend_to(skip, self.upsample(x))], 1))


def extend_to(skip: Tensor, x: Tensor) -> Tensor:
    """Repeat the last row, column and slice of ``x`` where halving an odd side of ``skip`` has lost one."""
    lost = [big - small for big, small in zip(skip.shape[2:], x.shape[2:], strict=True)]
    padding = [side for missing in reversed(lost) for side in (0, missing)]
    if torch.compiler.is_exporting():  # a branch on sizes would let a graph take even ones only, or only odd ones
        return F.pad(x, padding, mode="replicate")
    return F.pad(x, padding, mode="replicate") if any(lost) else x
