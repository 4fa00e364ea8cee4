"""What looks through a layer sees the same on every backend: forward-mode derivatives, transforms, checkpoints."""

import pytest
import torch
from torch.autograd import forward_ad
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

from edgewise import use_backend
from edgewise.testing import assert_within
from tests.ops.cases import EVERY_BACKEND, EVERY_LAYER, made

# by what torch itself imports for forward-mode derivatives
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")


def loss(y):
    return (y.square() * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum()


def directions(tensors):
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(t.shape, generator=generator, dtype=t.dtype) for t in tensors]


def as_function(layer):
    """Of x and the parameters."""
    names = list(dict(layer.named_parameters()))
    return lambda x, *values: functional_call(layer, dict(zip(names, values, strict=True)), (x,))


@EVERY_LAYER
@EVERY_BACKEND
@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "trainable"])
def test_forward_mode_derivatives(name, backend, frozen):
    layer, x = made(name)
    layer.requires_grad_(not frozen)
    tensors = [x, *(p.detach() for p in layer.parameters())]
    tangents = directions(tensors)
    with use_backend("reference"):
        _, expected = torch.func.jvp(as_function(layer), tuple(tensors), tuple(tangents))
        _, through_x = torch.func.jvp(layer, (x,), (tangents[0],))
    with use_backend(backend), forward_ad.dual_level():
        y = layer(forward_ad.make_dual(x, tangents[0]))
        assert_within(forward_ad.unpack_dual(y).tangent.detach(), through_x.detach(), 1e-10)
        duals = [forward_ad.make_dual(t, tangent) for t, tangent in zip(tensors, tangents, strict=True)]
        y = as_function(layer)(*duals)
        assert_within(forward_ad.unpack_dual(y).tangent, expected, 1e-10)


@EVERY_LAYER
@EVERY_BACKEND
def test_forward_mode_over_gradients(name, backend):
    """Of a gradient, where the forward pass was inside the level and where it was outside."""
    if name == "KANLinear":
        pytest.skip("torch has no second derivative of silu in forward mode")
    layer, x = made(name)
    tensors, (tangent, *_) = [x.requires_grad_(), *layer.parameters()], directions([x])
    with use_backend("reference"):
        first = torch.autograd.grad(loss(layer(x)), tensors, create_graph=True, materialize_grads=True)
        ones = [torch.ones_like(t).requires_grad_() for t in tensors]
        doubled = torch.autograd.grad(first, x, ones, create_graph=True)[0]
        expected = torch.autograd.grad(doubled, ones, tangent, materialize_grads=True)
    with use_backend(backend):
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(x, tangent)
            found = torch.autograd.grad(loss(layer(dual)), [dual, *tensors[1:]], materialize_grads=True)
            for mine, theirs in zip(found, expected, strict=True):
                assert_within(_tangent(mine), theirs, 1e-8)
        y = layer(x)
        (weight,) = directions([y])
        with forward_ad.dual_level():
            found = torch.autograd.grad(y, tensors, forward_ad.make_dual(weight, y.detach()), True, materialize_grads=True)
            tangents = [_tangent(t) for t in found]
        for mine, theirs in zip(tangents, torch.autograd.grad(y, tensors, y.detach(), materialize_grads=True), strict=True):
            assert_within(mine, theirs, 1e-10)


def _tangent(t):
    found = forward_ad.unpack_dual(t).tangent
    return (torch.zeros_like(t) if found is None else found).detach()


@EVERY_LAYER
@EVERY_BACKEND
def test_a_batch_of_gradients_at_once(name, backend):
    layer, x = made(name)
    tensors = [x.requires_grad_(), *layer.parameters()]
    with use_backend(backend):
        y = layer(x)
        several = torch.stack(directions([y, y]))
        found = torch.autograd.grad(y, tensors, several, True, is_grads_batched=True, allow_unused=True)
        for i, one in enumerate(several):
            alone = torch.autograd.grad(y, tensors, one, True, allow_unused=True)
            for mine, theirs in zip(found, alone, strict=True):
                if theirs is not None:
                    assert_within(mine[i], theirs, 1e-10)


@EVERY_LAYER
@EVERY_BACKEND
def test_parameters_that_depend_on_the_input(name, backend):
    """What flows to the input through them is not counted twice, in gradients that can be differentiated and others."""
    layer, x = made(name)
    parameters = [p.detach() for p in layer.parameters()]
    compute = as_function(layer)

    def gradient(**options):
        leaf = x.clone().requires_grad_()
        y = compute(leaf, *(p * (1 + leaf.mean()) for p in parameters))
        return torch.autograd.grad(loss(y), leaf, **options)[0].detach()

    with use_backend("reference"):
        expected = gradient()
    with use_backend(backend):
        assert_within(gradient(), expected, 1e-10)
        assert_within(gradient(create_graph=True), expected, 1e-10)


@EVERY_LAYER
@EVERY_BACKEND
@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints(name, backend, reentrant):
    """Saved tensors are computed anew when they are asked for, once."""
    layer, x = made(name)
    tensors = [x.requires_grad_(), *layer.parameters()]
    with use_backend(backend):
        expected = layer(x)
        gradients = torch.autograd.grad(loss(expected), tensors, materialize_grads=True)
        found = checkpoint(layer, x, use_reentrant=reentrant)
        assert_within(found.detach(), expected.detach(), 1e-12)
        loss(found).backward()
    for t, gradient in zip(tensors, gradients, strict=True):
        assert_within(torch.zeros_like(t) if t.grad is None else t.grad, gradient, 1e-12)


@EVERY_LAYER
@EVERY_BACKEND
def test_checkpointed_gradients_can_be_differentiated(name, backend):
    layer, x = made(name)
    tensors = [x.requires_grad_(), *layer.parameters()]

    def second(y):
        first = torch.autograd.grad(loss(y), tensors, create_graph=True, materialize_grads=True)
        return torch.autograd.grad(sum(g.square().sum() for g in first), tensors, materialize_grads=True)

    with use_backend(backend):
        expected = second(layer(x))
        for mine, theirs in zip(second(checkpoint(layer, x, use_reentrant=False)), expected, strict=True):
            assert_within(mine, theirs, 1e-10)
