r"""From noise to pictures: DDPM and DDIM, one step back after the other.

From step t to an earlier one s, with the noise :math:`\epsilon` that the network finds and the picture
:math:`\hat x_0 = (x_t - \sqrt{1 - \bar\alpha_t} \epsilon) / \sqrt{\bar\alpha_t}` that follows from it (Song et al.,
"Denoising Diffusion Implicit Models", arXiv:2010.02502, equations 12 and 16):

.. math::
    x_s = \sqrt{\bar\alpha_s} \hat x_0 + \sqrt{1 - \bar\alpha_s - \sigma^2} \epsilon + \sigma z, \quad
    \sigma = \eta \sqrt{\frac{1 - \bar\alpha_s}{1 - \bar\alpha_t}} \sqrt{1 - \frac{\bar\alpha_t}{\bar\alpha_s}}

With :math:`\eta = 1` and every step this is DDPM with the variance of its posterior; with :math:`\eta = 0` nothing is drawn
after the first noise, and few steps do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edgewise.vision.generation.schedule import NoiseSchedule
from edgewise.vision.training.strict import require_that


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """How pictures come out of noise."""

    steps: int = 100
    """Steps back, spread evenly over those of the schedule; at most all of them."""
    eta: float = 1.0
    """Noise that is drawn on the way: 0 none (DDIM), 1 as DDPM, which mends more of what the network finds wrongly."""

    def __post_init__(self):
        require_that(self.steps >= 1, "sampler.steps", self.steps, "at least 1")
        require_that(0 <= self.eta <= 1, "sampler.eta", self.eta, "from 0 (DDIM) to 1 (DDPM)")

    def times(self, schedule: NoiseSchedule) -> list[int]:
        """The steps of the schedule that are gone through, the last one first.

        Example:
            >>> Sampler(steps=5).times(NoiseSchedule.of("linear", 1000))
            [999, 749, 500, 250, 0]
        """
        count = min(self.steps, len(schedule))
        return np.linspace(len(schedule) - 1, 0, count).round().astype(int).tolist()

    @torch.no_grad()
    def __call__(
        self,
        noise_of: Callable[[Tensor, Tensor], Tensor],
        schedule: NoiseSchedule,
        draws: Iterator[Tensor],
        limit: float | None = 1.0,
    ) -> Tensor:
        """Samples ``(N, ...)``.

        Args:
            noise_of: From noisy pictures ``(N, ...)`` and the step of each ``(N,)`` to the noise in them.
            schedule: That it was trained on.
            draws: Noise of N(0, 1), ``(N, ...)`` each time, such as :class:`Draws`.
            limit: The picture that is guessed at each step is cut to -limit and limit; None: not.
        """
        times = self.times(schedule)
        x = next(draws)
        for now, after in zip(times, [*times[1:], None], strict=True):
            found = noise_of(x, torch.full((len(x),), now, device=x.device))
            x = self.step(x, found, schedule, now, after, draws, limit)
        return x

    def step(
        self,
        x: Tensor,
        found: Tensor,
        schedule: NoiseSchedule,
        now: int,
        after: int | None,
        draws: Iterator[Tensor],
        limit: float | None,
    ) -> Tensor:
        """One step back, from ``now`` to ``after``; None is the picture itself."""
        kept = schedule.kept.tolist()
        here, there = kept[now], 1.0 if after is None else kept[after]
        picture = (x - (1 - here) ** 0.5 * found) / here**0.5
        if limit is not None:
            picture = picture.clamp(-limit, limit)
            found = (x - here**0.5 * picture) / (1 - here) ** 0.5
        sigma = self.deviation(here, there)
        x = there**0.5 * picture + max(0.0, 1 - there - sigma**2) ** 0.5 * found
        return x + sigma * next(draws) if sigma > 0 else x

    def deviation(self, here: float, there: float) -> float:
        """Of the noise that a step draws, from the shares of variance kept at its start and at its end."""
        return self.eta * ((1 - there) / (1 - here) * max(0.0, 1 - here / there)) ** 0.5


@dataclass
class Draws(Iterator[Tensor]):
    """Noise for samples by their numbers: that of one is the same whichever others are drawn beside it.

    Args:
        seed: At least 0.
        numbers: Of the samples.
        shape: Of one sample.
        device: Where the noise is put; it is drawn on the CPU, so that it is the same everywhere.

    Example:
        >>> alone, among = next(Draws(0, [2], (3,))), next(Draws(0, [0, 1, 2], (3,)))
        >>> torch.equal(alone[0], among[2])
        True
    """

    seed: int
    numbers: list[int]
    shape: tuple[int, ...]
    device: str | torch.device = "cpu"

    def __post_init__(self):
        self._generators = [torch.Generator().manual_seed(seed_of(self.seed, number)) for number in self.numbers]

    def __next__(self) -> Tensor:
        drawn = [torch.randn(self.shape, generator=one) for one in self._generators]
        return torch.stack(drawn).to(self.device)


def seed_of(*numbers: int) -> int:
    """A seed for torch from several numbers, each at least 0."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
