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
from edgewise.models.takes import Pictures, Volumes
from edgewise.models.ukan import UKAN_LAYERS, UKAN_LAYERS_3D, WIDTHS, Layers, UShape
from edgewise.nn import EfficientKAN, KANConv2d, KANConv3d, KANLinear, SaKANConv2d, SaKANConv3d, SaKANLinear
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
    return UShape(_swapped(UKAN_LAYERS, basis, sharing, grad_free, swap), in_channels, num_classes, widths)


@register_model("all_ukan3d", takes=Volumes(basis="basis", widths=("widths",), flat="flat"))
def all_ukan3d(
    in_channels: int = 1,
    num_classes: int = 1,
    widths: Sequence[int] = WIDTHS,
    basis: BasisLike = DEFAULT_BASIS,
    sharing: bool = True,
    grad_free: bool = True,
    swap: Literal["all", "linear", "conv"] = "all",
    flat: int = 0,
) -> UShape:
    """ALL U-KAN in three dimensions.

    Args:
        in_channels: Channels of the volumes.
        num_classes: Channels of the logits.
        widths: As in :class:`~edgewise.models.ukan.UShape`.
        basis: The functions of the swapped layers.
        sharing: As in :func:`all_ukan`; so are grad_free and swap.
        flat: As in :class:`~edgewise.models.ukan.UShape`.

    Shape:
        ``(N, in_channels, D, H, W) -> (N, num_classes, D, H, W)``

    Raises:
        ConfigError: ``swap`` is none of the three.

    Example:
        >>> all_ukan3d(widths=(8, 8, 8), flat=3).space
        3
    """
    return UShape(_swapped(UKAN_LAYERS_3D, basis, sharing, grad_free, swap), in_channels, num_classes, widths, flat)


def _swapped(plain: Layers, basis: BasisLike, sharing: bool, grad_free: bool, swap: str) -> Layers:
    """U-KAN's layers, some of them KAN layers throughout."""
    if swap not in ("all", "linear", "conv"):
        raise ConfigError(f"swap must be 'all', 'linear' or 'conv', got {swap!r}")
    if sharing:
        kinds = (SaKANLinear, SaKANConv2d if plain.space == 2 else SaKANConv3d)
        options = {"basis": basis, "grad_free": grad_free}
    else:
        kinds = (KANLinear, KANConv2d if plain.space == 2 else KANConv3d)
        options = {"basis": basis, "grad_free": grad_free, "scale": True, "init": EfficientKAN()}
    linear, conv = (partial(kind, **options) for kind in kinds)
    return replace(plain, linear=plain.linear if swap == "conv" else linear, conv=plain.conv if swap == "linear" else conv)


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
