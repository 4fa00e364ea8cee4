"""How a classifier learns: its loss, its scores, its optimiser, its average."""

import contextlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler

from edgewise._ground.optional import require
from edgewise.nn import parameter_kinds
from edgewise.vision.classification.metrics import balanced_accuracy, summarise, tally
from edgewise.vision.classification.objective import loss_of
from edgewise.vision.classification.recipe import AdamW, ClassificationRecipe, Mix
from edgewise.vision.data.batches import NOTHING
from edgewise.vision.training.learner import Learner


def parameter_groups(network: nn.Module, optimiser: AdamW) -> list[dict]:
    """The network's parameters in AdamW's groups: coefficients at their own rate, weights, and what does not decay.

    Biases, norms and what a method ``no_weight_decay`` of the network names, as timm's have it, do not decay.

    Args:
        network: The network; groups that would be empty are left out.
        optimiser: The learning rates and the decay.
    """
    rate, decay = optimiser.learning_rate, optimiser.weight_decay
    settings = {"coefficient": (rate * optimiser.coefficient_factor, decay), "weight": (rate, decay), "offset": (rate, 0.0)}
    exempt = set(getattr(network, "no_weight_decay", set)())
    kinds = parameter_kinds(network)
    groups: dict[str, list[nn.Parameter]] = {name: [] for name in settings}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups["offset" if name in exempt else kinds[name]].append(parameter)
    return [
        {"name": name, "params": group, "lr": settings[name][0], "weight_decay": settings[name][1]}
        for name, group in groups.items()
        if group
    ]


def rate_factor(optimiser: AdamW, epoch: int, epochs: int) -> float:
    """What the learning rates are multiplied by in an epoch, counted from 0.

    In the warm-up, a line from its rate to the full one; after it the cosine goes on as if there had been none, as timm's
    does.

    Example:
        >>> [round(rate_factor(AdamW(schedule="exponential", decay=0.8), epoch, 10), 3) for epoch in range(3)]
        [1.0, 0.8, 0.64]
    """
    rate = optimiser.learning_rate
    if epoch < optimiser.warmup_epochs:
        start = optimiser.warmup_learning_rate / rate
        return start + (1 - start) * epoch / optimiser.warmup_epochs
    if optimiser.schedule == "exponential":
        return optimiser.decay ** (epoch - optimiser.warmup_epochs)
    if optimiser.schedule == "constant":
        return 1.0
    end = optimiser.final_learning_rate / rate
    return end + (1 - end) * (1 + math.cos(math.pi * epoch / epochs)) / 2


class Classifier(Learner):
    """Learns by a network that maps pictures (B, C, H, W) to logits (B, classes).

    Args:
        network: The network.
        recipe: How to train it.
        facts: What the run noted of its pictures.
    """

    recipe: ClassificationRecipe

    def __init__(self, network: nn.Module, recipe: ClassificationRecipe, facts: Mapping[str, Any]):
        super().__init__(network, recipe)
        averages = require("timm.utils", extra="vision").ModelEmaV3 if recipe.ema is not None else None
        self.average = averages(network, decay=recipe.ema) if averages else None
        if self.average is not None:
            self.average.train()  # timm's is in evaluation mode, of which Lightning warns; it is used in validation only
        self.clip = recipe.optimiser.clip
        self._mixer = _mixer(recipe.mix, recipe.data.classes, recipe.smoothing)
        smoothing = recipe.smoothing if self._mixer is None else 0.0  # else it is in the targets
        self.criterion = loss_of(recipe, facts, smoothing)

    @property
    def deployed(self) -> nn.Module:
        """The average where there is one."""
        return self.network if self.average is None else self.average.module

    def optimiser(self) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """AdamW, its rates set once an epoch."""
        settings, epochs = self.recipe.optimiser, self.recipe.epochs
        groups = parameter_groups(self.network, settings)
        adamw = torch.optim.AdamW(groups, lr=settings.learning_rate, eps=settings.epsilon)
        return adamw, torch.optim.lr_scheduler.LambdaLR(adamw, lambda epoch: rate_factor(settings, epoch, epochs))

    def loss(self, batch: dict, seed: int) -> Tensor:
        """The loss of a batch, mixed where the recipe says so."""
        images, labels = batch["image"], batch["label"]
        if self._mixer is not None:
            with _numpy_seeded(seed):
                images, labels = self._mixer(images, labels)
        return self.criterion(self.network(images), labels)

    def after_step(self) -> None:
        """Move the average on."""
        if self.average is not None:
            self.average.update(self.network)

    def tally(self, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch, and its pictures counted."""
        logits = self.deployed(batch["image"])
        loss = F.cross_entropy(logits, batch["label"], ignore_index=NOTHING, reduction="sum")
        return loss, tally(logits.cpu(), batch["label"].cpu())

    def scores(self, sums: dict[str, Tensor]) -> dict[str, float]:
        """Scores of :mod:`edgewise.vision.classification.metrics`, by the names under which they are logged."""
        names = {"top1": "accuracy", "balanced": "balanced", "top5": "top5", "ece": "ece", "log_loss": "loss"}
        return {
            names[name]: score.item() for name, score in (summarise(sums) | {"balanced": balanced_accuracy(sums)}).items()
        }


def _mixer(mix: Mix, classes: int, smoothing: float):
    """timm's mixup and cutmix, or None."""
    if not mix:
        return None
    return require("timm.data", extra="vision").Mixup(
        mixup_alpha=mix.mixup,
        cutmix_alpha=mix.cutmix,
        prob=mix.probability,
        switch_prob=mix.switch,
        label_smoothing=smoothing,
        num_classes=classes,
    )


@contextlib.contextmanager
def _numpy_seeded(seed: int):
    """numpy's global draws, which timm uses, follow from a seed within and go on as before after it."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
