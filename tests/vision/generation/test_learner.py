"""How a diffusion model learns, against closed forms."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.models import create_model
from edgewise.vision import DiffusionAdam, GenerationRecipe, Judge, Noise, PictureData
from edgewise.vision.generation.learner import Denoiser, fixed_steps, parameter_groups


class Found(nn.Module):
    """Finds a multiple of what it is given."""

    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x, steps):
        return self.factor * x


def batch(count=64, side=8):
    pictures = torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return {"image": pictures, "index": torch.arange(count)}


def test_the_loss_is_that_of_the_noise():
    """Nothing found leaves the noise's own mean square, 1. All of x_t found leaves, with a kept, a E(x^2) + (1 - r)^2."""
    torch.manual_seed(0)
    recipe, given = GenerationRecipe(), batch()
    error = 5 * (2 / given["image"].numel()) ** 0.5
    assert Denoiser(Found(0.0), recipe).loss(given, 0).item() == pytest.approx(1, abs=error)
    learner = Denoiser(Found(1.0), recipe)
    kept, square = learner.schedule.kept, given["image"].square().mean()
    expected = (kept * square + (1 - (1 - kept).sqrt()) ** 2).mean().item()
    found = [learner.loss(given, 0).item() for _ in range(20)]
    assert sum(found) / 20 == pytest.approx(expected, rel=0.1)


def test_validation_is_the_same_each_time_and_in_any_batches():
    learner, given = Denoiser(Found(0.3), GenerationRecipe()), batch(10)
    loss, sums = learner.tally(given)
    torch.manual_seed(99)
    parts = [learner.tally({name: part[chosen] for name, part in given.items()})[1] for chosen in (slice(3), slice(3, 10))]
    assert learner.scores(sums) == {"loss": pytest.approx(loss.item()), "fit": pytest.approx(-loss.item())}
    together = {name: parts[0][name] + parts[1][name] for name in sums}
    assert learner.scores(together)["loss"] == pytest.approx(loss.item(), rel=1e-6)
    other = given | {"index": torch.arange(10, 20)}
    assert learner.tally(other)[0] != loss


def test_steps_of_validation_fill_each_quarter():
    steps = fixed_steps(list(range(2000)), 1000)
    for quarter, part in enumerate(steps):
        assert part.min() >= 250 * quarter
        assert part.max() < 250 * (quarter + 1)
        assert part.double().mean().item() == pytest.approx(250 * quarter + 124.5, abs=8)  # five standard errors


def test_the_average_follows_its_recursion():
    """In plain Python: the first step copies, then d = min(decay, (1 + n) / (10 + n))."""
    learner = Denoiser(Found(1.0), replace(GenerationRecipe(), ema=0.5))
    expected = None
    for step, value in enumerate([2.0, 5.0, -3.0, 4.0] * 10):
        learner.network.factor.data.fill_(value)
        learner.after_step()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = value if expected is None else decay * expected + (1 - decay) * value
        assert learner.deployed.factor.item() == pytest.approx(expected, rel=1e-5)


def test_only_the_network_is_trained_and_coefficients_have_a_rate_of_their_own():
    network = create_model("ukan_diffusion", in_channels=1, widths=[8, 8, 8])
    groups = {group["name"]: group for group in parameter_groups(network, DiffusionAdam(coefficient_factor=5.0))}
    assert groups["coefficient"]["lr"] == 5 * groups["other"]["lr"] == pytest.approx(5e-3)
    learner = Denoiser(network, GenerationRecipe())
    assert sum(len(group["params"]) for group in groups.values()) == len(list(network.parameters()))
    assert not any(p.requires_grad for p in learner.deployed.parameters())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: GenerationRecipe(ema=1.0), "ema is 1.0 and must be between 0 and 1"),
        (lambda: Noise(steps=1), "noise.steps is 1 and must be at least 2"),
        (lambda: PictureData(channels=2), "data.channels is 2"),
        (lambda: Judge(most=1), "judge.most is 1"),
        (lambda: DiffusionAdam(final_learning_rate=1.0), "optimiser.final_learning_rate is 1.0"),
        (lambda: DiffusionAdam(clip=0.0), "optimiser.clip is 0.0"),
    ],
)
def test_settings_that_cannot_be(make, told):
    with pytest.raises(ConfigError, match=told):
        make()
