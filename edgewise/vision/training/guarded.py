"""What every training has: draws that follow from the step alone, and a guard against numbers that are not finite."""

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn

from edgewise._errors import NonFiniteError
from edgewise.vision.training.guard import all_finite, blame
from edgewise.vision.training.recipe import Recipe


class GuardedModule(pl.LightningModule):
    """A network in training that stops before the optimiser steps on a loss or a gradient that is not finite.

    Args:
        network: The network.
        recipe: How to train it.
    """

    def __init__(self, network: nn.Module, recipe: Recipe):
        super().__init__()
        self.network = network
        self.recipe = recipe

    @property
    def deployed(self) -> nn.Module:
        """The network that is validated, kept and used after training."""
        return self.network

    def on_train_batch_start(self, batch: dict, batch_idx: int) -> None:
        """Seed stochastic layers by the step alone, so that a resumed run draws what the uninterrupted one did."""
        torch.manual_seed(self.step_seed())
        self._batch = batch  # until its gradients are known to be finite

    def step_seed(self) -> int:
        """A seed for what this process draws in this step."""
        return int(np.random.SeedSequence([self.recipe.seed, self.global_step, self.global_rank]).generate_state(1)[0])

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Refuse to step on a gradient that is not finite."""
        if not all_finite([p.grad for p in self.network.parameters() if p.grad is not None]):
            self._stop("gradient", self._batch)

    def check(self, loss: Tensor, batch: dict) -> None:
        """Refuse a loss that is not finite.

        Raises:
            NonFiniteError: It is not; the message names the first image, parameter or module where that shows.
        """
        if not loss.isfinite():
            self._stop("loss", batch)

    def names(self, batch: dict) -> list[str]:
        """What to call the images of a batch."""
        return batch["id"]

    def _stop(self, what: str, batch: dict) -> None:
        source = blame(self.network, batch["image"], self.names(batch))
        raise NonFiniteError(
            f"the {what} is not finite in epoch {self.current_epoch}, step {self.global_step}: {source}; training "
            "stopped before that step and the last checkpoint is good: lower the learning rates or mend the input"
        )
