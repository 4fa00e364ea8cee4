"""A budget of time for a search."""

import math
import time
from collections.abc import Callable

from edgewise._ground.numbers import check_seconds
from edgewise.kan.fitting.history import History


class Clock:
    """So many seconds of the processor, as the calling thread spends them; on an idle machine those of the clock.

    Args:
        seconds: The budget; None for no limit.

    Raises:
        ConfigError: It is not positive.

    Example:
        >>> Clock(None).left, Clock(1e-9).is_over
        (inf, True)
    """

    def __init__(self, seconds: float | None):
        check_seconds(seconds)
        self.end = math.inf if seconds is None else time.thread_time() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left; negative when it is over."""
        return self.end - time.thread_time()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0

    def part(self, seconds: float) -> "Clock":
        """A clock for a part of the work: so many seconds from now, or what is left if that is less."""
        clock = Clock(None)
        clock.end = min(self.end, time.thread_time() + seconds)
        return clock


def timed(advance: Callable[[History], None], clock: Clock) -> Callable[[History], None]:
    """What is called after each step of a fit: it ends the fit, as Ctrl-C does, when the time is up."""

    def step(history: History) -> None:
        advance(history)
        if clock.is_over:
            raise KeyboardInterrupt

    return step
