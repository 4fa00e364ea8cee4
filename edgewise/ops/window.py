"""The window of a convolution: which inputs meet which outputs, in one to three dimensions."""

from dataclasses import dataclass, replace
from itertools import product

import torch.nn.functional as F
from torch import Tensor

from edgewise._ground.errors import ConfigError

_FILLS = {
    "zeros": "constant",
    "silent": "constant",
    "reflect": "reflect",
    "replicate": "replicate",
    "circular": "circular",
}
PADDING_MODES = tuple(_FILLS)


@dataclass(frozen=True)
class Window:
    """Geometry of a convolution; tuples have one number a spatial dimension, ``padding`` one pair (before, after).

    A padded tap is an input like any other: under ``"zeros"`` it contributes phi(0), as padding and unfolding the
    input says. Under ``"silent"`` it contributes nothing, as where the basis is evaluated first and padded then.
    """

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1
    padding_mode: str = "zeros"

    def pad(self, x: Tensor) -> Tensor:
        """Pad the last dimensions of ``x``, the spatial ones."""
        if not any(map(any, self.padding)):
            return x
        sides = [side for pair in reversed(self.padding) for side in pair]
        return F.pad(x, sides, mode=_FILLS[self.padding_mode])

    def arrange(self, x: Tensor) -> Tensor:
        """Pad (unless silently) and put channels last: ``(N, C, *space) -> (N, *space, C)``, contiguous."""
        return (x if self.padding_mode == "silent" else self.pad(x)).movedim(1, -1).contiguous()

    def finish(self, features: Tensor) -> Tensor:
        """Pad features ``(N, *space, C, K)`` with nothing, where padding is silent."""
        if self.padding_mode != "silent":
            return features
        return self.pad(features.movedim((-2, -1), (1, 2))).movedim((1, 2), (-2, -1))

    def thin(self, x: Tensor) -> tuple[Tensor, "Window"]:
        """The same convolution of those inputs alone that it sees: a kernel of one tap that steps passes over the others.

        So functions are evaluated where they count. It also keeps such kernels from oneDNN, whose gradient of less than
        eight channels writes out of bounds (torch 2.14.1, processors without AVX-512).
        """
        if not any(k == 1 < s for k, s in zip(self.kernel_size, self.stride, strict=True)):
            return x, self
        silent = self.padding_mode == "silent"
        x, padding = (x, list(self.padding)) if silent else (self.pad(x), [(0, 0)] * len(self.stride))
        stride = list(self.stride)
        for dim, (k, s, (before, after)) in enumerate(zip(self.kernel_size, self.stride, padding, strict=True)):
            if k == 1 < s:
                out, first = (x.shape[2 + dim] + before + after - 1) // s + 1, -before % s
                x = x[(slice(None),) * (2 + dim) + (slice(first, None, s),)]
                before = (first + before) // s
                stride[dim], padding[dim] = 1, (before, out - before - x.shape[2 + dim])
        return x, replace(self, stride=tuple(stride), padding=tuple(padding))

    def output_size(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial size of the output for an input of spatial ``size`` before padding.

        Raises:
            ConfigError: The window does not fit into the padded input.
        """
        result = []
        for n, k, s, (before, after), d in zip(
            size, self.kernel_size, self.stride, self.padding, self.dilation, strict=True
        ):
            room = n + before + after - d * (k - 1) - 1
            if room < 0:
                raise ConfigError(
                    f"a window of {d * (k - 1) + 1} does not fit into {n + before + after} padded inputs "
                    f"(input size {tuple(size)}, kernel_size {self.kernel_size}): enlarge the input or the padding"
                )
            result.append(room // s + 1)
        return tuple(result)

    def taps(self) -> list[tuple[int, ...]]:
        """The taps of the kernel, in the order of its flattened weights."""
        return list(product(*map(range, self.kernel_size)))

    def view(self, z: Tensor, tap: tuple[int, ...]) -> Tensor:
        """What one tap sees of padded ``(N, *space, ...)`` at each output, ``(N, *out, ...)``; a view."""
        for dim, (j, k, s, d) in enumerate(zip(tap, self.kernel_size, self.stride, self.dilation, strict=True), 1):
            span = (z.shape[dim] - d * (k - 1) - 1) // s * s + 1
            z = z.narrow(dim, j * d, span)
            z = z[(slice(None),) * dim + (slice(None, None, s),)] if s > 1 else z
        return z
