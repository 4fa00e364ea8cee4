"""What takes the place of a layer: an object that makes a layer of edges like a given linear layer or convolution."""

from dataclasses import KW_ONLY, dataclass, fields
from typing import ClassVar

from torch import nn

from edgewise import nn as edges
from edgewise._ground.errors import ConfigError
from edgewise.bases import BasisLike
from edgewise.nn.init import Balanced, Init
from edgewise.nn.layer import DEFAULT_BASIS, EdgeLayer

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
KINDS = (nn.Linear, *CONVOLUTIONS, *TRANSPOSED)
Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d


@dataclass(frozen=True)
class _Replacement:
    """Base of what makes layers: its fields are the options of the layers."""

    prefix: ClassVar[str]

    def __call__(self, old: nn.Module) -> EdgeLayer:
        """A layer of the sizes, geometry, device and dtype of ``old``, drawn anew.

        Raises:
            ConfigError: There is no such layer of edges, or the options do not fit it.
        """
        if not isinstance(old, KINDS):
            raise ConfigError(f"layers of edges stand for linear layers and convolutions, got {type(old).__name__}")
        kind = kind_of(old).__name__
        layer = getattr(edges, self.prefix + kind, None)
        if layer is None:
            raise ConfigError(f"there is no {self.prefix}{kind}: leave it out with skip=torch.nn.{kind}")
        return layer(**_settings(old), **{field.name: getattr(self, field.name) for field in fields(self)})


@dataclass(frozen=True)
class ToKAN(_Replacement):
    """Make KAN layers, with a function of its own on each edge: ``KANLinear``, ``KANConv2d`` and their like.

    Args:
        basis: The functions.
        base: The base function; ``"identity"`` goes on doing what the replaced layer did, and a warm start needs it.
        scale: Give each edge a scale of its own.
        grad_free: Stop the gradient at the basis.
        init: Draws the parameters, as far as a warm start leaves them.

    Example:
        >>> ToKAN(scale=True)(nn.Linear(3, 2))
        KANLinear(
          3, 2, basis=BSpline(grid_size=5, degree=3, domain=(-1.0, 1.0), outside='zero', knots='uniform'), \
base='identity', bias=True, scale=True
          (state): BasisState()
        )
    """

    prefix: ClassVar[str] = "KAN"
    basis: BasisLike = DEFAULT_BASIS
    _: KW_ONLY
    base: str | None = "identity"
    scale: bool = False
    grad_free: bool = False
    init: Init = Balanced()  # noqa: RUF009 (frozen)


@dataclass(frozen=True)
class ToSaKAN(_Replacement):
    """Make layers whose functions are shared by all inputs: ``SaKANLinear``, ``SaKANConv2d`` and their like.

    Args:
        basis: The functions.
        base: As in :class:`ToKAN`; so are grad_free and init.

    Example:
        >>> layer = ToSaKAN()(nn.Conv2d(8, 8, 3))
        >>> sum(p.numel() for p in layer.parameters()) - sum(p.numel() for p in nn.Conv2d(8, 8, 3).parameters())
        136
    """

    prefix: ClassVar[str] = "SaKAN"
    basis: BasisLike = DEFAULT_BASIS
    _: KW_ONLY
    base: str | None = "identity"
    grad_free: bool = False
    init: Init = Balanced()  # noqa: RUF009 (frozen)


def kind_of(layer: Layer) -> type[nn.Module]:
    """The class of torch's that a layer is, or is derived from."""
    return next(kind for kind in KINDS if isinstance(layer, kind))


def _settings(old: Layer) -> dict:
    """The arguments with which a layer of edges takes the place of ``old``."""
    common = {"bias": old.bias is not None, "device": old.weight.device, "dtype": old.weight.dtype}
    if isinstance(old, nn.Linear):
        return {"in_features": old.in_features, "out_features": old.out_features, **common}
    names = ["in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups"]
    names += ["output_padding" if isinstance(old, TRANSPOSED) else "padding_mode"]
    return {name: getattr(old, name) for name in names} | common
