"""How a segmentation network learns: its loss, its scores, its optimiser.

Two bugs of U-KAN's released training script end here. There, a parameter gets the high learning rate if its *name*
holds "layer" and "fc", so that renaming an attribute changes the training; here each layer declares what its
parameters are (:func:`edgewise.nn.parameter_kinds`). And there, a NaN loss trains on; here it stops before the
optimiser has stepped.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from edgewise.nn import parameter_kinds
from edgewise.vision.segmentation.losses import loss_of
from edgewise.vision.segmentation.metrics import count_pixels, segment, summarise, tally
from edgewise.vision.segmentation.recipe import Adam, SegmentationRecipe
from edgewise.vision.training.average import WeightAverage
from edgewise.vision.training.learner import Learner


def parameter_groups(network: nn.Module, optimiser: Adam) -> list[dict]:
    """The network's parameters in Adam's groups: coefficients of edge functions at their own learning rate, the rest.

    Args:
        network: The network; groups that would be empty are left out.
        optimiser: The learning rates.
    """
    rates = {"coefficient": optimiser.coefficient_learning_rate, "other": optimiser.learning_rate}
    groups: dict[str, list[nn.Parameter]] = {name: [] for name in rates}
    kinds = parameter_kinds(network)
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups["coefficient" if kinds[name] == "coefficient" else "other"].append(parameter)
    return [{"name": name, "params": group, "lr": rates[name]} for name, group in groups.items() if group]


class Segmenter(Learner):
    """Learns by a network that maps images (B, C, H, W) to logits (B, classes, H, W).

    Args:
        network: The network.
        recipe: How to train it.
        facts: What its run noted.
    """

    recipe: SegmentationRecipe

    def __init__(self, network: nn.Module, recipe: SegmentationRecipe, facts: Mapping[str, Any]):
        super().__init__(network, recipe)
        self.criterion = loss_of(recipe.data.classes, recipe.loss, facts)
        self.average = None if recipe.ema is None else WeightAverage(network, recipe.ema)

    @property
    def deployed(self) -> nn.Module:
        """The average where there is one."""
        return self.network if self.average is None else self.average.module

    def after_step(self) -> None:
        """Move the average on."""
        if self.average is not None:
            self.average.update_parameters(self.network)

    def optimiser(self) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """Adam with a cosine to the final learning rate, one step of it an epoch."""
        settings = self.recipe.optimiser
        adam = torch.optim.Adam(parameter_groups(self.network, settings), weight_decay=settings.weight_decay)
        falls = [self._fall(group["lr"]) for group in adam.param_groups]
        return adam, torch.optim.lr_scheduler.LambdaLR(adam, falls)

    def _fall(self, rate: float) -> Callable[[int], float]:
        """By epoch, what a rate is multiplied by; of the epoch alone, so that a run may be made longer."""
        end, epochs = self.recipe.optimiser.final_learning_rate / rate, self.recipe.epochs
        warmup = self.recipe.optimiser.warmup_epochs + 1

        def factor(epoch: int) -> float:
            cosine = end + (1 - end) * (1 + math.cos(math.pi * epoch / epochs)) / 2
            return min(1.0, (epoch + 1) / warmup) * cosine

        return factor

    def loss(self, batch: dict, seed: int) -> Tensor:
        """The loss of a batch."""
        return self.criterion(self.network(batch["image"]), batch["mask"])

    def see(self, images: Tensor) -> Tensor:
        """The logits (B, classes, H, W) of validation images (B, C, H, W)."""
        return self.deployed(images)

    def tally(self, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch, and its pixels counted for each picture, of which an item may be a window."""
        logits, truth = self.see(batch["image"]), batch["mask"]
        loss = self.criterion(logits, truth)
        counts = count_pixels(segment(logits), truth, self.recipe.data.classes)
        pictures = counts.new_zeros(int(batch["of"][0]), *counts.shape[1:]).index_add(0, batch["picture"], counts)
        return loss, {"loss": loss * len(truth), "items": loss.new_tensor(float(len(truth))), "pictures": pictures}

    def scores(self, sums: dict[str, Tensor]) -> dict[str, float]:
        """The loss, a mean over items, and the four scores of :mod:`edgewise.vision.segmentation.metrics` of pictures."""
        return {"loss": (sums["loss"] / sums["items"]).item(), **summarise(tally(sums["pictures"]))}
