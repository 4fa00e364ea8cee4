"""KAN convolutions: a learnable function for each output channel, input channel and tap."""

import torch
from torch import Tensor, nn

from edgewise.bases import BasisLike
from edgewise.nn.init import Balanced, Init
from edgewise.nn.layer import DEFAULT_BASIS, DrawnLayer
from edgewise.nn.linear import KANLinear
from edgewise.nn.penalty import weight_penalty
from edgewise.nn.window import Size, WindowLayer, window_of
from edgewise.ops import BaseFunction, EdgeFunction, ops


class KANConv(WindowLayer, DrawnLayer):
    r"""Base of the KAN convolutions: each tap of each channel has a function of its own.

    :math:`y_o(u) = \sum_{c, d} \phi_{ocd}(x_c(u + d))` with
    :math:`\phi(t) = w\, b(t) + s \sum_j c_j B_j(t)`, the definition by unfolding the padded input
    (Bodner et al., arXiv:2406.13155). A padded tap therefore contributes :math:`\phi(0)`;
    ``padding_mode="silent"`` makes it contribute nothing.

    Args:
        in_channels: Channels of the input, a multiple of ``groups``.
        out_channels: Channels of the output, a multiple of ``groups``.
        kernel_size: Taps of the window, one number or one a dimension; so are stride, padding and dilation.
        basis: The functions ``B_j``.
        stride: Step of the window.
        padding: Width of the border, ``"same"`` or ``"valid"``.
        dilation: Distance between taps.
        groups: Channels are split into that many groups that do not meet; all of them in one call.
        padding_mode: ``"zeros"``, ``"silent"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        base: As in :class:`~edgewise.nn.KANLinear`; so are bias, scale, grad_free, init, device and dtype.

    Attributes:
        coef: Coefficients, ``(in_channels / groups, K, *kernel_size, out_channels)``.
        base_weight: Weights of the base branch, ``(out_channels, in_channels / groups, *kernel_size)``, or None.
        scale: Scales, of the same shape, or None.

    Shape:
        ``(N, in_channels, *space) -> (N, out_channels, *out)``, or both without N

    Raises:
        ConfigError: Sizes that do not fit together, or an input of the wrong shape.
    """

    coefficients = ("coef", "scale")
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
        base: str | BaseFunction | None = "silu",
        bias: bool = False,
        scale: bool = False,
        grad_free: bool = False,
        init: Init = Balanced(),  # noqa: B008 (frozen)
        device=None,
        dtype=None,
    ):
        window = window_of(self.space, kernel_size, stride, padding, dilation, groups, padding_mode)
        super().__init__(EdgeFunction(basis, base, grad_free), in_channels, out_channels, window, device, dtype)
        self.init = init
        into, kernel, factory = in_channels // groups, window.kernel_size, {"device": device, "dtype": dtype}
        self.coef = nn.Parameter(torch.empty(into, self.edge.basis.num_functions, *kernel, out_channels, **factory))
        self.base_weight = nn.Parameter(torch.empty(out_channels, into, *kernel, **factory)) if base is not None else None
        self.scale = nn.Parameter(torch.empty(out_channels, into, *kernel, **factory)) if scale else None
        self.bias = nn.Parameter(torch.empty(out_channels, **factory)) if bias else None
        self.reset_parameters()

    init_functions = KANLinear.init_functions

    def _convolve(self, x: Tensor) -> Tensor:
        x, window = self.window.thin(x)
        return ops(x).conv(x, self.edge, self.state.tensors(), self.coef, self.base_weight, self.scale, window)

    def penalty(self, l1: float = 1.0, entropy: float = 1.0) -> Tensor:
        """Sparsity of the coefficients; see :func:`~edgewise.nn.weight_penalty`."""
        return weight_penalty(self.coef, l1, entropy, dim=self.basis_dim)


class KANConv1d(KANConv):
    """A KAN convolution, a drop-in for ``nn.Conv1d``: each tap of each channel has a function of its own.

    Arguments are those of ``nn.Conv1d``, ``bias`` off by default, then basis, base, scale, grad_free and init of
    :class:`~edgewise.nn.KANLinear`. Formula, attributes and errors: :class:`KANConv`.

    Shape:
        ``(N, in_channels, L) -> (N, out_channels, L')``

    Example:
        >>> KANConv1d(3, 4, kernel_size=3, padding=1, basis="chebyshev")(torch.randn(2, 3, 8)).shape
        torch.Size([2, 4, 8])
    """

    space = 1


class KANConv2d(KANConv):
    """A KAN convolution, a drop-in for ``nn.Conv2d``: each tap of each channel has a function of its own.

    Arguments are those of ``nn.Conv2d``, ``bias`` off by default, then basis, base, scale, grad_free and init of
    :class:`~edgewise.nn.KANLinear`. Formula, attributes and errors: :class:`KANConv`.

    Shape:
        ``(N, in_channels, H, W) -> (N, out_channels, H', W')``

    Example:
        >>> KANConv2d(3, 4, kernel_size=3, padding=1, basis="chebyshev")(torch.randn(2, 3, 8, 8)).shape
        torch.Size([2, 4, 8, 8])
    """

    space = 2


class KANConv3d(KANConv):
    """A KAN convolution, a drop-in for ``nn.Conv3d``: each tap of each channel has a function of its own.

    Arguments are those of ``nn.Conv3d``, ``bias`` off by default, then basis, base, scale, grad_free and init of
    :class:`~edgewise.nn.KANLinear`. Formula, attributes and errors: :class:`KANConv`.

    Shape:
        ``(N, in_channels, D, H, W) -> (N, out_channels, D', H', W')``

    Example:
        >>> KANConv3d(3, 4, kernel_size=3, padding=1, basis="chebyshev")(torch.randn(2, 3, 8, 8, 8)).shape
        torch.Size([2, 4, 8, 8, 8])
    """

    space = 3
