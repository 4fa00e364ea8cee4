"""SaKAN: layers whose functions are shared by all inputs, one an output (form A of what the paper leaves open)."""

import math

import torch
from torch import Tensor, nn

from edgewise.bases import BasisLike
from edgewise.nn.init import Balanced, Init
from edgewise.nn.layer import DEFAULT_BASIS, RowLayer
from edgewise.nn.window import Size, WindowLayer, window_of
from edgewise.ops import EdgeFunction, ops


class SaKANLinear(RowLayer):
    r"""The shared-activation KAN layer: :math:`y_q = \sum_p w_{qp} b(x_p) + \sum_p \lambda_p \phi_q(x_p)`.

    One function :math:`\phi_q = \sum_j c_{qj} B_j` an output, shared by all inputs, beside a dense base branch; one
    dense parameter an edge where a KAN layer has K + 1. After "ALL U-KAN" (Qiu et al., arXiv:2602.03156), whose
    readable part leaves the formula open; this form matches its published parameter ratios. The other readings are
    :class:`ActivationLinear`, :class:`GainSaKANLinear`, :class:`SprecherLinear` and :class:`GSKANLinear`.

    Args:
        in_features: Number of inputs, at least 1.
        out_features: Number of outputs, at least 1.
        basis: The functions ``B_j``.
        base: The function b of the dense branch, or None to leave that branch out.
        bias: Add a learnable bias.
        grad_free: Stop the gradient at the basis, as the paper does.
        init: Draws the parameters.
        device: Where the parameters live.
        dtype: What they are.

    Attributes:
        coef: c, ``(out_features, K)``.
        mix: The lambdas, ``(in_features,)``.
        base_weight: w, ``(out_features, in_features)``, or None.

    Shape:
        ``(*, in_features) -> (*, out_features)``

    Raises:
        ConfigError: A size below 1, an unknown base function, an input of another number of features.

    Example:
        >>> layer = SaKANLinear(128, 64, grad_free=True)
        >>> sum(p.numel() for p in layer.parameters()) == 128 * 64 + 128 + 64 * 8
        True
    """

    coefficients = ("coef", "mix")
    basis_dim = 1

    def __init__(
        self,
        in_features: int,
        out_features: int,
        basis: BasisLike = DEFAULT_BASIS,
        *,
        base: str | None = "silu",
        bias: bool = False,
        grad_free: bool = False,
        init: Init = Balanced(),  # noqa: B008 (frozen)
        device=None,
        dtype=None,
    ):
        super().__init__(EdgeFunction(basis, base, grad_free), in_features, out_features, bias, device, dtype)
        self.init, factory = init, {"device": device, "dtype": dtype}
        self.coef = nn.Parameter(torch.empty(out_features, self.edge.basis.num_functions, **factory))
        self.mix = nn.Parameter(torch.empty(in_features, **factory))
        self.base_weight = nn.Parameter(torch.empty(out_features, in_features, **factory)) if base is not None else None
        self.reset_parameters()

    def init_functions(self, functions: list[Tensor], noise: float) -> None:
        """Start each output from a random multiple of each of the functions (their coefficients), and noise."""
        self.mix.normal_(std=1 / math.sqrt(self.fan_in))
        self.coef.normal_(std=noise)
        for function in functions:
            self.coef.add_(torch.empty_like(self.coef[:, :1]).normal_() * function)

    def _sum(self, rows: Tensor) -> Tensor:
        return ops().shared_linear(rows, self.edge, self.state.tensors(), self.coef, self.mix, self.base_weight)


class SaKANConv(WindowLayer):
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
        base: As in :class:`SaKANLinear`; so are bias, grad_free, init, device and dtype.

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
        state = self.state.tensors()
        return ops().shared_conv(x, self.edge, state, self.coef, self.mix, self.base_weight, self.window)


class SaKANConv1d(SaKANConv):
    """The shared-activation convolution, a drop-in for ``nn.Conv1d``. Arguments: see :class:`SaKANConv`.

    Example:
        >>> SaKANConv1d(3, 4, kernel_size=3, padding=1, grad_free=True)(torch.randn(2, 3, 8)).shape
        torch.Size([2, 4, 8])
    """

    space = 1


class SaKANConv2d(SaKANConv):
    """The shared-activation convolution, a drop-in for ``nn.Conv2d``. Arguments: see :class:`SaKANConv`.

    Example:
        >>> SaKANConv2d(3, 4, kernel_size=3, padding=1, grad_free=True)(torch.randn(2, 3, 8, 8)).shape
        torch.Size([2, 4, 8, 8])
    """

    space = 2


class SaKANConv3d(SaKANConv):
    """The shared-activation convolution, a drop-in for ``nn.Conv3d``. Arguments: see :class:`SaKANConv`.

    Example:
        >>> SaKANConv3d(3, 4, kernel_size=3, padding=1, grad_free=True)(torch.randn(2, 3, 8, 8, 8)).shape
        torch.Size([2, 4, 8, 8, 8])
    """

    space = 3
