"""Base of the convolutions: the window they slide over their input, and what they refuse."""

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.nn.layer import EdgeLayer, check_dtype
from edgewise.ops import PADDING_MODES, EdgeFunction, Window

Size = int | Sequence[int]


def window_of(
    space: int,
    kernel_size: Size,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Window:
    """The window over ``space`` dimensions that the arguments of a convolution describe.

    Raises:
        ConfigError: A number that cannot be, or too many or too few of them; an unknown padding.
    """
    if padding_mode not in PADDING_MODES:
        raise ConfigError(f"padding_mode must be one of {', '.join(PADDING_MODES)}, got {padding_mode!r}")
    kernel = per_dimension(space, "kernel_size", kernel_size)
    step, dilated = per_dimension(space, "stride", stride), per_dimension(space, "dilation", dilation)
    return Window(kernel, step, _borders(padding, kernel, step, dilated), dilated, groups, padding_mode)


def per_dimension(space: int, name: str, value: Size, least: int = 1) -> tuple[int, ...]:
    """One number for each dimension, given as that or as one for all.

    Raises:
        ConfigError: Another count of numbers, or one below ``least``.
    """
    values = (value,) * space if isinstance(value, int) else tuple(value)
    if len(values) != space or min(values) < least:
        raise ConfigError(f"{name} must be one or {space} whole numbers of at least {least}, got {value}")
    return values


def _borders(padding: Size | str, kernel, stride, dilation) -> tuple[tuple[int, int], ...]:
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        if set(stride) != {1}:
            raise ConfigError(f"padding='same' needs stride 1, got {stride}")
        spans = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return tuple((span // 2, span - span // 2) for span in spans)
    if isinstance(padding, str):
        raise ConfigError(f"padding must be a size, 'same' or 'valid', got {padding!r}")
    return tuple((p, p) for p in per_dimension(len(kernel), "padding", padding, least=0))


class WindowLayer(EdgeLayer):
    """Base of the convolutions.

    A subclass sums its edges in ``_convolve``, ``(N, in_channels, *space)`` to ``(N, out_channels, *out)``, and has a
    ``bias`` or None.

    Attributes:
        space: Number of spatial dimensions.
        window: The geometry, an :class:`edgewise.ops.Window`.
    """

    space: ClassVar[int]
    bias: nn.Parameter | None

    def __init__(self, edge: EdgeFunction, in_channels: int, out_channels: int, window: Window, device=None, dtype=None):
        groups = window.groups
        if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
            raise ConfigError(
                f"in_channels and out_channels must be positive multiples of groups, "
                f"got {in_channels}, {out_channels} and groups={groups}"
            )
        super().__init__(edge, in_channels, device, dtype)
        self.in_channels, self.out_channels, self.window = in_channels, out_channels, window

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
    def fan_in(self) -> float:
        """Number of edges that end in one output: channels of a group times taps."""
        return self.in_channels // self.window.groups * math.prod(self.window.kernel_size)

    def output_size(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial size of the output for an input of spatial ``size``.

        Raises:
            ConfigError: The input is too small.
        """
        return self.window.output_size(size)

    def forward(self, x: Tensor) -> Tensor:
        return self._run(x, self._convolve)

    def _convolve(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _run(self, x: Tensor, convolve: Callable[[Tensor], Tensor]) -> Tensor:
        """What every convolution does about its own ``_convolve``."""
        if x.dim() == self.space + 1:
            return self._run(x.unsqueeze(0), convolve).squeeze(0)
        if x.dim() != self.space + 2 or x.shape[1] != self.in_channels:
            raise ConfigError(
                f"expected (batch, {self.in_channels} channels, {self.space} spatial dimensions), got {tuple(x.shape)}"
            )
        check_dtype(x, self.coef)
        self.output_size(tuple(x.shape[2:]))  # says what does not fit
        y = convolve(x)
        return y if self.bias is None else y + self.bias.to(y.dtype).view(-1, *[1] * self.space)

    def extra_repr(self) -> str:
        w = self.window
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={w.kernel_size}, stride={w.stride}"
        text += f", padding={w.padding}" if any(map(any, w.padding)) else ""
        text += f", dilation={w.dilation}" if set(w.dilation) != {1} else ""
        text += f", groups={w.groups}" if w.groups > 1 else ""
        text += f", padding_mode={w.padding_mode!r}" if w.padding_mode != "zeros" else ""
        return f"{text}, {self._describe_edge()}, bias={self.bias is not None}"

    def _is_laid_out(self, tensor: Tensor) -> bool:
        return super()._is_laid_out(tensor) or tensor.dim() == self.space + 2

    def _features_last(self, x: Tensor) -> Tensor:
        return x.movedim(-self.space - 1, -1)
