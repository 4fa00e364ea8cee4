"""What stands around a KAN convolution: dropout, a norm and an activation; or a bottleneck."""

from collections import OrderedDict

from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import BasisLike
from edgewise.nn.conv import KANConv1d, KANConv2d, KANConv3d
from edgewise.nn.layer import DEFAULT_BASIS
from edgewise.nn.window import Size
from edgewise.ops import EdgeFunction

KAN = {1: KANConv1d, 2: KANConv2d, 3: KANConv3d}
DENSE = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


class ConvBlock(nn.Sequential):
    """Dropout on the input, a convolution, a norm, an activation, in this order; what is None is left out.

    With ``norm=nn.InstanceNorm2d(n)`` and ``act=nn.PReLU()`` around a ``KANConv2d`` with ``padding_mode="silent"`` it is a
    layer of torch-conv-kan (Drokin, arXiv:2407.01092).

    Args:
        conv: The convolution.
        norm: What its output is normalised by.
        act: What is applied then.
        dropout: What drops some of the input.

    Example:
        >>> block = ConvBlock(KANConv2d(3, 8, 3, padding=1), norm=nn.BatchNorm2d(8), dropout=nn.Dropout2d(0.1))
        >>> [name for name, _ in block.named_children()]
        ['dropout', 'conv', 'norm']
    """

    def __init__(
        self,
        conv: nn.Module,
        norm: nn.Module | None = None,
        act: nn.Module | None = None,
        dropout: nn.Module | None = None,
    ):
        parts = {"dropout": dropout, "conv": conv, "norm": norm, "act": act}
        super().__init__(OrderedDict((name, part) for name, part in parts.items() if part is not None))


class BottleneckKANConv(nn.Module):
    r"""Base of the bottlenecks: few channels through a KAN convolution, beside a dense convolution of all of them.

    :math:`y = W \ast b(x) + E\, \Phi(S x)`: S squeezes the channels, the KAN convolution :math:`\Phi` has no base branch,
    E expands. Coefficients grow with the square of the inner channels (Drokin, arXiv:2407.01092, section on bottlenecks).

    Args:
        in_channels: Channels of the input, a multiple of ``groups``.
        out_channels: Channels of the output, a multiple of ``groups``.
        kernel_size: Taps of the window, one number or one a dimension; so are stride, padding and dilation.
        stride: Step of the window.
        padding: Width of the border.
        dilation: Distance between taps.
        groups: Channels are split into that many groups that do not meet.
        basis: The functions of the KAN convolution.
        inner_channels: Its channels, a multiple of ``groups``; a quarter of ``in_channels`` by default.
        padding_mode: As in :class:`~edgewise.nn.conv.KANConv`.
        base: The function b, or None to leave the dense branch out.
        bias: Add a learnable bias.
        device: Where the parameters live.
        dtype: What they are.

    Shape:
        ``(N, in_channels, *space) -> (N, out_channels, *out)``

    Raises:
        ConfigError: Sizes that do not fit together, or an input of the wrong shape.
    """

    space: int

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
        inner_channels: int | None = None,
        padding_mode: str = "zeros",
        base: str | None = "silu",
        bias: bool = False,
        device=None,
        dtype=None,
    ):
        super().__init__()
        inner = max(1, in_channels // groups // 4) * groups if inner_channels is None else inner_channels
        if min(in_channels, out_channels, inner) < 1 or in_channels % groups or out_channels % groups or inner % groups:
            raise ConfigError(
                f"in_channels, out_channels and inner_channels must be positive multiples of groups, "
                f"got {in_channels}, {out_channels}, {inner} and groups={groups}"
            )
        dense, factory = DENSE[self.space], {"device": device, "dtype": dtype}
        window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        self.edge = EdgeFunction(basis, base)
        self.squeeze = dense(in_channels, inner, 1, groups=groups, bias=False, **factory)
        self.conv = KAN[self.space](
            inner, inner, kernel_size, basis=self.edge.basis, base=None, padding_mode=padding_mode, **window, **factory
        )
        self.expand = dense(inner, out_channels, 1, groups=groups, bias=bias, **factory)
        window["padding_mode"] = "zeros" if padding_mode == "silent" else padding_mode  # the same: b(0) is 0
        self.base = dense(in_channels, out_channels, kernel_size, bias=False, **window, **factory) if base else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew; dense kernels keep the variance of what they see."""
        self.conv.reset_parameters()
        for dense in filter(None, (self.squeeze, self.expand, self.base)):
            nn.init.kaiming_normal_(dense.weight, nonlinearity="linear")
            if dense.bias is not None:
                nn.init.zeros_(dense.bias)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != self.space + 2 or x.shape[1] != self.squeeze.in_channels:
            raise ConfigError(
                f"expected (batch, {self.squeeze.in_channels} channels, {self.space} spatial dimensions), "
                f"got {tuple(x.shape)}"
            )
        y = self.expand(self.conv(self.squeeze(x)))
        return y if self.base is None else y + self.base(self.edge.base_values(x))


class BottleneckKANConv1d(BottleneckKANConv):
    """A KAN convolution of few channels between 1 x 1 convolutions, a drop-in for ``nn.Conv1d``.

    Arguments are those of ``nn.Conv1d``, ``bias`` off by default, then basis, inner_channels and base. Formula and errors:
    :class:`BottleneckKANConv`.

    Shape:
        ``(N, in_channels, L) -> (N, out_channels, L')``

    Example:
        >>> import torch
        >>> BottleneckKANConv1d(3, 4, kernel_size=3, padding=1, inner_channels=1)(torch.randn(2, 3, 8)).shape
        torch.Size([2, 4, 8])
    """

    space = 1


class BottleneckKANConv2d(BottleneckKANConv):
    """A KAN convolution of few channels between 1 x 1 convolutions, a drop-in for ``nn.Conv2d``.

    Arguments are those of ``nn.Conv2d``, ``bias`` off by default, then basis, inner_channels and base. Formula and errors:
    :class:`BottleneckKANConv`.

    Shape:
        ``(N, in_channels, H, W) -> (N, out_channels, H', W')``

    Example:
        >>> import torch
        >>> BottleneckKANConv2d(3, 4, kernel_size=3, padding=1, inner_channels=1)(torch.randn(2, 3, 8, 8)).shape
        torch.Size([2, 4, 8, 8])
    """

    space = 2


class BottleneckKANConv3d(BottleneckKANConv):
    """A KAN convolution of few channels between 1 x 1 convolutions, a drop-in for ``nn.Conv3d``.

    Arguments are those of ``nn.Conv3d``, ``bias`` off by default, then basis, inner_channels and base. Formula and errors:
    :class:`BottleneckKANConv`.

    Shape:
        ``(N, in_channels, D, H, W) -> (N, out_channels, D', H', W')``

    Example:
        >>> import torch
        >>> BottleneckKANConv3d(3, 4, kernel_size=3, padding=1, inner_channels=1)(torch.randn(2, 3, 8, 8, 8)).shape
        torch.Size([2, 4, 8, 8, 8])
    """

    space = 3
