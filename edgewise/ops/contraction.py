"""Contractions: how features meet weights. Each is linear in the features and knows its own transpose.

Features are ``(N, *space, C, K)``, lying in memory as ``(N, *space, K, C)``; nothing here copies them.
``pack`` brings the weights into the layout the contraction wants, once a call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from edgewise.ops.window import Window

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


Gradients = tuple[Tensor | None, *tuple[Tensor, ...]]


def _as_held(contraction: "Contraction", *weights: Tensor) -> tuple[Tensor, ...]:
    return weights


class Contraction:
    """A map from features and packed weights to an output, linear in the features; transposed by autograd unless told."""

    num_packed = 1
    pack: Callable[..., tuple[Tensor, ...]] = _as_held
    """From weights as the layer holds them to weights as the contraction wants them; differentiable."""
    __call__: Callable[..., Tensor]
    """From features and packed weights to the output."""

    def transpose(self, features: Tensor, packed: Sequence[Tensor], gradient: Tensor, wants_features: bool) -> Gradients:
        """Gradients of the features (None unless wanted) and of each packed weight, given that of the output."""
        features = features.detach().requires_grad_(wants_features)
        packed = tuple(p.detach().requires_grad_() for p in packed)
        with torch.enable_grad():
            output = self(features, *packed)
        inputs = (features, *packed) if wants_features else packed
        gradients = torch.autograd.grad(output, inputs, gradient)
        return (gradients[0], *gradients[1:]) if wants_features else (None, *gradients)


@dataclass(frozen=True)
class Linear(Contraction):
    """Every input meets every output with functions of its own: ``sum_ik c_iko F_ik``, one matrix product."""

    def pack(self, coef: Tensor, scale: Tensor | None = None) -> tuple[Tensor]:
        coef = coef if scale is None else coef * scale.t().unsqueeze(1)
        return (coef.transpose(0, 1).flatten(0, 1),)

    def __call__(self, features: Tensor, weight: Tensor) -> Tensor:
        return _rows(features) @ weight

    def transpose(self, features, packed, gradient, wants_features):
        rows = _rows(features)
        back = gradient @ packed[0].t() if wants_features else None
        if back is not None:
            back = back.unflatten(1, (features.shape[2], features.shape[1])).transpose(1, 2)
        return back, rows.t() @ gradient


@dataclass(frozen=True)
class Conv(Contraction):
    """Every channel and tap meets every output channel of its group: one convolution over C x K channels."""

    window: Window

    def pack(self, coef: Tensor, scale: Tensor | None = None) -> tuple[Tensor]:
        coef = coef if scale is None else coef * scale.movedim(0, -1).unsqueeze(1)
        return (coef.movedim(-1, 0).transpose(1, 2).flatten(1, 2),)

    def __call__(self, features: Tensor, weight: Tensor) -> Tensor:
        w = self.window
        return CONVOLUTIONS[len(w.kernel_size)](self._channels(features), weight, None, w.stride, 0, w.dilation, w.groups)

    def transpose(self, features, packed, gradient, wants_features):
        w = self.window
        channels, none = self._channels(features), [0] * len(w.kernel_size)
        back, weight, _ = torch.ops.aten.convolution_backward(
            gradient, channels, packed[0], None, w.stride, none, w.dilation, False, none, w.groups,
            [wants_features, True, False],
        )  # fmt: skip
        return (self._features(back, features.shape) if wants_features else None), weight

    def _channels(self, features: Tensor) -> Tensor:
        """``(N, *space, C, K)`` to ``(N, groups x K x C / groups, *space)``, a view if there is one group."""
        grouped = features.unflatten(-2, (self.window.groups, -1)).transpose(-1, -2)
        return grouped.flatten(-3).movedim(-1, 1)

    def _features(self, channels: Tensor, shape: torch.Size) -> Tensor:
        grouped = channels.movedim(1, -1).unflatten(-1, (self.window.groups, shape[-1], -1))
        return grouped.transpose(-1, -2).flatten(-3, -2)


@dataclass(frozen=True)
class PerOutput(Contraction):
    """Function k belongs to output k: ``sum_i w_ki F_ik``, with weights ``(K, C)`` or, the same for all, ``(1, C)``."""

    def __call__(self, features: Tensor, weight: Tensor) -> Tensor:
        return (features * weight.t()).sum(1)


def _rows(features: Tensor) -> Tensor:
    """``(N, C, K)`` to ``(N, K x C)``, a view."""
    return features.transpose(1, 2).flatten(1)
