"""KAN convolutions: a learnable function for each output channel, input channel and tap."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from edgewise._errors import ConfigError
from edgewise.bases import Basis
from edgewise.nn.init import Balanced, Init
from edgewise.nn.layer import DEFAULT_BASIS, EdgeLayer
from edgewise.nn.linear import KANLinear
from edgewise.nn.penalty import weight_penalty
from edgewise.ops import PADDING_MODES, EdgeFunction, Window, ops

Size = int | Sequence[int]


class WindowLayer(EdgeLayer):
    """Base of the convolutions: their geometry, and what they refuse."""

    space: int

    def __init__(
        self,
        edge,
        in_channels,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        groups,
        padding_mode,
        device,
        dtype,
    ):
        if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
            raise ConfigError(
                f"in_channels and out_channels must be positive multiples of groups, "
                f"got {in_channels}, {out_channels} and groups={groups}"
            )
        if padding_mode not in PADDING_MODES:
            raise ConfigError(f"padding_mode must be one of {', '.join(PADDING_MODES)}, got {padding_mode!r}")
        super().__init__(edge, in_channels, device, dtype)
        self.in_channels, self.out_channels = in_channels, out_channels
        kernel, step, dilated = (
            self._per_dimension(name, value)
            for name, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation))
        )
        self.window = Window(kernel, step, self._pairs(padding, kernel, step, dilated), dilated, groups, padding_mode)

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """Taps of the window in each dimension."""
        return self.window.kernel_size

    @property
    def stride(self) -> tuple[int, ...]:
        """Step of the window in each dimension."""
        return self.window.stride

    @property
    def dilation(self) -> tuple[int, ...]:
        """Distance between taps in each dimension."""
        return self.window.dilation

    @property
    def groups(self) -> int:
        """Groups of channels that do not meet."""
        return self.window.groups

    @property
    def fan_in(self) -> int:
        """Number of edges that end in one output: channels of a group times taps."""
        return self.in_channels // self.window.groups * math.prod(self.window.kernel_size)

    def output_size(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial size of the output for an input of spatial ``size``.

        Raises:
            ConfigError: The input is too small.
        """
        return self.window.output_size(size)

    def forward(self, x: Tensor) -> Tensor:
        return self._run(x)

    def _run(self, x: Tensor, *options: object) -> Tensor:
        """What every convolution does about its own ``_convolve``, which gets the options."""
        if x.dim() == self.space + 1:
            return self._run(x.unsqueeze(0), *options).squeeze(0)
        if x.dim() != self.space + 2 or x.shape[1] != self.in_channels:
            raise ConfigError(
                f"expected (batch, {self.in_channels} channels, {self.space} spatial dimensions), got {tuple(x.shape)}"
            )
        self.output_size(tuple(x.shape[2:]))  # says what does not fit
        y = self._convolve(x, *options)
        return y if self.bias is None else y + self.bias.to(y.dtype).view(-1, *[1] * self.space)

    def extra_repr(self) -> str:
        w = self.window
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={w.kernel_size}, stride={w.stride}"
        text += f", padding={w.padding}" if any(map(any, w.padding)) else ""
        text += f", dilation={w.dilation}" if set(w.dilation) != {1} else ""
        text += f", groups={w.groups}" if w.groups > 1 else ""
        text += f", padding_mode={w.padding_mode!r}" if w.padding_mode != "zeros" else ""
        return f"{text}, {self._describe_edge()}, bias={self.bias is not None}"

    def _features_last(self, x: Tensor) -> Tensor:
        return x.movedim(-self.space - 1, -1)

    def _is_laid_out(self, tensor: Tensor) -> bool:
        return super()._is_laid_out(tensor) or tensor.dim() == self.space + 2

    def _per_dimension(self, name: str, value: Size, least: int = 1) -> tuple[int, ...]:
        values = (value,) * self.space if isinstance(value, int) else tuple(value)
        if len(values) != self.space or min(values) < least:
            raise ConfigError(f"{name} must be one or {self.space} whole numbers of at least {least}, got {value}")
        return values

    def _pairs(self, padding: Size | str, kernel, stride, dilation) -> tuple[tuple[int, int], ...]:
        if padding == "valid":
            return ((0, 0),) * self.space
        if padding == "same":
            if set(stride) != {1}:
                raise ConfigError(f"padding='same' needs stride 1, got {stride}")
            spans = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
            return tuple((span // 2, span - span // 2) for span in spans)
        if isinstance(padding, str):
            raise ConfigError(f"padding must be a size, 'same' or 'valid', got {padding!r}")
        return tuple((p, p) for p in self._per_dimension("padding", padding, least=0))


def of_dimension(base: type, space: int) -> type:
    """The class for so many spatial dimensions of a base that holds for any, its documentation filled in."""
    about = {"space": space, "__doc__": base.__doc__.replace("{space}", str(space)), "__module__": base.__module__}
    return type(f"{base.__name__.removeprefix('_')}{space}d", (base,), about)


class _KANConv(WindowLayer):
    r"""A KAN convolution, a drop-in for ``nn.Conv{space}d``: each tap of each channel has a function of its own.

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
        basis: Basis = DEFAULT_BASIS,
        *,
        padding_mode: str = "zeros",
        base: str | None = "silu",
        bias: bool = False,
        scale: bool = False,
        grad_free: bool = False,
        init: Init = Balanced(),  # noqa: B008 (frozen)
        device=None,
        dtype=None,
    ):
        super().__init__(
            EdgeFunction(basis, base, grad_free),
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, padding_mode, device, dtype,
        )  # fmt: skip
        self.init = init
        into, kernel, factory = in_channels // groups, self.window.kernel_size, {"device": device, "dtype": dtype}
        self.coef = nn.Parameter(torch.empty(into, basis.num_functions, *kernel, out_channels, **factory))
        self.base_weight = nn.Parameter(torch.empty(out_channels, into, *kernel, **factory)) if base is not None else None
        self.scale = nn.Parameter(torch.empty(out_channels, into, *kernel, **factory)) if scale else None
        self.bias = nn.Parameter(torch.empty(out_channels, **factory)) if bias else None
        self.reset_parameters()

    init_functions = KANLinear.init_functions

    def _convolve(self, x: Tensor) -> Tensor:
        state = self.state.tensors()
        return ops().conv(x, self.edge, state, self.coef, self.base_weight, self.scale, self.window)

    def penalty(self, l1: float = 1.0, entropy: float = 1.0) -> Tensor:
        """Sparsity of the coefficients; see :func:`~edgewise.nn.weight_penalty`."""
        return weight_penalty(self.coef, l1, entropy, dim=self.basis_dim)


KANConv1d = of_dimension(_KANConv, 1)
KANConv2d = of_dimension(_KANConv, 2)
KANConv3d = of_dimension(_KANConv, 3)
