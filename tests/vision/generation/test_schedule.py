"""The steps of noise, against closed forms and against a simulation step by step."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from edgewise._ground.errors import ConfigError
from edgewise.vision.generation.schedule import NoiseSchedule

KINDS = ["linear", "cosine"]


def test_published_levels_of_the_linear_schedule():
    """Ho et al.: 1e-4 to 0.02, and next to nothing of the picture left at the end (4e-5 of its variance)."""
    schedule = NoiseSchedule.of("linear", 1000)
    assert schedule.betas[[0, -1]].tolist() == pytest.approx([1e-4, 0.02])
    betas = [1e-4 + (0.02 - 1e-4) * n / 999 for n in range(1000)]
    assert schedule.kept[-1].item() == pytest.approx(math.prod(1 - beta for beta in betas), rel=1e-9)
    assert schedule.kept[-1].item() == pytest.approx(4.04e-5, rel=1e-2)


def test_the_cosine_schedule_keeps_what_its_formula_says():
    schedule, f = NoiseSchedule.of("cosine", 100), lambda t: math.cos((t / 100 + 0.008) / 1.008 * math.pi / 2) ** 2
    for step in (0, 10, 50, 98):
        assert schedule.kept[step].item() == pytest.approx(f(step + 1) / f(0), rel=1e-9)
    assert schedule.betas[-1] == 0.999


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [2, 10, 1000])
def test_every_schedule_ends_in_noise(kind, steps):
    schedule = NoiseSchedule.of(kind, steps)
    assert len(schedule) == steps
    assert ((schedule.betas > 0) & (schedule.betas <= 0.999)).all()
    assert schedule.kept[-1] < 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_noise_of_all_steps_at_once_is_that_of_one_step_after_the_other(kind):
    """Mean and variance of q(x_t | x_0): the recursion m -> sqrt(1 - b) m, v -> (1 - b) v + b in plain Python."""
    schedule, mean, variance = NoiseSchedule.of(kind, 20), 3.0, 0.0
    zeros, ones = torch.zeros(1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    for step, beta in enumerate(schedule.betas.tolist()):
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        at = torch.tensor([step])
        assert schedule.noised(3 * ones, at, zeros).item() == pytest.approx(mean, rel=1e-12)
        assert schedule.noised(zeros, at, ones).item() == pytest.approx(math.sqrt(variance), rel=1e-12)


def test_each_picture_of_a_batch_gets_the_noise_of_its_own_step():
    schedule = NoiseSchedule.of("linear", 50)
    x, noise = torch.randn(3, 2, 4, 4), torch.randn(3, 2, 4, 4)
    steps = torch.tensor([0, 49, 7])
    alone = [schedule.noised(x[n : n + 1], steps[n : n + 1], noise[n : n + 1]) for n in range(3)]
    assert torch.equal(schedule.noised(x, steps, noise), torch.cat(alone))


@pytest.mark.parametrize("step", [1, 5, 19])
def test_the_posterior_is_bayes_rule(step):
    """The product of q(x_t | x_{t-1}) and q(x_{t-1} | x_0), normalised on a grid by the trapezium rule."""
    schedule, start, noisy = NoiseSchedule.of("linear", 20), 0.4, -0.7
    beta, before = schedule.betas[step].item(), schedule.kept[step - 1].item()
    grid = np.linspace(-8, 8, 20_001)
    density = norm.pdf(noisy, math.sqrt(1 - beta) * grid, math.sqrt(beta))
    density *= norm.pdf(grid, math.sqrt(before) * start, math.sqrt(1 - before))
    density /= np.trapezoid(density, grid)
    mean = np.trapezoid(grid * density, grid)
    variance = np.trapezoid((grid - mean) ** 2 * density, grid)
    found = schedule.posterior(*torch.tensor([start, noisy], dtype=torch.float64), step)
    assert found[0].item() == pytest.approx(mean, abs=1e-6)
    assert found[1].item() == pytest.approx(variance, rel=1e-5)


def test_before_the_first_step_there_is_the_picture():
    mean, variance = NoiseSchedule.of("cosine", 10).posterior(torch.tensor(0.3), torch.tensor(2.0), 0)
    assert mean.item() == pytest.approx(0.3)
    assert variance == 0


@pytest.mark.parametrize(("kind", "steps"), [("linear", 1), ("square", 10)])
def test_a_schedule_that_cannot_be(kind, steps):
    with pytest.raises(ConfigError, match=rf"one of linear, cosine over 2 steps or more, got '{kind}' over {steps}"):
        NoiseSchedule.of(kind, steps)
