"""Sampling, where the best finder of noise is known in closed form: pictures drawn from a Gaussian."""

import math

import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.vision.generation.sampler import Draws, Sampler
from edgewise.vision.generation.schedule import NoiseSchedule

MEAN, DEVIATION = 0.5, 0.2
"""Of the pictures, which are numbers."""


def best(schedule):
    """E(noise | x_t) for x_0 of N(m, s^2): with a = kept, sqrt(1 - a) (x - sqrt(a) m) / (a s^2 + 1 - a)."""

    def noise_of(x, steps):
        a = schedule.kept[steps].reshape(-1, 1)
        return (1 - a).sqrt() * (x - a.sqrt() * MEAN) / (a * DEVIATION**2 + 1 - a)

    return noise_of


@pytest.mark.parametrize("kind", ["linear", "cosine"])
@pytest.mark.parametrize("sampler", [Sampler(steps=500), Sampler(steps=200, eta=0.0), Sampler(steps=200, eta=0.5)], ids=str)
def test_a_gaussian_is_sampled_to_its_mean_and_variance(kind, sampler):
    """4,000 numbers: the standard errors are 0.003 and 0.0022, and the steps leave about a hundredth."""
    schedule = NoiseSchedule.of(kind, 500)
    draws = Draws(0, [0], (4000, 1))
    wide = Flat(draws)
    found = sampler(best(schedule), schedule, wide, limit=None)
    assert found.shape == (4000, 1)
    assert found.mean().item() == pytest.approx(MEAN, abs=0.012)
    assert found.std().item() == pytest.approx(DEVIATION, abs=0.012)


class Flat:
    """Draws of one sample of many numbers as many samples of one."""

    def __init__(self, draws):
        self.draws = draws

    def __next__(self):
        return next(self.draws)[0].double()


@pytest.mark.parametrize("step", [1, 7, 49])
def test_with_eta_1_a_step_is_the_posterior_of_ddpm(step):
    """Mean and variance of Ho et al., for the picture that follows from the noise, cut to its limits or not."""
    schedule, ddpm = NoiseSchedule.of("linear", 50), Sampler(eta=1.0, steps=50)
    x, found = torch.randn(2, 5, 1, dtype=torch.float64)
    kept = schedule.kept
    picture = (x - (1 - kept[step]).sqrt() * found) / kept[step].sqrt()
    zeros, ones = iter([torch.zeros(5, 1)]), iter([torch.ones(5, 1)])
    for limit in (None, 0.5):
        zeros, ones = iter([torch.zeros(5, 1)]), iter([torch.ones(5, 1)])
        mean = ddpm.step(x, found, schedule, step, step - 1, zeros, limit)
        deviation = ddpm.step(x, found, schedule, step, step - 1, ones, limit) - mean
        seen = picture if limit is None else picture.clamp(-limit, limit)
        expected, variance = schedule.posterior(seen, x, step)
        assert torch.allclose(mean, expected, atol=1e-12)
        assert torch.allclose(deviation, variance.sqrt().expand(5, 1), atol=1e-12)


def test_with_eta_0_nothing_is_drawn_after_the_first_noise():
    schedule = NoiseSchedule.of("linear", 50)
    draws = iter([torch.ones(3, 1, dtype=torch.float64)])
    assert Sampler(steps=10, eta=0.0)(best(schedule), schedule, draws).shape == (3, 1)


def test_the_times_go_from_the_last_step_to_the_first():
    schedule = NoiseSchedule.of("linear", 10)
    assert Sampler(steps=50).times(schedule) == list(range(9, -1, -1))
    assert Sampler(steps=1).times(schedule) == [9]
    assert Sampler(steps=3).times(schedule)[::2] == [9, 0]


def test_limits_hold():
    schedule = NoiseSchedule.of("linear", 20)
    found = Sampler(steps=20)(lambda x, steps: torch.zeros_like(x), schedule, Draws(0, [0, 1], (1, 4, 4)))
    assert found.abs().max() <= 1


def test_noise_follows_from_seed_and_number_alone():
    first = [next(draws) for draws in [Draws(3, [0, 1, 2], (2, 4))] for _ in range(2)]
    alone = [next(draws) for draws in [Draws(3, [1], (2, 4))] for _ in range(2)]
    assert all(torch.equal(one[1], other[0]) for one, other in zip(first, alone, strict=True))
    assert not torch.equal(first[0], next(Draws(4, [0, 1, 2], (2, 4))))
    everything = torch.cat(first).flatten()
    assert abs(everything.mean()) < 4 / math.sqrt(len(everything))


@pytest.mark.parametrize(("settings", "told"), [({"steps": 0}, "at least 1"), ({"eta": 1.5}, r"0 \(DDIM\) to 1 \(DDPM\)")])
def test_settings_that_cannot_be(settings, told):
    with pytest.raises(ConfigError, match=told):
        Sampler(**settings)
