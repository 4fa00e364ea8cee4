"""A classifier with its loss, its optimiser, its average and its guard, as Lightning wants them."""

import contextlib
import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics import Metric

from edgewise._optional import require
from edgewise.nn import parameter_kinds
from edgewise.vision.classification.images import names_of
from edgewise.vision.classification.metrics import BINS, summarise, tally
from edgewise.vision.classification.recipe import AdamW, ClassificationRecipe, Mix
from edgewise.vision.data.batches import NOTHING
from edgewise.vision.training.guarded import GuardedModule


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


class ClassificationScores(Metric):
    """The scores of :mod:`edgewise.vision.classification.metrics`, gathered over batches and processes."""

    full_state_update = False

    def __init__(self, classes: int):
        super().__init__()
        double = torch.float64
        shapes = {"confusion": (classes, classes), "top5": (), "log_loss": (), "bins": (BINS, 3)}
        for name, shape in shapes.items():
            self.add_state(name, default=torch.zeros(shape, dtype=double), dist_reduce_fx="sum")

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Count a batch."""
        for name, value in tally(logits.cpu(), labels.cpu()).items():
            setattr(self, name, getattr(self, name) + value.to(getattr(self, name).device))

    def compute(self) -> dict[str, float]:
        """The four scores."""
        return summarise({name: getattr(self, name) for name in ("confusion", "top5", "log_loss", "bins")})


class Classifier(GuardedModule):
    """Trains a network that maps pictures (B, C, H, W) to logits (B, classes).

    Args:
        network: The network.
        recipe: How to train it.

    Raises:
        NonFiniteError: From training, before the optimiser steps, when a loss or a gradient is not finite.
    """

    recipe: ClassificationRecipe

    def __init__(self, network: nn.Module, recipe: ClassificationRecipe):
        super().__init__(network, recipe)
        self.scores = ClassificationScores(recipe.data.classes)
        averages = require("timm.utils", extra="vision").ModelEmaV3 if recipe.ema is not None else None
        self.average = averages(network, decay=recipe.ema) if averages else None
        if self.average is not None:
            self.average.train()  # timm's is in evaluation mode, of which Lightning warns; it is used in validation only
        self._mixer = _mixer(recipe.mix, recipe.data.classes, recipe.smoothing)

    @property
    def deployed(self) -> nn.Module:
        """The average where there is one."""
        return self.network if self.average is None else self.average.module

    def configure_optimizers(self) -> dict:
        """AdamW, its rates set once an epoch."""
        settings, epochs = self.recipe.optimiser, self.recipe.epochs
        groups = parameter_groups(self.network, settings)
        optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate, eps=settings.epsilon)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: rate_factor(settings, epoch, epochs))
        return {"optimizer": optimiser, "lr_scheduler": schedule}

    def configure_gradient_clipping(self, optimizer: torch.optim.Optimizer, *args: object, **options: object) -> None:
        """Scale a gradient down to the largest norm that the recipe allows."""
        if self.recipe.optimiser.clip is not None:
            clip = self.recipe.optimiser.clip
            self.clip_gradients(optimizer, gradient_clip_val=clip, gradient_clip_algorithm="norm")

    def training_step(self, batch: dict, batch_idx: int) -> Tensor:
        """The loss of a batch, mixed where the recipe says so."""
        images, labels = batch["image"], batch["label"]
        if self._mixer is not None:
            with _numpy_seeded(self.step_seed()):
                images, labels = self._mixer(images, labels)
        logits = self.network(images)
        smoothing = self.recipe.smoothing if self._mixer is None else 0.0  # else it is in the targets
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        self.check(loss, batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(images), sync_dist=True)
        return loss

    def on_train_batch_end(self, *args: object) -> None:
        """Move the average on."""
        if self.average is not None:
            self.average.update(self.network)

    def on_train_epoch_start(self) -> None:
        """Note the rate of this epoch."""
        self.log("learning_rate", self.optimizers().param_groups[-1]["lr"], on_step=False, on_epoch=True)

    def validation_step(self, batch: dict, batch_idx: int) -> None:
        """Count a batch."""
        logits = self.deployed(batch["image"])
        loss = F.cross_entropy(logits, batch["label"], ignore_index=NOTHING, reduction="sum")
        self.check(loss, batch)
        self.scores.update(logits, batch["label"])

    def on_validation_epoch_end(self) -> None:
        """Log the scores of all validation pictures, which every process has after gathering."""
        scores = self.scores.compute()
        names = {"top1": "val_accuracy", "top5": "val_top5", "ece": "val_ece", "log_loss": "val_loss"}
        self.log_dict({names[name]: torch.tensor(score, device=self.device) for name, score in scores.items()})
        self.scores.reset()

    def names(self, batch: dict) -> list[str]:
        """What to call the pictures of a batch."""
        images = self.trainer.datamodule
        data = images.train.data if self.trainer.training else images.validation.data
        return names_of(data, batch["index"].cpu().numpy())


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
