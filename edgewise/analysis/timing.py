"""How long a training step takes: medians of interleaved rounds."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

from torch import Tensor, nn

from edgewise.analysis.memory import training_step


@dataclass(frozen=True)
class Timing:
    """Seconds of one call.

    Attributes:
        median: The median over the rounds.
        spread: The range of the middle half of the rounds (0 for one round).
    """

    median: float
    spread: float


def compare_times(
    functions: Mapping[str, Callable[[], object]], rounds: int = 5, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Timing]:
    """Time functions beside each other: each round calls each once, so that a slow spell of the machine meets all.

    One round before the first warms caches up and is not counted.

    Args:
        functions: What to time, by name.
        rounds: How often.
        clock: Gives seconds; with ``time.process_time``, those of the processor, nobody pays for other programs.

    Example:
        >>> timings = compare_times({"short": lambda: sum(range(10)), "long": lambda: sum(range(100_000))})
        >>> timings["short"].median < timings["long"].median
        True
    """
    seconds = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(rounds):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    return {name: Timing(median(values), _middle_half(values)) for name, values in seconds.items()}


def step_time(model: nn.Module, example: Tensor, repeats: int = 5) -> Timing:
    """Seconds of one forward and backward pass, down to the input.

    Example:
        >>> import torch
        >>> step_time(nn.Linear(4, 4), torch.zeros(2, 4)).median > 0
        True
    """
    return compare_times({"step": training_step(model, example)}, repeats)["step"]


def _middle_half(values: list[float]) -> float:
    if len(values) < 2:
        return 0.0
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return upper - lower
