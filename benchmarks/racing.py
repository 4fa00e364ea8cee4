"""How the layer benchmarks time: what a step is, and how two or more of them are timed beside each other."""

import math
import time
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from edgewise.analysis.timing import Timing, compare_times
from edgewise.ops import use_backend

Work = Callable[[], object]
SHORTEST = 2e-3  # seconds of one sample: what takes less is called several times, or the clock's noise would be measured


def inputs(*shape: int) -> Tensor:
    """Points spread evenly over the domain of the splines, so that each meets all ``degree + 1`` functions.

    Points outside would meet fewer, which only some implementations turn into less work.
    """
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def noise(*shape: int) -> Tensor:
    """The gradient that arrives at an output, dense as in the middle of a network."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def step(model: nn.Module, x: Tensor) -> Callable[[], tuple[Tensor | None, ...]]:
    """Forward and backward: returns the gradients of ``x`` and of all trainable parameters, in that order.

    The gradients are asked for instead of accumulated, so no contestant is charged for a walk that clears them.
    """
    leaf = x.detach().requires_grad_()
    wanted = [leaf, *(p for p in model.parameters() if p.requires_grad)]
    y = model(leaf)
    gradient = noise(*y.shape).to(y)
    # pykan's network owns parameters that its fast mode leaves unused.
    return lambda: torch.autograd.grad(model(leaf), wanted, gradient, allow_unused=True)


def forward(model: nn.Module, x: Tensor) -> Work:
    """Inference: the forward pass with nothing kept for a backward one."""

    def run() -> Tensor:
        with torch.no_grad():
            return model(x)

    return run


def dense_matmuls(
    batch: int, into: int, out: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Work:
    """The three matrix products that a dense layer costs, forward and backward, and nothing else."""
    made = inputs(batch, into), noise(out, into) / math.sqrt(into), noise(batch, out)
    x, weight, gradient = (t.to(device, dtype) for t in made)

    def run() -> tuple[Tensor, ...]:
        return x @ weight.t(), gradient @ weight, gradient.t() @ x

    return run


def on_backend(name: str, work: Work) -> Work:
    """The same work on the backend of that name."""

    def run() -> object:
        with use_backend(name):
            return work()

    return run


def race(contestants: Mapping[str, Work], rounds: int, clock: Callable[[], float] = time.perf_counter) -> dict[str, Timing]:
    """Time contestants in interleaved rounds; a round calls quick ones as often as fills ``SHORTEST``."""
    counts = {name: _calls(work, clock) for name, work in contestants.items()}
    repeated = {name: partial(_repeat, work, counts[name]) for name, work in contestants.items()}
    timings = compare_times(repeated, rounds, clock)
    return {name: Timing(t.median / counts[name], t.spread / counts[name]) for name, t in timings.items()}


def _calls(work: Work, clock: Callable[[], float]) -> int:
    work()  # the first call may compile
    start = clock()
    work()
    return math.ceil(SHORTEST / min(SHORTEST, max(1e-6, clock() - start)))


def _repeat(work: Work, count: int) -> None:
    for _ in range(count):
        work()
