r"""How a diffusion model learns: to find the noise that was put in.

The loss is :math:`E_{x_0, \epsilon, t} |\epsilon - \epsilon_\theta(x_t, t)|^2` with
:math:`x_t = \sqrt{\bar\alpha_t} x_0 + \sqrt{1 - \bar\alpha_t} \epsilon`, a mean over pixels, with t uniform (Ho
et al., arXiv:2006.11239, equation 14).
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from edgewise.nn import parameter_kinds
from edgewise.vision.generation.condition import find_noise
from edgewise.vision.generation.recipe import DiffusionAdam, GenerationRecipe
from edgewise.vision.generation.sampler import Draws, seed_of
from edgewise.vision.training.average import WeightAverage
from edgewise.vision.training.learner import Learner

FIXED = 4
"""Draws of noise and step for each validation picture, the same in every epoch and every run."""


class Denoiser(Learner):
    """Learns by a network that maps noisy pictures (B, C, H, W) and steps (B,) to their noise.

    Args:
        network: The network.
        recipe: How to train it.
    """

    recipe: GenerationRecipe

    def __init__(self, network: nn.Module, recipe: GenerationRecipe):
        super().__init__(network, recipe)
        self.clip = recipe.optimiser.clip
        self.schedule = recipe.noise.make()
        self.average = WeightAverage(network, recipe.ema)

    @property
    def deployed(self) -> nn.Module:
        """The moving average of the network."""
        return self.average.module

    def optimiser(self) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """Adam with a cosine to the final learning rate, one step of it an epoch."""
        adam = torch.optim.Adam(parameter_groups(self.network, self.recipe.optimiser))
        falls = [self._fall(group["lr"]) for group in adam.param_groups]
        return adam, torch.optim.lr_scheduler.LambdaLR(adam, falls)

    def _fall(self, rate: float) -> Callable[[int], float]:
        """By epoch, what a rate is multiplied by; of the epoch alone, so that a run may be made longer."""
        end, epochs = self.recipe.optimiser.final_learning_rate / rate, self.recipe.epochs
        return lambda epoch: end + (1 - end) * (1 + math.cos(math.pi * epoch / epochs)) / 2

    def loss(self, batch: dict, seed: int) -> Tensor:
        """The loss of a batch at steps and noise that are drawn."""
        pictures = batch["image"]
        steps = torch.randint(len(self.schedule), (len(pictures),), device=pictures.device)
        noise = torch.randn_like(pictures)
        noisy = self.schedule.noised(pictures, steps, noise)
        found = find_noise(self.network, noisy, steps, batch.get("condition"))
        return (found - noise).square().mean()

    def rerun(self, batch: dict) -> None:
        """The network on the pictures, half way to noise."""
        middle = torch.full((len(batch["image"]),), len(self.schedule) // 2, device=batch["image"].device)
        find_noise(self.network, batch["image"], middle, batch.get("condition"))

    def after_step(self) -> None:
        """Move the average on."""
        self.average.update_parameters(self.network)

    def tally(self, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch at steps and noise that follow from the places of its pictures alone."""
        pictures, numbers = batch["image"], batch["index"].tolist()
        draws = Draws(0, numbers, tuple(pictures.shape[1:]), pictures.device)
        losses = []
        for steps in fixed_steps(numbers, len(self.schedule)).to(pictures.device):
            noise = next(draws).to(pictures)
            noisy = self.schedule.noised(pictures, steps, noise)
            found = find_noise(self.deployed, noisy, steps, batch.get("condition"))
            losses.append((found - noise).square().flatten(1).mean(1))
        loss = torch.stack(losses).mean(0)
        count = torch.tensor(len(pictures), dtype=loss.dtype, device=loss.device)
        return loss.mean(), {"loss": loss.sum(), "pictures": count}

    def scores(self, sums: dict[str, Tensor]) -> dict[str, float]:
        """The loss, a mean over pictures and draws, and minus it: what is better is higher."""
        loss = (sums["loss"] / sums["pictures"]).item()
        return {"loss": loss, "fit": -loss}


def fixed_steps(numbers: list[int], steps: int) -> Tensor:
    """Steps for pictures by their numbers, one in each quarter of all steps, integers ``(4, N)``.

    Example:
        >>> (fixed_steps([0, 1, 2], 1000) // 250).tolist()
        [[0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3]]
    """
    parts = np.stack([np.random.default_rng(seed_of(1, number)).random(FIXED) for number in numbers], axis=1)
    return torch.from_numpy(((np.arange(FIXED)[:, None] + parts) / FIXED * steps).astype(np.int64))


def parameter_groups(network: nn.Module, optimiser: DiffusionAdam) -> list[dict]:
    """The network's parameters in Adam's groups: coefficients of edge functions at their own learning rate, the rest."""
    rates = {"coefficient": optimiser.learning_rate * optimiser.coefficient_factor, "other": optimiser.learning_rate}
    groups: dict[str, list[nn.Parameter]] = {name: [] for name in rates}
    kinds = parameter_kinds(network)
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups["coefficient" if kinds[name] == "coefficient" else "other"].append(parameter)
    return [{"name": name, "params": group, "lr": rates[name]} for name, group in groups.items() if group]
