"""ALL U-KAN: the U-shape with no fully connected layer and no convolution left, and its ablations.

After Qiu et al., "ALL U-KAN" (arXiv:2602.03156), of which only the abstract and reviews could be read: every one of
U-KAN's 12 fully connected layers becomes a SaKAN layer and every one of its 31 convolutions a SaKAN convolution, with
Grad-Free Spline. Form A of the shared layer matches the published parameter ratios.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from edgewise._ground.errors import ConfigError
from edgewise.bases import BasisLike
from edgewise.models.registry import register_model
from edgewise.models.takes import Pictures
from edgewise.models.ukan import UKAN_LAYERS, WIDTHS, Layers, UShape
from edgewise.nn import EfficientKAN, KANConv2d, KANLinear, SaKANConv2d, SaKANLinear
from edgewise.nn.layer import DEFAULT_BASIS


@register_model("all_ukan", takes=Pictures(dense=True, basis="basis", widths=("widths",)))
def all_ukan(
    in_channels: int = 3,
    num_classes: int = 1,
    widths: Sequence[int] = WIDTHS,
    basis: BasisLike = DEFAULT_BASIS,
    sharing: bool = True,
    grad_free: bool = True,
    swap: Literal["all", "linear", "conv"] = "all",
) -> UShape:
    """ALL U-KAN: shared-activation KAN layers throughout, no gradient through the splines; and the paper's ablations.

    Args:
        in_channels: Channels of the images.
        num_classes: Channels of the logits.
        widths: As in :class:`~edgewise.models.ukan.UShape`.
        basis: The functions of the swapped layers.
        sharing: SaKAN layers; off, plain KAN layers with a function an edge.
        grad_free: Stop the gradient at the basis of the swapped layers.
        swap: Which of U-KAN's layers become KAN layers; the others stay U-KAN's.

    Raises:
        ConfigError: ``swap`` is none of the three.

    Example:
        >>> sum(p.numel() for p in all_ukan().parameters())
        2842547
    """
    if swap not in ("all", "linear", "conv"):
        raise ConfigError(f"swap must be 'all', 'linear' or 'conv', got {swap!r}")
    if sharing:
        linear, conv = (partial(layer, basis=basis, grad_free=grad_free) for layer in (SaKANLinear, SaKANConv2d))
    else:
        plain = {"basis": basis, "grad_free": grad_free, "scale": True, "init": EfficientKAN()}
        linear, conv = partial(KANLinear, **plain), partial(KANConv2d, **plain)
    layers = Layers(linear, conv)
    if swap == "linear":
        layers = replace(layers, conv=UKAN_LAYERS.conv)
    elif swap == "conv":
        layers = replace(layers, linear=UKAN_LAYERS.linear)
    return UShape(layers, in_channels, num_classes, widths)


@register_model("ukan_vanilla", takes=Pictures(dense=True, basis="basis", widths=("widths",)))
def ukan_vanilla(
    in_channels: int = 3, num_classes: int = 1, widths: Sequence[int] = WIDTHS, basis: BasisLike = DEFAULT_BASIS
) -> UShape:
    """The directly deeply stacked KAN: U-KAN with each layer a plain KAN layer, ten parameters an edge.

    Args:
        in_channels: Channels of the images.
        num_classes: Channels of the logits.
        widths: As in :class:`~edgewise.models.ukan.UShape`.
        basis: The functions of all layers.

    Example:
        >>> sum(p.numel() for p in ukan_vanilla().parameters())
        27492064
    """
    return all_ukan(in_channels, num_classes, widths, basis, sharing=False, grad_free=False)
