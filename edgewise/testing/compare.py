"""Comparing tensors, and a layer under one backend or on one device with the same layer under another."""

import copy
from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor, nn

from edgewise.ops import backends_for, use_backend
from edgewise.testing.device import AWAY, OtherDevice


def assert_within(actual: Tensor, expected: Tensor, relative: float) -> None:
    """Assert that no number is off by more than ``relative`` times the largest expected size; NaN equals NaN.

    Example:
        >>> assert_within(torch.tensor([1.0, 100.0]), torch.tensor([1.001, 100.0]), relative=1e-4)
    """
    sizes = expected[expected.isfinite()].abs()
    atol = relative * sizes.max().item() if sizes.numel() else 0.0
    torch.testing.assert_close(actual, expected, rtol=relative, atol=atol, equal_nan=True)


def gradients(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Output, all gradients and all second-order gradients of a random scalar of the output, by name.

    The scalar is quadratic in the output, so that its second-order gradients reach every parameter; the random numbers
    are the same in each call.
    """
    generator = torch.Generator().manual_seed(1)

    def random_like(tensor: Tensor) -> Tensor:
        return torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)

    x = x.detach().requires_grad_()
    inputs = {"x": x} | dict(module.named_parameters())
    y = module(x)
    loss = (y.square() * random_like(y) + y * random_like(y)).sum()
    # Twice: a hand-written backward may take another way where its gradients are to be differentiated in turn.
    first = torch.autograd.grad(loss, list(inputs.values()), retain_graph=True, materialize_grads=True)
    onward = torch.autograd.grad(loss, list(inputs.values()), create_graph=True, materialize_grads=True)
    for gradient, differentiable in zip(first, onward, strict=True):
        assert_within(differentiable.detach(), gradient, 1e4 * torch.finfo(gradient.dtype).eps)
    mixed = reduce(torch.add, [(g * random_like(g)).sum() for g in onward])
    second = torch.autograd.grad(mixed, list(inputs.values()), materialize_grads=True)
    found = {"output": y}
    found |= {f"gradient of {name}": g for name, g in zip(inputs, first, strict=True)}
    found |= {f"second-order gradient of {name}": g for name, g in zip(inputs, second, strict=True)}
    return {name: tensor.detach() for name, tensor in found.items()}


def assert_same_everywhere(module: nn.Module, x: Tensor, relative: float = 1e-10) -> None:
    """Assert that all backends give the same output, gradients and second-order gradients as the definitions do."""
    with use_backend("reference"):
        expected = gradients(module, x)
    for backend in backends_for(x.device):
        with use_backend(backend):
            found = gradients(module, x)
            with torch.no_grad():
                found["output without gradients"] = module(x)
        for name, value in (expected | {"output without gradients": expected["output"]}).items():
            try:
                assert_within(found[name], value, relative)
            except AssertionError as error:
                raise AssertionError(f"{name} differs between 'reference' and {backend!r}: {error}") from None


def backward(run: Callable[[Tensor], Tensor], module: nn.Module, x: Tensor) -> list[Tensor]:
    """Output and first gradients of a module, run as it is or compiled."""
    x = x.detach().clone().requires_grad_(x.is_floating_point())
    y = run(x)
    inputs = [t for t in (x, *module.parameters()) if t.requires_grad]
    return [y.detach(), *torch.autograd.grad(y.square().sum(), inputs, materialize_grads=True)]


def assert_same_there(module: nn.Module, x: Tensor, relative: float) -> None:
    """Assert that a module gives the same on another device as on the CPU, without a wait."""
    expected = backward(module, module, x)
    with OtherDevice() as other:
        found = [t.cpu() for t in _backward_there(module, x, other)]
    for value, on_cpu in zip(found, expected, strict=True):
        assert_within(value, on_cpu, relative)


def assert_runs_there(module: nn.Module, x: Tensor) -> None:
    """Assert that a module runs on another device forward and backward, without a wait."""
    with OtherDevice() as other:
        _backward_there(module, x, other)


def _backward_there(module: nn.Module, x: Tensor, other: OtherDevice) -> list[Tensor]:
    moved, x, found = copy.deepcopy(module).to(AWAY), x.to(AWAY), []
    for _ in range(2):  # the first time may make what is kept, as it may before a graph is captured
        other.waits.clear()
        found = backward(moved, moved, x)
        if not other.waits:
            return found
    raise AssertionError(f"{', '.join(other.waits)} moved numbers between the devices, as no CUDA graph can")
