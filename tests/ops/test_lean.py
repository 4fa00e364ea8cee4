"""What the lean backend saves, and that its chunks add up."""

import gc

import pytest
import torch
from torch import nn

from edgewise.analysis import live_bytes, saved_bytes
from edgewise.bases import BSpline
from edgewise.nn import KANConv2d, KANLinear, SaKANConv2d, SaKANLinear
from edgewise.ops import chunks, lean, use_backend
from edgewise.testing import assert_same_everywhere, assert_within, gradients

BASIS = BSpline(3, 3, knots="per-feature")
SAMPLES = 23
LAYERS = {
    "KANLinear": (lambda **f: KANLinear(5, 3, BASIS, scale=True, **f), (SAMPLES, 5)),
    "SaKANLinear": (lambda **f: SaKANLinear(5, 3, BASIS, **f), (SAMPLES, 5)),
    "KANConv2d": (lambda **f: KANConv2d(4, 6, 3, padding=1, groups=2, basis=BASIS, **f), (SAMPLES, 4, 4, 3)),
    "SaKANConv2d": (lambda **f: SaKANConv2d(4, 4, 3, padding=1, groups=4, basis=BASIS, **f), (SAMPLES, 4, 4, 3)),
}


@pytest.fixture(params=LAYERS.values(), ids=LAYERS)
def case(request):
    make, shape = request.param
    return make(dtype=torch.float64), torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize("samples", [1, 2, 5, SAMPLES - 1, SAMPLES])
def test_chunks_add_up(case, samples, monkeypatch):
    layer, x = case
    row = x[0].numel() * BASIS.num_functions * x.element_size()
    monkeypatch.setattr(chunks, "ON_CPU", samples * row)
    seen = []
    slices = lean._chunks
    monkeypatch.setattr(lean, "_chunks", lambda plan, x: seen.append(slices(plan, x)) or seen[-1])
    assert_same_everywhere(layer, x)
    with use_backend("lean"):
        layer(x).sum().backward()
    assert {len(found) for found in seen} == {-(-SAMPLES // samples)}


def test_output_is_that_of_one_chunk_to_the_memory_format(case, monkeypatch):
    layer, x = case
    whole = layer(x)
    monkeypatch.setattr(chunks, "ON_CPU", 1)
    assert_within(layer(x), whole, 1e-12)
    assert layer(x).shape == whole.shape


def test_only_what_is_asked_for_is_computed(case, monkeypatch):
    monkeypatch.setattr(chunks, "ON_CPU", 1000)
    layer, x = case
    expected = gradients(layer, x)
    coef = layer.coef.requires_grad_()
    for name, p in layer.named_parameters():
        p.requires_grad_(name == "coef")
    found = torch.autograd.grad(_probe(layer, x), coef)[0]
    assert_within(found, torch.autograd.grad(_probe(layer, x.requires_grad_()), (coef, x))[0], 1e-12)
    for p in layer.parameters():
        p.requires_grad_(False)
    with use_backend("reference"):
        reference = torch.autograd.grad(_probe(layer, x), x)[0]
    assert_within(torch.autograd.grad(_probe(layer, x), x)[0], reference, 1e-10)
    assert not layer(x.detach()).requires_grad
    assert expected["output"].shape == layer(x).shape


def _probe(layer, x):
    y = layer(x)
    return (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum()


def test_kan_linear_saves_what_a_dense_layer_saves():
    x = torch.randn(1024, 256, requires_grad=True)
    dense, layer = nn.Linear(256, 256), KANLinear(256, 256)
    assert saved_bytes(layer, x) <= 1.1 * saved_bytes(dense, x)
    assert live_bytes(layer, x) <= 1.1 * live_bytes(dense, x)


def test_the_reference_saves_far_more():
    """So the figure above is no accident of how it is counted."""
    x, layer = torch.randn(64, 32, requires_grad=True), KANLinear(32, 32)
    with use_backend("reference"):
        assert saved_bytes(layer, x) > 8 * x.nbytes


def test_a_convolution_saves_its_input_unpadded():
    x = torch.randn(4, 8, 12, 12, requires_grad=True)
    for layer in (KANConv2d(8, 8, 3, padding=1), SaKANConv2d(8, 8, 3, padding=1), SaKANConv2d(8, 8, 3, groups=8)):
        assert saved_bytes(layer, x) == x.nbytes


@pytest.mark.slow
def test_nothing_is_left_behind_after_steps(case):
    layer, x = case
    counts = []
    for _ in range(3):
        for _ in range(5):
            layer(x.detach().requires_grad_()).sum().backward()
            layer.zero_grad(set_to_none=True)
        gc.collect()
        counts.append(sum(1 for thing in gc.get_objects() if issubclass(type(thing), torch.Tensor)))
    assert max(counts[1:]) <= counts[0]  # fewer, if something of another test goes only now


def test_a_saved_input_changed_in_place_is_an_error():
    layer, x = KANLinear(3, 2), torch.randn(4, 3)
    y = layer(x)
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
