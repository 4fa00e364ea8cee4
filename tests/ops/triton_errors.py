"""How far Triton's kernels are from the definition, on this machine: on a GPU, or else in Triton's interpreter."""

import copy

import pytest
import torch
from torch import Tensor, nn

from edgewise import use_backend
from edgewise.ops.triton import interpreted, obstacle

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

needs_triton = pytest.mark.skipif(obstacle(DEVICE) is not None, reason=str(obstacle(DEVICE)))
needs_interpreter = pytest.mark.skipif(not interpreted(), reason="a GPU may have its own roundings")


def outputs_and_gradients(layer: nn.Module, x: Tensor, weight: Tensor) -> dict[str, Tensor]:
    """Of the sum of the outputs times ``weight``, by name."""
    x = x.detach().requires_grad_()
    named = {"x": x} | dict(layer.named_parameters())
    y = layer(x)
    found = torch.autograd.grad((y * weight.to(y)).sum(), list(named.values()), materialize_grads=True)
    return {"output": y.detach()} | dict(zip(named, found, strict=True))


def errors(layer: nn.Module, x: Tensor, backend: str = "triton") -> dict[str, float]:
    """Largest error over largest value of the output and all gradients, against the definition in float64."""
    layer, x = layer.to(DEVICE), x.to(DEVICE)
    with use_backend("reference"):
        exact = copy.deepcopy(layer).double()
        weight = torch.randn(exact(x.double()).shape, dtype=torch.float64, device=DEVICE).to(x.dtype).double()
        expected = outputs_and_gradients(exact, x.double(), weight)
    with use_backend(backend):
        found = outputs_and_gradients(layer, x, weight)
    return {
        name: ((found[name].double() - value).abs().max() / value.abs().max().clamp_min(1e-30)).item()
        for name, value in expected.items()
    }


def assert_near(layer: nn.Module, x: Tensor, most: float) -> None:
    """Assert that no error is above ``most``, or above twice that of the plain backend."""
    found = errors(layer, x)
    if max(found.values()) > most:
        plainly = errors(layer, x, "plain")
        assert all(found[name] <= max(most, 2 * plainly[name]) for name in found), (found, plainly)
