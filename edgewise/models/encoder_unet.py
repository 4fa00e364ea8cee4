"""A U-Net whose encoder is a convolutional network of timm, pretrained or not, and whose decoder is of KANs."""

import difflib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.bases import BasisLike
from edgewise.models.blocks import check_positive
from edgewise.models.kan_blocks import KANBlocks
from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures
from edgewise.models.vgg_kan import KAGN
from edgewise.nn import KANConv2d


@register_model(
    "encoder_unet",
    takes=Pictures(dense=True, basis="basis", widths=("widths",), free=("dropout",), fetched="pretrained"),
)
class EncoderUNet(nn.Module):
    """U-Net (Ronneberger et al., arXiv:1505.04597): maps of a network of timm, and KAN convolutions on the way up.

    Each step up makes the coarser map as large as the next finer one, bilinearly, and a KAN convolution joins both.

    Args:
        in_channels: Channels of the images.
        num_classes: Channels of the logits; 1 for foreground against background.
        encoder: A network of timm with maps on several scales, such as ``"resnet18"`` or ``"convnext_tiny"``.
        pretrained: Start the encoder from timm's weights, which are fetched; the decoder is drawn.
        widths: Channels of the decoder, from coarse to fine: one for each map of the encoder but the coarsest.
        basis: The functions of the decoder; Gram polynomials of degree 3 by default.
        norm: After each convolution of the decoder: ``"batch"``, ``"instance"`` or ``"none"``.
        dropout: Share of the channels dropped before each convolution of the decoder.
        reduction: Above 1, bottlenecks: functions work on so many times fewer channels.

    Shape:
        ``(N, in_channels, H, W) -> (N, num_classes, H, W)``, H and W at least the step of the coarsest map, mostly 32

    Raises:
        ConfigError: timm has no such network, its maps are of one scale or have channels last, or numbers are impossible.
        MissingPackageError: timm is not installed.

    Example:
        >>> model = EncoderUNet(1, encoder="test_resnet", widths=(8, 8, 4, 4))
        >>> model(torch.zeros(2, 1, 32, 40)).shape
        torch.Size([2, 1, 32, 40])
    """

    def __init__(
        self,
        in_channels: int = 3,
        num_classes: int = 1,
        encoder: str = "resnet18",
        pretrained: bool = False,
        widths: Sequence[int] = (128, 64, 32, 16),
        basis: BasisLike = KAGN,
        norm: str = "batch",
        dropout: float = 0.0,
        reduction: int = 1,
    ):
        super().__init__()
        check_positive(in_channels=in_channels, num_classes=num_classes, widths=widths)
        self.encoder = _encoder(encoder, pretrained, in_channels)
        channels, steps = self.encoder.feature_info.channels(), self.encoder.feature_info.reduction()
        if len(widths) != len(channels) - 1:
            raise ConfigError(
                f"encoder {encoder!r} has {len(channels)} maps and the decoder needs {len(channels) - 1} widths, one for "
                f"each map but the coarsest, got {widths}"
            )
        self.in_channels, self.least_side = in_channels, steps[-1]
        make = KANBlocks(basis, norm, dropout, reduction)
        rising = pairwise([channels[-1], *widths])
        self.merge = nn.ModuleList(make(n + skip, m) for (n, m), skip in zip(rising, channels[-2::-1], strict=True))
        self.head = KANConv2d(widths[-1], num_classes, 1, basis=basis)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 4 or x.shape[1] != self.in_channels or any(side < self.least_side for side in x.shape[2:]):
            raise ConfigError(
                f"expected images (N, {self.in_channels}, H, W) with sides of at least {self.least_side}, "
                f"got shape {tuple(x.shape)}"
            )
        *skips, found = self.encoder(x)
        for merge, skip in zip(self.merge, reversed(skips), strict=True):
            found = merge(torch.cat([_as_large_as(skip, found), skip], 1))
        return self.head(_as_large_as(x, found))


def _as_large_as(large: Tensor, small: Tensor) -> Tensor:
    return F.interpolate(small, large.shape[2:], mode="bilinear")


def _encoder(name: str, pretrained: bool, in_channels: int) -> Any:
    """A network of timm that makes maps, from fine to coarse."""
    timm = require("timm", extra="vision")
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ConfigError(f"timm has no network {name!r}; {hint}timm.list_models() names all")
    try:
        made = timm.create_model(name, features_only=True, pretrained=pretrained, in_chans=in_channels)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"encoder {name!r} cannot make maps ({reason}): choose a convolutional network") from error
    steps = made.feature_info.reduction()
    if any(coarse <= fine for fine, coarse in pairwise(steps)) or str(getattr(made, "output_fmt", None)).endswith("NHWC"):
        raise ConfigError(
            f"encoder {name!r} has maps at steps of {steps} pixels, or with channels last, and maps (N, C, H, W) on "
            "several scales are needed: choose a convolutional network, such as 'resnet18'"
        )
    return made
