"""SaKAN convolutions: one function an output channel, shared by all channels and taps of its window."""

import torch
from torch import Tensor, nn

from edgewise.bases import BasisLike
from edgewise.nn.init import Balanced, Init
from edgewise.nn.layer import DEFAULT_BASIS, DrawnLayer
from edgewise.nn.shared import SaKANLinear
from edgewise.nn.window import Size, WindowLayer, window_of
from edgewise.ops import EdgeFunction, ops


class SaKANConv(WindowLayer, DrawnLayer):
    r"""Base of the shared-activation convolutions ("KAonv").

    :math:`y_o(u) = \sum_{c,d} w_{ocd}\, b(x_c(u+d)) + \sum_{c,d} \lambda_{cd}\, \phi_o(x_c(u+d))`: a dense base
    convolution, and one function an output channel, shared by all channels and taps of its window.

    Args:
        in_channels: Channels of the input, a multiple of ``groups``.
        out_channels: Channels of the output, a multiple of ``groups``.
        kernel_size: Taps of the window, one number or one a dimension; so are stride, padding and dilation.
        stride: Step of the window.
        padding: Width of the border, ``"same"`` or ``"valid"``.
        dilation: Distance between taps.
        groups: Channels are split into that many groups that do not meet.
        basis: The functions ``B_j``.
        padding_mode: ``"zeros"`` (a padded tap contributes phi(0)), ``"silent"``, ``"reflect"``, ...
        base: As in :class:`~edgewise.nn.SaKANLinear`; so are bias, grad_free, init, device and dtype.

    Attributes:
        coef: c, ``(out_channels, K)``.
        mix: The lambdas, ``(groups, in_channels / groups, *kernel_size)``.
        base_weight: w, ``(out_channels, in_channels / groups, *kernel_size)``, or None.

    Shape:
        ``(N, in_channels, *space) -> (N, out_channels, *out)``, or both without N

    Raises:
        ConfigError: Sizes that do not fit together, or an input of the wrong shape.
    """

    coefficients = ("coef", "mix")
    basis_dim = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        basis: BasisLike = DEFAULT_BASIS,
        *,
        padding_mode: str = "zeros",
        base: str | None = "silu",
        bias: bool = False,
        grad_free: bool = False,
        init: Init = Balanced(),  # noqa: B008 (frozen)
        device=None,
        dtype=None,
    ):
        window = window_of(self.space, kernel_size, stride, padding, dilation, groups, padding_mode)
        super().__init__(EdgeFunction(basis, base, grad_free), in_channels, out_channels, window, device, dtype)
        self.init = init
        into, kernel, factory = in_channels // groups, window.kernel_size, {"device": device, "dtype": dtype}
        self.coef = nn.Parameter(torch.empty(out_channels, self.edge.basis.num_functions, **factory))
        self.mix = nn.Parameter(torch.empty(groups, into, *kernel, **factory))
        self.base_weight = nn.Parameter(torch.empty(out_channels, into, *kernel, **factory)) if base is not None else None
        self.bias = nn.Parameter(torch.empty(out_channels, **factory)) if bias else None
        self.reset_parameters()

    init_functions = SaKANLinear.init_functions

    def _convolve(self, x: Tensor) -> Tensor:
        x, window = self.window.thin(x)
        return ops(x).shared_conv(x, self.edge, self.state.tensors(), self.coef, self.mix, self.base_weight, window)


class SaKANConv1d(SaKANConv):
    """The shared-activation convolution, a drop-in for ``nn.Conv1d``: one function an output channel.

    Arguments are those of ``nn.Conv1d``, ``bias`` off by default, then basis, base, grad_free and init of
    :class:`~edgewise.nn.SaKANLinear`. Formula, attributes and errors: :class:`SaKANConv`.

    Shape:
        ``(N, in_channels, L) -> (N, out_channels, L')``

    Example:
        >>> SaKANConv1d(3, 4, kernel_size=3, padding=1, grad_free=True)(torch.randn(2, 3, 8)).shape
        torch.Size([2, 4, 8])
    """

    space = 1


class SaKANConv2d(SaKANConv):
    """The shared-activation convolution, a drop-in for ``nn.Conv2d``: one function an output channel.

    Arguments are those of ``nn.Conv2d``, ``bias`` off by default, then basis, base, grad_free and init of
    :class:`~edgewise.nn.SaKANLinear`. Formula, attributes and errors: :class:`SaKANConv`.

    Shape:
        ``(N, in_channels, H, W) -> (N, out_channels, H', W')``

    Example:
        >>> SaKANConv2d(3, 4, kernel_size=3, padding=1, grad_free=True)(torch.randn(2, 3, 8, 8)).shape
        torch.Size([2, 4, 8, 8])
    """

    space = 2


class SaKANConv3d(SaKANConv):
    """The shared-activation convolution, a drop-in for ``nn.Conv3d``: one function an output channel.

    Arguments are those of ``nn.Conv3d``, ``bias`` off by default, then basis, base, grad_free and init of
    :class:`~edgewise.nn.SaKANLinear`. Formula, attributes and errors: :class:`SaKANConv`.

    Shape:
        ``(N, in_channels, D, H, W) -> (N, out_channels, D', H', W')``

    Example:
        >>> SaKANConv3d(3, 4, kernel_size=3, padding=1, grad_free=True)(torch.randn(2, 3, 8, 8, 8)).shape
        torch.Size([2, 4, 8, 8, 8])
    """

    space = 3
