"""Diffusion U-KAN: the frame of U-KAN as what finds the noise in a picture, told how much there is.

After Li et al. (arXiv:2406.02918), whose other half uses U-KAN as the noise predictor of a diffusion model (Ho et al.,
arXiv:2006.11239). As there: the sinusoids of a step go through two layers to an embedding TE(t), and F(TE(t)), a linear
projection, is added to the maps of a block; group norms and SiLU as in the released code, since the running means of a
batch norm would mix all amounts of noise. Not as there:

* The released network is the U-Net of Ho et al. with U-KAN's token stages below it. Here it is U-KAN's own frame, with one
  more skip: the maps before the first halving join the last ones, without which noise from pixel to pixel could not be
  found.
* F(TE(t)) is added after the norm of every stage, convolutional ones too; in the paper within the norm of token blocks.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from edgewise.bases import BasisLike
from edgewise.models.registry import register_model
from edgewise.models.takes import NoisyPictures
from edgewise.models.ukan import UKAN_LAYERS, WIDTHS, ConvPair, Layers, UFrame
from edgewise.nn import SaKANConv2d, SaKANLinear
from edgewise.nn.layer import DEFAULT_BASIS

GROUPS = 4
LONGEST = 10_000.0
"""The longest wave of the embedding is 2 pi times as many steps (Vaswani et al., arXiv:1706.03762)."""


class NoiseUShape(UFrame):
    """The frame of U-KAN that finds noise: told the step, with a skip at full size.

    Args:
        layers: What stands where a fully connected layer or a convolution is due.
        in_channels: Channels of the pictures, and of the noise.
        widths: As in :class:`~edgewise.models.ukan.UShape`.
        projection: ``(inputs, outputs) -> module``, what stands where the embedding of the step is mapped.

    Shape:
        ``(N, in_channels, H, W), (N,) -> (N, in_channels, H, W)``, H and W multiples of 32

    Raises:
        ConfigError: Impossible widths, or an image size that is no multiple of 32.
    """

    def __init__(
        self,
        layers: Layers,
        in_channels: int = 3,
        widths: Sequence[int] = WIDTHS,
        projection: Callable[[int, int], nn.Module] = nn.Linear,
    ):
        super().__init__(layers, in_channels, in_channels, widths)
        c, t1, t2 = widths
        self.in_channels = in_channels
        self.clock = Clock(c // 2, c, projection)
        convolutions = {"encoder1": c // 8, "encoder2": c // 4, "encoder3": c, "decoder1": t1, "decoder2": c}
        others = {"decoder3": c // 4, "decoder4": c // 8, "decoder5": c // 8}
        tokens = {"tokens1": t1, "tokens2": t2, "tokens3": t1, "tokens4": c}
        self.told = nn.ModuleDict({name: projection(c, n) for name, n in {**convolutions, **others, **tokens}.items()})
        self.join = ConvPair(layers, c // 4, c // 8, c // 8)

    def forward(self, x: Tensor, steps: Tensor) -> Tensor:
        now = self.clock(steps)

        def run(name: str, x: Tensor) -> Tensor:
            return self.get_submodule(name)(x) + self.told[name](now)[:, :, None, None]

        return self.head(self.join(torch.cat(self._walk(x, run), dim=1)))

    def example_input(self, batch_size: int = 2) -> tuple[Tensor, Tensor]:
        """Pictures and steps that it takes, the same each time."""
        like = next(self.parameters())
        x = torch.randn(batch_size, self.in_channels, 32, 32, generator=torch.Generator().manual_seed(0)).to(like)
        return x, torch.arange(batch_size, device=like.device) * 7


class Clock(nn.Module):
    """Steps ``(N,)`` to ``(N, out)``: sines and cosines of falling frequency, then two layers with SiLU between them.

    Args:
        waves: Half of the number of sines and cosines.
        out: Numbers of the embedding.
        projection: ``(inputs, outputs) -> module``.
    """

    def __init__(self, waves: int, out: int, projection: Callable[[int, int], nn.Module] = nn.Linear):
        super().__init__()
        self.waves = waves
        self.layers = nn.Sequential(projection(2 * waves, out), nn.SiLU(), projection(out, out))

    def forward(self, steps: Tensor) -> Tensor:
        like = next(self.parameters())
        falling = torch.exp(torch.arange(self.waves, device=like.device) * (-math.log(LONGEST) / self.waves))
        angles = steps.float()[:, None] * falling
        return self.layers(torch.cat([angles.sin(), angles.cos()], dim=1).to(like.dtype))


def _group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(math.gcd(GROUPS, channels), channels)


@register_model("ukan_diffusion", takes=NoisyPictures(widths=("widths",)))
def ukan_diffusion(in_channels: int = 3, widths: Sequence[int] = WIDTHS) -> NoiseUShape:
    """Diffusion U-KAN: finds the noise in pictures, with KAN layers in its token blocks.

    Args:
        in_channels: Channels of the pictures.
        widths: As in :class:`~edgewise.models.ukan.UShape`.

    Example:
        >>> model = ukan_diffusion(in_channels=1, widths=(16, 24, 32))
        >>> model(torch.randn(2, 1, 64, 64), torch.tensor([0, 999])).shape
        torch.Size([2, 1, 64, 64])
    """
    return NoiseUShape(Layers(UKAN_LAYERS.linear, UKAN_LAYERS.conv, _group_norm, nn.SiLU), in_channels, widths)


@register_model("all_ukan_diffusion", takes=NoisyPictures(basis="basis", widths=("widths",)))
def all_ukan_diffusion(
    in_channels: int = 3, widths: Sequence[int] = WIDTHS, basis: BasisLike = DEFAULT_BASIS, grad_free: bool = True
) -> NoiseUShape:
    """The same with ALL U-KAN's layers: shared-activation KAN layers throughout, those that are told the step included.

    Args:
        in_channels: Channels of the pictures.
        widths: As in :class:`~edgewise.models.ukan.UShape`.
        basis: The functions of all layers.
        grad_free: Stop the gradient at the basis.
    """
    linear, conv = (partial(layer, basis=basis, grad_free=grad_free) for layer in (SaKANLinear, SaKANConv2d))
    return NoiseUShape(Layers(linear, conv, _group_norm, nn.SiLU), in_channels, widths, linear)
