"""What a task gives to the training loop: pictures in batches, and a network with what it learns by.

Neither knows Lightning: the loop asks them, so that a task is a few functions and can be read and tested without a trainer.
"""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from edgewise.vision.data.inventory import Inventory
from edgewise.vision.training.recipe import Recipe


class Samples(Protocol):
    """Images one by one, each a dictionary with ``image`` (C, H, W)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> dict[str, Any]: ...


class Images(Protocol):
    """The images of a recipe, split and batched; order and augmentation follow from seed and epoch alone."""

    @property
    def validation(self) -> Samples:
        """The images that the best epoch is chosen on, as the network sees them."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """What the run's folder must note for later, in plain JSON values: names of classes, a window."""
        ...

    @property
    def inventory(self) -> Inventory:
        """Which pictures are on which side, for the run's folder to note."""
        ...

    def train_batches(self, epoch: int, rank: int, replicas: int) -> DataLoader:
        """The batches of an epoch, for one process of several; a batch is a dictionary with ``image`` (B, C, H, W)."""
        ...

    def validation_batches(self, rank: int, replicas: int) -> DataLoader:
        """The validation images in order."""
        ...

    def names(self, batch: dict, training: bool) -> list[str]:
        """What to call the images of a batch."""
        ...


class Learner(nn.Module, ABC):
    """A network with its loss, its scores and its optimiser.

    Args:
        network: The network.
        recipe: How to train it.
    """

    clip: float | None = None
    """Largest norm of the gradient; None: as it is."""

    def __init__(self, network: nn.Module, recipe: Recipe):
        super().__init__()
        self.network = network
        self.recipe = recipe

    @property
    def deployed(self) -> nn.Module:
        """The network that is validated, kept and used after training."""
        return self.network

    @abstractmethod
    def optimiser(self) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """What changes the parameters, and what changes its rates after each epoch."""

    @abstractmethod
    def loss(self, batch: dict, seed: int) -> Tensor:
        """The loss of a training batch, a scalar; what it draws beside torch's own numbers follows from the seed."""

    @abstractmethod
    def tally(self, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a validation batch, which must be finite, and what adds up over batches and processes."""

    @abstractmethod
    def scores(self, sums: dict[str, Tensor]) -> dict[str, float]:
        """The scores of all validation images, ``loss`` among them, from the sums of :meth:`tally`."""

    def after_step(self) -> None:
        """What follows a step of the optimiser."""

    def rerun(self, batch: dict) -> None:
        """Run the network on a batch once more, for whoever looks for what went wrong in it."""
        self.network(batch["image"])
