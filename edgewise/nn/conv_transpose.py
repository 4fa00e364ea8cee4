"""Transposed KAN convolutions: each input sends a learnable function of itself to each place of a window."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.bases import BasisLike
from edgewise.nn.conv import KANConv
from edgewise.nn.init import Balanced, Init
from edgewise.nn.layer import DEFAULT_BASIS
from edgewise.nn.window import Size, per_dimension
from edgewise.ops import BaseFunction, ops
from edgewise.ops.contraction import Conv
from edgewise.ops.plan import Plan, Term, one_function

TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@dataclass(frozen=True)
class _ConvTranspose(Conv):
    """The adjoint of a convolution over C x K channels: what it gathers from a window, this scatters over one."""

    padding: tuple[int, ...]
    output_padding: tuple[int, ...]

    def pack(self, coef: Tensor, scale: Tensor | None = None) -> tuple[Tensor]:
        coef = coef if scale is None else coef * scale.movedim(0, -1).unsqueeze(1)
        grouped = coef.unflatten(-1, (self.window.groups, -1))  # (C / groups, K, *kernel, groups, out)
        return (grouped.movedim((-2, 1, 0, -1), (0, 1, 2, 3)).flatten(0, 2),)

    def __call__(self, features: Tensor, weight: Tensor) -> Tensor:
        w, (depth, padding) = self.window, self._cuts()
        y = TRANSPOSED[len(w.kernel_size)](
            self._channels(features), weight, None, w.stride, padding, self.output_padding, w.groups, w.dilation
        )
        return y.narrow(2, depth, y.shape[2] - 2 * depth) if depth else y

    def transpose(self, features, packed, gradient, wants_features):
        w, (depth, padding) = self.window, self._cuts()
        gradient = F.pad(gradient, (0, 0, 0, 0, depth, depth)) if depth else gradient
        back, weight, _ = torch.ops.aten.convolution_backward(
            gradient, self._channels(features), packed[0], None, w.stride, padding, w.dilation, True,
            self.output_padding, w.groups, [wants_features, True, False],
        )  # fmt: skip
        return (self._features(back, features.shape) if wants_features else None), weight

    def _cuts(self) -> tuple[int, tuple[int, ...]]:
        """What is cut off the depth of a volume here, and what the convolution itself cuts off.

        The bfloat16 kernel of oneDNN leaves taps of the weights' gradient unwritten where a padded volume is less
        deep than the kernel, so it is never given a padded depth.
        """
        depth = self.padding[0] if len(self.padding) == 3 else 0
        return depth, ((0, *self.padding[1:]) if depth else self.padding)


class KANConvTranspose(KANConv):
    r"""Base of the transposed KAN convolutions: each input sends a function of itself to each place of its window.

    :math:`y_o(s u + d - p) = \sum_{c, u, d} \phi_{ocd}(x_c(u))`, stride s, padding p, d the taps times the dilation.
    Where each :math:`\phi` is linear this is ``nn.ConvTranspose``, the adjoint of a convolution. No input is
    padded, so no tap sees an input that is not there.

    Args:
        in_channels: Channels of the input, a multiple of ``groups``.
        out_channels: Channels of the output, a multiple of ``groups``.
        kernel_size: Taps of the window, one number or one a dimension; so are stride, the paddings and dilation.
        stride: Distance in the output between the windows of neighbours.
        padding: How much is cut off the output at each end.
        output_padding: How much longer the output is at its far end, less than the stride or the dilation.
        groups: Channels are split into that many groups that do not meet.
        dilation: Distance between taps.
        basis: The functions ``B_j``.
        base: As in :class:`~edgewise.nn.KANLinear`; so are bias, scale, grad_free, init, device and dtype.

    Attributes:
        coef: Coefficients, ``(in_channels / groups, K, *kernel_size, out_channels)``, as in :class:`KANConv`.
        base_weight: Weights of the base branch, ``(out_channels, in_channels / groups, *kernel_size)``, or None.
        scale: Scales, of the same shape, or None.

    Shape:
        ``(N, in_channels, *space) -> (N, out_channels, *out)``, or both without N, with
        ``out = (space - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1``

    Raises:
        ConfigError: Sizes that do not fit together, or an input of the wrong shape.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        dilation: Size = 1,
        basis: BasisLike = DEFAULT_BASIS,
        *,
        base: str | BaseFunction | None = "silu",
        bias: bool = False,
        scale: bool = False,
        grad_free: bool = False,
        init: Init = Balanced(),  # noqa: B008 (frozen)
        device=None,
        dtype=None,
    ):
        if isinstance(padding, str):
            raise ConfigError(f"padding of a transposed convolution must be a size, got {padding!r}")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, 0, dilation, groups, basis,
            base=base, bias=bias, scale=scale, grad_free=grad_free, init=init, device=device, dtype=dtype,
        )  # fmt: skip
        self.padding = per_dimension(self.space, "padding", padding, least=0)
        self.output_padding = self._checked(per_dimension(self.space, "output_padding", output_padding, least=0))

    @property
    def fan_in(self) -> float:
        """Number of edges that end in one output, on average: windows overlap in kernel_size / stride places."""
        w = self.window
        overlap = math.prod(max(1.0, k / s) for k, s in zip(w.kernel_size, w.stride, strict=True))
        return self.in_channels // w.groups * overlap

    def output_size(self, size: tuple[int, ...]) -> tuple[int, ...]:
        result = tuple(n + more for n, more in zip(self._shortest(size), self.output_padding, strict=True))
        if min(result) < 1:
            raise ConfigError(f"nothing is left of an input of {size}: padding={self.padding} cuts it to {result}")
        return result

    def _shortest(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """The output's spatial size without output padding."""
        w = self.window
        geometry = zip(size, w.kernel_size, w.stride, w.dilation, self.padding, strict=True)
        return tuple((n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, d, p in geometry)

    def forward(self, x: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """One pass; ``output_size``, the spatial size wanted, takes the place of ``output_padding``, as in PyTorch."""
        if output_size is None:
            return self._run(x, self._convolve)
        return self._run(x, partial(self._convolve, output_padding=self._padding_for(x, output_size)))

    def _padding_for(self, x: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        shortest, wanted = self._shortest(tuple(x.shape[-self.space :])), tuple(output_size)[-self.space :]
        try:
            return self._checked(tuple(n - least for n, least in zip(wanted, shortest, strict=True)))
        except (ConfigError, ValueError) as error:
            raise ConfigError(
                f"output_size is {wanted} and an input of {tuple(x.shape)} makes {shortest} and less than a stride more"
            ) from error

    def _checked(self, output_padding: tuple[int, ...]) -> tuple[int, ...]:
        w = self.window
        if any(not 0 <= n < max(s, d) for n, s, d in zip(output_padding, w.stride, w.dilation, strict=True)):
            raise ConfigError(
                f"output_padding must be less than the stride or the dilation, got {output_padding} "
                f"with stride={w.stride} and dilation={w.dilation}"
            )
        return output_padding

    def extra_repr(self) -> str:
        text = super().extra_repr()
        text += f", padding={self.padding}" if any(self.padding) else ""
        return text + (f", output_padding={self.output_padding}" if any(self.output_padding) else "")

    def _convolve(self, x: Tensor, output_padding: tuple[int, ...] | None = None) -> Tensor:
        longer = self.output_padding if output_padding is None else output_padding
        edge, contraction = self.edge, _ConvTranspose(self.window, self.padding, longer)
        terms, weights = [Term(edge.basis_values, edge.basis.num_functions, contraction, 2)], [self.coef, self.scale]
        if self.base_weight is not None:
            terms.append(Term(lambda z, _: edge.base_values(z).unsqueeze(-1), 1, contraction, 1))
            weights.append(one_function(self.base_weight))
        return ops(x).execute(Plan.of(x, terms, self.window), x, self.state.tensors(), weights)


class KANConvTranspose1d(KANConvTranspose):
    """A transposed KAN convolution, a drop-in for ``nn.ConvTranspose1d``.

    Arguments are those of ``nn.ConvTranspose1d``, ``bias`` off by default, then basis, base, scale, grad_free and init of
    :class:`~edgewise.nn.KANLinear`. Formula, attributes and errors: :class:`KANConvTranspose`.

    Shape:
        ``(N, in_channels, L) -> (N, out_channels, L')``

    Example:
        >>> KANConvTranspose1d(3, 4, kernel_size=2, stride=2)(torch.randn(2, 3, 8)).shape
        torch.Size([2, 4, 16])
    """

    space = 1


class KANConvTranspose2d(KANConvTranspose):
    """A transposed KAN convolution, a drop-in for ``nn.ConvTranspose2d``.

    Arguments are those of ``nn.ConvTranspose2d``, ``bias`` off by default, then basis, base, scale, grad_free and init of
    :class:`~edgewise.nn.KANLinear`. Formula, attributes and errors: :class:`KANConvTranspose`.

    Shape:
        ``(N, in_channels, H, W) -> (N, out_channels, H', W')``

    Example:
        >>> KANConvTranspose2d(3, 4, kernel_size=2, stride=2)(torch.randn(2, 3, 8, 8)).shape
        torch.Size([2, 4, 16, 16])
    """

    space = 2


class KANConvTranspose3d(KANConvTranspose):
    """A transposed KAN convolution, a drop-in for ``nn.ConvTranspose3d``.

    Arguments are those of ``nn.ConvTranspose3d``, ``bias`` off by default, then basis, base, scale, grad_free and init of
    :class:`~edgewise.nn.KANLinear`. Formula, attributes and errors: :class:`KANConvTranspose`.

    Shape:
        ``(N, in_channels, D, H, W) -> (N, out_channels, D', H', W')``

    Example:
        >>> KANConvTranspose3d(3, 4, kernel_size=2, stride=2)(torch.randn(2, 3, 8, 8, 8)).shape
        torch.Size([2, 4, 16, 16, 16])
    """

    space = 3
