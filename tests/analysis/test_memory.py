from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from edgewise._ground.errors import EdgewiseError
from edgewise.analysis import live_bytes, peak_memory, saved_bytes, training_step

BATCH, WIDTH = 32, 64
ACTIVATION = BATCH * WIDTH * 4
EXAMPLE = torch.randn(BATCH, WIDTH)


class Checkpointed(nn.Sequential):
    def forward(self, x):
        return checkpoint(super().forward, x, use_reentrant=False)


class Hide(torch.autograd.Function):
    """Doubles, and keeps two activations where saved-tensor hooks do not look."""

    @staticmethod
    def forward(ctx, x):
        ctx.hidden = x.exp()
        closed_over = x.exp()
        ctx.closure = lambda: closed_over
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


class Hiding(nn.Module):
    def forward(self, x):
        return Hide.apply(x)


def block():
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH))


def test_linear_saves_its_input_and_neither_weight_nor_bias():
    layer = nn.Linear(WIDTH, 2 * WIDTH)
    assert saved_bytes(layer, EXAMPLE) == ACTIVATION
    assert live_bytes(layer, EXAMPLE) == 2 * ACTIVATION


def test_a_storage_counts_once_however_often_it_is_saved_and_whole_when_a_view_is():
    twice = nn.Module()
    twice.first, twice.second = nn.Linear(WIDTH, 3), nn.Linear(WIDTH, 3)
    twice.forward = lambda x: twice.first(x) + twice.second(x)
    assert saved_bytes(twice, EXAMPLE) == ACTIVATION
    corner = nn.Module()
    corner.inner = nn.Linear(2, 3)
    corner.forward = lambda x: corner.inner(x[:, :2])
    assert saved_bytes(corner, EXAMPLE) == ACTIVATION


def test_a_stack_saves_the_input_of_each_layer():
    # example; first layer's output, of which the SiLU keeps the input; the SiLU's output for the second layer
    assert saved_bytes(block(), EXAMPLE) == 3 * ACTIVATION
    assert live_bytes(block(), EXAMPLE) == 3 * ACTIVATION


def test_a_checkpointed_block_saves_its_input_only():
    model = nn.Sequential(Checkpointed(*block()), Checkpointed(*block()))
    assert live_bytes(model, EXAMPLE) == 2 * ACTIVATION
    assert saved_bytes(model, EXAMPLE) <= 2 * ACTIVATION


def test_what_is_hidden_from_the_hooks_is_found_alive():
    example = EXAMPLE.clone().requires_grad_()
    assert saved_bytes(Hiding(), example) == 0
    assert live_bytes(Hiding(), example) == 3 * ACTIVATION


def test_nothing_is_saved_without_gradients():
    with torch.no_grad():
        assert saved_bytes(block(), EXAMPLE) == 0
        assert live_bytes(block(), EXAMPLE) == ACTIVATION


def test_a_training_step_reaches_the_input_and_leaves_no_gradient():
    seen = []
    model = block()
    model[0].register_full_backward_hook(lambda module, into, out: seen.append(into[0].shape))
    training_step(model, EXAMPLE)()
    assert seen == [EXAMPLE.shape]
    assert all(parameter.grad is None for parameter in model.parameters())


def allocate(megabytes):
    """A step that holds two tensors of this many MiB at once, after a base line that held a larger one."""
    torch.ones(64, 2**18).sum()
    return lambda: torch.ones(megabytes, 2**18) + 1


def die():
    raise SystemExit(3)


@pytest.mark.slow
def test_peak_memory_is_the_rise_above_the_base_line():
    assert peak_memory(partial(allocate, 24)) == pytest.approx(48 * 2**20, rel=0.05)


@pytest.mark.slow
def test_a_process_that_dies_is_an_error_with_its_exit_code():
    with pytest.raises(EdgewiseError, match="exit code 3"):
        peak_memory(die)
