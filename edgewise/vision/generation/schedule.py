r"""How noise comes into a picture, step by step, and what is known of the steps back.

With :math:`\alpha_t = 1 - \beta_t` and :math:`\bar\alpha_t = \prod_{s \le t} \alpha_s` (Ho et al., "Denoising Diffusion
Probabilistic Models", arXiv:2006.11239, equations 2, 4, 6 and 7; steps count from 0 here, from 1 there):

* forward, :math:`q(x_t | x_0) = N(\sqrt{\bar\alpha_t} x_0, (1 - \bar\alpha_t) I)`;
* back where :math:`x_0` is known, :math:`q(x_{t-1} | x_t, x_0) = N(\tilde\mu, \tilde\beta_t I)` with
  :math:`\tilde\mu = \frac{\sqrt{\bar\alpha_{t-1}} \beta_t}{1 - \bar\alpha_t} x_0 + \frac{\sqrt{\alpha_t} (1 -
  \bar\alpha_{t-1})}{1 - \bar\alpha_t} x_t` and
  :math:`\tilde\beta_t = \frac{1 - \bar\alpha_{t-1}}{1 - \bar\alpha_t} \beta_t`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError

LARGEST = 0.999
"""No step is noisier, as in arXiv:2102.09672."""
PUBLISHED = 1000
"""Steps of Ho et al."""


def linear_betas(steps: int) -> np.ndarray:
    """From 1e-4 to 0.02 in a line over 1000 steps (Ho et al., section 4); of other numbers of steps, as much noise in all.

    Example:
        >>> linear_betas(1000)[[0, -1]].tolist()
        [0.0001, 0.02]
    """
    return np.linspace(1e-4, 0.02, steps) * (PUBLISHED / steps)


def cosine_betas(steps: int) -> np.ndarray:
    r"""Such that :math:`\bar\alpha_t = f(t) / f(0)`, :math:`f(t) = \cos^2(\frac{t / T + s}{1 + s} \frac\pi 2)`, s = 0.008.

    After Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models", arXiv:2102.09672, equation 17: noise
    comes in more slowly at both ends, which they find better for small pictures.
    """
    level = np.cos((np.arange(steps + 1) / steps + 0.008) / 1.008 * math.pi / 2) ** 2
    return 1 - level[1:] / level[:-1]


KINDS: dict[str, Callable[[int], np.ndarray]] = {"linear": linear_betas, "cosine": cosine_betas}


@dataclass(frozen=True)
class NoiseSchedule:
    """The share of noise that each step brings.

    Attributes:
        betas: Of each step, float64 ``(T,)``, between 0 and 1.

    Example:
        >>> schedule = NoiseSchedule.of("cosine", 1000)
        >>> bool(schedule.kept[0] > 0.9999), bool(schedule.kept[-1] < 1e-6)
        (True, True)
    """

    betas: Tensor

    @classmethod
    def of(cls, kind: Literal["linear", "cosine"], steps: int) -> "NoiseSchedule":
        """A schedule by its name.

        Args:
            kind: ``linear`` or ``cosine``.
            steps: Number of steps.

        Raises:
            ConfigError: No such kind, or fewer than two steps.
        """
        if kind not in KINDS or steps < 2:
            raise ConfigError(f"a schedule is one of {', '.join(KINDS)} over 2 steps or more, got {kind!r} over {steps}")
        return cls(torch.from_numpy(KINDS[kind](steps).clip(0, LARGEST)))

    def __len__(self) -> int:
        return len(self.betas)

    @property
    def kept(self) -> Tensor:
        """What is left of the picture's variance after each step, the product of all 1 - beta up to it, ``(T,)``."""
        return (1 - self.betas).cumprod(0)

    def noised(self, pictures: Tensor, steps: Tensor, noise: Tensor) -> Tensor:
        """The pictures after so many steps, a draw from ``q(x_t | x_0)``.

        Args:
            pictures: ``(N, ...)``.
            steps: Of each, integers ``(N,)`` from 0 to T - 1.
            noise: Of N(0, 1), of the shape of the pictures.
        """
        kept = self.kept.to(steps.device)[steps].reshape(-1, *[1] * (pictures.dim() - 1))
        return (kept.sqrt() * pictures + (1 - kept).sqrt() * noise).to(pictures.dtype)

    def posterior(self, pictures: Tensor, noisy: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Mean and variance of ``q(x_{t-1} | x_t, x_0)``.

        Args:
            pictures: ``x_0``.
            noisy: ``x_t``.
            step: ``t``; after 0 there is the picture itself.
        """
        kept = self.kept
        now, before, beta = kept[step], kept[step - 1] if step else torch.ones_like(kept[0]), self.betas[step]
        of_picture, of_noisy = before.sqrt() * beta / (1 - now), (1 - beta).sqrt() * (1 - before) / (1 - now)
        return of_picture * pictures + of_noisy * noisy, (1 - before) / (1 - now) * beta
