"""A segmentation network with its loss, its optimiser and its guard, as Lightning wants them.

Two bugs of U-KAN's released training script end here. There, a parameter gets the high learning rate if its *name*
holds "layer" and "fc", so that renaming an attribute changes the training; here each layer declares what its
parameters are (:func:`edgewise.nn.parameter_kinds`). And there, a NaN loss trains on; here it stops before the
optimiser has stepped.
"""

import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from edgewise.nn import parameter_kinds
from edgewise.vision.segmentation.losses import SegmentationLoss
from edgewise.vision.segmentation.metrics import count_pixels, segment, summarise
from edgewise.vision.training.guarded import GuardedModule
from edgewise.vision.training.recipe import Optimiser, Recipe


def parameter_groups(network: nn.Module, optimiser: Optimiser) -> list[dict]:
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


class OverlapScores(Metric):
    """IoU and F1 over a dataset, gathered batch by batch and over all processes."""

    full_state_update = False

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes
        self.add_state("counts", default=[], dist_reduce_fx="cat")

    def update(self, logits: Tensor, truth: Tensor) -> None:
        """Count the pixels of a batch."""
        self.counts.append(count_pixels(segment(logits), truth, self.classes))

    def compute(self) -> dict[str, float]:
        """The four scores of :func:`edgewise.vision.segmentation.metrics.summarise`."""
        return summarise(dim_zero_cat(self.counts))


class Segmenter(GuardedModule):
    """Trains a network that maps images (B, C, H, W) to logits (B, classes, H, W).

    Args:
        network: The network.
        recipe: How to train it.

    Raises:
        NonFiniteError: From training, before the optimiser steps, when a loss or a gradient is not finite.
    """

    def __init__(self, network: nn.Module, recipe: Recipe):
        super().__init__(network, recipe)
        self.loss = SegmentationLoss(recipe.data.classes)
        self.scores = OverlapScores(recipe.data.classes)

    def configure_optimizers(self) -> dict:
        """Adam with a cosine to the final learning rate, one step of it an epoch."""
        settings = self.recipe.optimiser
        optimiser = torch.optim.Adam(parameter_groups(self.network, settings), weight_decay=settings.weight_decay)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimiser, T_max=self.recipe.epochs, eta_min=settings.final_learning_rate
        )
        return {"optimizer": optimiser, "lr_scheduler": cosine}

    def training_step(self, batch: dict, batch_idx: int) -> Tensor:
        """The loss of a batch."""
        _, loss = self._forward(batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch["id"]), sync_dist=True)
        return loss

    def validation_step(self, batch: dict, batch_idx: int) -> None:
        """Count the pixels of a batch."""
        logits, loss = self._forward(batch)
        self.scores.update(logits, batch["mask"])
        self.log("val_loss", loss, batch_size=len(batch["id"]), sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        """Log the scores of all validation images."""
        self.log_dict({f"val_{name}": score for name, score in self.scores.compute().items()}, sync_dist=True)
        self.scores.reset()

    def _forward(self, batch: dict) -> tuple[Tensor, Tensor]:
        logits = self.network(batch["image"])
        loss = self.loss(logits, batch["mask"])
        self.check(loss, batch)
        return logits, loss
