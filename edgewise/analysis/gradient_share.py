"""How much of the gradient that a layer hands back comes through its splines, and how much through its base branch.

Grad-Free Spline (arXiv:2602.03156) drops the first, holding that it is negligible. Here it is measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from edgewise.nn import EdgeLayer, edge_layers
from edgewise.ops import EdgeFunction


@dataclass
class GradientShare:
    """Root mean square of a layer's input gradient through each of its two paths."""

    splines: float
    """Through the basis."""
    base: float
    """Through the base branch: all there is under ``grad_free``."""

    @property
    def ratio(self) -> float:
        """Splines over base; infinite where there is no base branch."""
        return self.splines / self.base if self.base else float("inf")


@dataclass
class _Call:
    name: str
    layer: EdgeLayer
    x: Tensor
    gradient: Tensor | None = None


@contextmanager
def gradient_shares(model: nn.Module) -> Iterator[dict[str, GradientShare]]:
    """Measure the shares in the forward and backward pass made inside the block; filled in at its end.

    Both paths are measured whether or not a layer is ``grad_free``, by running each layer's backward pass twice more on
    the input and the output gradient it met. The pass inside, its gradients and the parameters are left as they are.

    Args:
        model: Holds layers of edges; one without a gradient in the block is left out, one called several times counts
            all its calls together.

    Example:
        >>> from edgewise.nn import KANLinear
        >>> model = KANLinear(4, 3)
        >>> with gradient_shares(model) as shares:
        ...     model(torch.randn(8, 4)).square().sum().backward()
        >>> 0 < shares[""].ratio < 10
        True
    """
    calls: list[_Call] = []
    hooks = [layer.register_forward_hook(_watch(name, calls)) for name, layer in edge_layers(model)]
    shares: dict[str, GradientShare] = {}
    try:
        yield shares
    finally:
        for hook in hooks:
            hook.remove()
    for name in dict.fromkeys(call.name for call in calls):
        own = [call for call in calls if call.name == name and call.gradient is not None]
        if own:
            shares[name] = _measure(own)


def _watch(name: str, calls: list[_Call]):
    def watch(layer: EdgeLayer, inputs: tuple[Tensor], output: Tensor) -> None:
        if output.requires_grad:
            call = _Call(name, layer, inputs[0].detach())
            calls.append(call)
            output.register_hook(lambda gradient: setattr(call, "gradient", gradient.detach()))

    return watch


def _measure(calls: list[_Call]) -> GradientShare:
    splines, base = [], []
    for call in calls:
        edge = call.layer.edge
        through_base = _input_gradient(call, replace(edge, grad_free=True))
        splines.append(_input_gradient(call, replace(edge, grad_free=False)) - through_base)
        base.append(through_base)
    return GradientShare(_rms(splines), _rms(base))


@torch.enable_grad()
def _input_gradient(call: _Call, edge: EdgeFunction) -> Tensor:
    x = call.x.clone().requires_grad_()
    own, call.layer.edge = call.layer.edge, edge
    try:
        y = call.layer(x)
    finally:
        call.layer.edge = own
    if not y.requires_grad:  # frozen parameters, no base branch
        return torch.zeros_like(x)
    return torch.autograd.grad(y, x, call.gradient, materialize_grads=True)[0]


def _rms(tensors: list[Tensor]) -> float:
    return torch.cat([tensor.flatten() for tensor in tensors]).double().square().mean().sqrt().item()
