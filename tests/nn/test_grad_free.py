"""Grad-free: the function and what the parameters learn stay, the gradient of the input is that of the base branch."""

import pytest
import torch
from torch import nn

from edgewise import use_backend
from edgewise.nn import (
    ActivationLinear,
    GainSaKANLinear,
    KANConv2d,
    KANLinear,
    SaKANConv2d,
    SaKANLinear,
    SprecherLinear,
)
from edgewise.ops import backends_for

ROWS, IMAGES = (7, 5), (2, 4, 5, 5)
LAYERS = {
    "KANLinear": (lambda **o: KANLinear(5, 3, scale=True, **o), ROWS),
    "SaKANLinear": (lambda **o: SaKANLinear(5, 3, **o), ROWS),
    "ActivationLinear": (lambda **o: ActivationLinear(5, 3, **o), ROWS),
    "GainSaKANLinear": (lambda **o: GainSaKANLinear(5, 3, **o), ROWS),
    "SprecherLinear": (lambda **o: SprecherLinear(5, 3, **o), ROWS),
    "KANConv2d": (lambda **o: KANConv2d(4, 6, 3, padding=1, groups=2, **o), IMAGES),
    "SaKANConv2d": (lambda **o: SaKANConv2d(4, 6, 3, padding=1, **o), IMAGES),
}


def backward(layer: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    x = x.clone().requires_grad_()
    layer.zero_grad()
    y = layer(x)
    (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum().backward()
    return y.detach(), x.grad, {name: p.grad for name, p in layer.named_parameters()}


@pytest.mark.parametrize("backend", backends_for("cpu"))
@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
def test_only_the_gradient_of_the_input_changes(make, shape, backend):
    exact = make(dtype=torch.float64)
    free = make(dtype=torch.float64, grad_free=True)
    free.load_state_dict(exact.state_dict())
    without = make(dtype=torch.float64)  # the base branch alone
    without.load_state_dict(exact.state_dict())
    nn.init.zeros_(without.coef)
    x = torch.randn(shape, dtype=torch.float64)
    with use_backend(backend):
        y, dx, learned = backward(exact, x)
        free_y, free_dx, free_learned = backward(free, x)
        _, base_dx, _ = backward(without, x)
    assert torch.equal(free_y, y) if backend == "lean" else torch.allclose(free_y, y, rtol=1e-12, atol=1e-14)
    for name, gradient in learned.items():
        if name != "eta":  # a shift inside the function
            assert torch.allclose(free_learned[name], gradient, rtol=1e-12, atol=1e-14), name
    assert torch.allclose(free_dx, base_dx, rtol=1e-12, atol=1e-14)
    assert not torch.allclose(free_dx, dx)


@pytest.mark.parametrize("backend", backends_for("cpu"))
def test_without_a_base_branch_the_input_gets_no_gradient(backend):
    layer, x = KANLinear(3, 2, base=None, grad_free=True), torch.randn(4, 3, requires_grad=True)
    with use_backend(backend):
        layer(x).sum().backward()
    assert x.grad is None or x.grad.count_nonzero() == 0
    assert layer.coef.grad.count_nonzero() > 0


def test_a_shift_inside_the_function_learns_nothing():
    layer = SprecherLinear(5, 3, grad_free=True)
    layer(torch.randn(4, 5)).sum().backward()
    assert layer.eta.grad is None or layer.eta.grad.item() == 0
