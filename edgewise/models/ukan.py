"""U-KAN: a U-shaped segmentation network with KAN blocks at its bottom, and the frame that its relatives share.

After Li et al., "U-KAN Makes Strong Backbone for Medical Image Segmentation and Generation" (arXiv:2406.02918). The
network is theirs layer for layer, with what was amiss in the released code mended:

* ``no_kan`` there has no effect, and a single channel count is hard-coded; here the layers are chosen by ``layers`` and
  the channels by ``in_channels``.
* ReLUs there that follow a pooling or interpolation of a ReLU change nothing and are left out.
* An image whose sides are no multiples of 32 fails there inside an addition; here an error names the nearest size.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.models.padded_depth import PaddedDepthConv3d
from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures, Volumes
from edgewise.nn import EfficientKAN, KANLinear

WIDTHS = (128, 160, 256)
HALVINGS = 5
RELU = partial(nn.ReLU, inplace=True)


@dataclass(frozen=True)
class Layers:
    """What the frame is filled with.

    Args:
        linear: ``(in_features, out_features) -> module`` on the last dimension.
        conv: ``(in_channels, out_channels, kernel_size, *, stride, padding, groups) -> module``.
        norm: ``channels -> module`` after each convolution of maps ``(N, channels, H, W)``.
        activation: ``() -> module`` after each norm.
        space: Dimensions of what it convolves: 2 of pictures, 3 of volumes.
    """

    linear: Callable[..., nn.Module]
    conv: Callable[..., nn.Module]
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d
    activation: Callable[[], nn.Module] = RELU
    space: int = 2


UKAN_LAYERS = Layers(partial(KANLinear, scale=True, init=EfficientKAN()), nn.Conv2d)
UKAN_LAYERS_3D = replace(UKAN_LAYERS, conv=PaddedDepthConv3d, norm=nn.BatchNorm3d, space=3)


class UFrame(nn.Module):
    """The frame of U-KAN: three convolutional stages, two of tokens, the way back with added skips, and the last layer."""

    size_multiple = 2**HALVINGS

    def __init__(
        self,
        layers: Layers,
        in_channels: int = 3,
        num_classes: int = 1,
        widths: Sequence[int] = WIDTHS,
        flat: int = 0,
    ):
        super().__init__()
        fits = isinstance(widths, Sequence) and len(widths) == 3 and widths[0] % 8 == 0
        if not fits or min(*widths, in_channels, num_classes) < 1:
            raise ConfigError(
                f"widths must be three positive numbers, the first a multiple of 8, with in_channels and num_classes "
                f"at least 1, got widths={widths}, in_channels={in_channels}, num_classes={num_classes}"
            )
        if not 0 <= flat <= (HALVINGS if layers.space == 3 else 0):
            raise ConfigError(f"flat={flat} must be 0 to {HALVINGS} for volumes, or 0 for pictures, which have no depth")
        self.space = layers.space
        self.steps = tuple((1 if level < flat else 2, 2, 2)[-self.space :] for level in range(HALVINGS))
        self.multiples = tuple(math.prod(steps) for steps in zip(*self.steps, strict=True))
        c, t1, t2 = widths
        self.encoder1 = ConvPair(layers, in_channels, c // 8, c // 8)
        self.encoder2 = ConvPair(layers, c // 8, c // 4, c // 4)
        self.encoder3 = ConvPair(layers, c // 4, c, c)
        self.tokens1 = _TokenStage(layers, t1, into=c, stride=self.steps[3])
        self.tokens2 = _TokenStage(layers, t2, into=t1, stride=self.steps[4])
        self.decoder1 = ConvPair(layers, t2, t2, t1)
        self.tokens3 = _TokenStage(layers, t1)
        self.decoder2 = ConvPair(layers, t1, t1, c)
        self.tokens4 = _TokenStage(layers, c)
        self.decoder3 = ConvPair(layers, c, c, c // 4)
        self.decoder4 = ConvPair(layers, c // 4, c // 4, c // 8)
        self.decoder5 = ConvPair(layers, c // 8, c // 8, c // 8)
        self.head = layers.conv(c // 8, num_classes, 1)

    def _walk(self, x: Tensor, run: Callable[[str, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Down and up through all stages, each run by its name: the maps before the first halving, and the last ones.

        Both are (N, widths[0] / 8, H, W), or (N, widths[0] / 8, D, H, W).
        """
        self._check_size(x)
        whole = run("encoder1", x)
        skip1 = self._shrink(whole, 0)
        skip2 = self._shrink(run("encoder2", skip1), 1)
        skip3 = self._shrink(run("encoder3", skip2), 2)
        skip4 = run("tokens1", skip3)
        x = run("tokens2", skip4)
        x = run("tokens3", self._grow(run("decoder1", x), 4) + skip4)
        x = run("tokens4", self._grow(run("decoder2", x), 3) + skip3)
        x = self._grow(run("decoder3", x), 2) + skip2
        x = self._grow(run("decoder4", x), 1) + skip1
        return whole, self._grow(run("decoder5", x), 0)

    def _shrink(self, x: Tensor, level: int) -> Tensor:
        pool = F.max_pool2d if self.space == 2 else F.max_pool3d
        return pool(x, self.steps[level])

    def _grow(self, x: Tensor, level: int) -> Tensor:
        factors = [float(step) for step in self.steps[level]]
        return F.interpolate(x, scale_factor=factors, mode="bilinear" if self.space == 2 else "trilinear")

    def _check_size(self, x: Tensor) -> None:
        sides, multiples = x.shape[-self.space :], self.multiples
        if 0 in sides or any(side % multiple for side, multiple in zip(sides, multiples, strict=True)):
            near = (max(m, round(side / m) * m) for side, m in zip(sides, multiples, strict=True))
            rule = multiples[0] if len({*multiples}) == 1 else _by(multiples)
            raise ConfigError(f"image sides must be multiples of {rule}, got {_by(sides)}; the nearest size is {_by(near)}")


class UShape(UFrame):
    """The frame of U-KAN as a network that segments.

    Args:
        layers: What stands where a fully connected layer or a convolution is due.
        in_channels: Channels of the images.
        num_classes: Channels of the logits; 1 for foreground against background.
        widths: Channels of the deepest convolutional stage and of the two token stages; the first a multiple of 8.
        flat: How many of the five halvings, the first ones, leave the depth of volumes as it is: slices are mostly
            farther apart than pixels.

    Shape:
        ``(N, in_channels, H, W) -> (N, num_classes, H, W)``, H and W multiples of 32; of volumes with D before them, a
        multiple of ``32 / 2**flat``

    Raises:
        ConfigError: Impossible widths or ``flat``, or an image size that is no multiple of 32.
    """

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self._walk(x, lambda name, x: self.get_submodule(name)(x))[1])


@register_model("ukan", takes=Pictures(dense=True, widths=("widths",)))
def ukan(in_channels: int = 3, num_classes: int = 1, widths: Sequence[int] = WIDTHS) -> UShape:
    """U-KAN: plain convolutions, and KAN layers (as efficient-KAN's, with scales) in the token blocks.

    Args:
        in_channels: Channels of the images.
        num_classes: Channels of the logits.
        widths: As in :class:`UShape`.

    Example:
        >>> sum(p.numel() for p in ukan().parameters())
        6356689
    """
    return UShape(UKAN_LAYERS, in_channels, num_classes, widths)


@register_model("ukan3d", takes=Volumes(widths=("widths",), flat="flat"))
def ukan3d(in_channels: int = 1, num_classes: int = 1, widths: Sequence[int] = WIDTHS, flat: int = 0) -> UShape:
    """U-KAN in three dimensions.

    Args:
        in_channels: Channels of the volumes.
        num_classes: Channels of the logits.
        widths: As in :class:`UShape`.
        flat: As there.

    Shape:
        ``(N, in_channels, D, H, W) -> (N, num_classes, D, H, W)``

    Example:
        >>> import torch
        >>> ukan3d(widths=(8, 8, 8), flat=3)(torch.zeros(2, 1, 4, 32, 64)).shape
        torch.Size([2, 1, 4, 32, 64])
    """
    return UShape(UKAN_LAYERS_3D, in_channels, num_classes, widths, flat)


class ConvPair(nn.Sequential):
    """Twice a convolution of side 3, its norm and its activation."""

    def __init__(self, layers: Layers, into: int, between: int, out: int):
        conv, norm, activation = layers.conv, layers.norm, layers.activation
        super().__init__(
            conv(into, between, 3, padding=1), norm(between), activation(),
            conv(between, out, 3, padding=1), norm(out), activation(),
        )  # fmt: skip


class _TokenStage(nn.Module):
    """Pixels as tokens: a strided embedding (where ``into`` is given), a residual block of three mixings, a norm."""

    def __init__(self, layers: Layers, width: int, into: int | None = None, stride: Sequence[int] = ()):
        super().__init__()
        self.embed = nn.Identity() if into is None else layers.conv(into, width, 3, stride=stride, padding=1)
        self.embed_norm = nn.Identity() if into is None else nn.LayerNorm(width)
        self.block_norm = nn.LayerNorm(width)
        self.block = nn.Sequential(*(_Mixing(layers, width) for _ in range(3)))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed_norm(self.embed(x).movedim(1, -1))  # (N, *space, C)
        return self.norm(tokens + self.block(self.block_norm(tokens))).movedim(-1, 1)


class _Mixing(nn.Module):
    """Mix channels by a fully connected layer, then neighbours by a depthwise convolution; tokens in, tokens out."""

    def __init__(self, layers: Layers, width: int):
        super().__init__()
        self.channels = layers.linear(width, width)
        self.neighbours = layers.conv(width, width, 3, padding=1, groups=width)
        self.norm = layers.norm(width)
        self.activation = layers.activation()

    def forward(self, tokens: Tensor) -> Tensor:
        maps = self.neighbours(self.channels(tokens).movedim(-1, 1))
        return self.activation(self.norm(maps)).movedim(1, -1)


def _by(sizes: Iterable[int]) -> str:
    return " x ".join(map(str, sizes))
