"""The classifier whose features pictures are compared by.

Where no run of classification is named, it is a small plain network (``cnn``, 8 channels, three stages, 32 features)
trained on the training side to tell by how many quarter turns a picture was turned (Gidaris et al., arXiv:1803.07728; half
turns where sides differ). It needs no classes. How well it does on held-out pictures is told beside the distance: pictures
without an upper and a lower side, such as cells, teach it little, and a run of classification is the better judge there.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgewise._ground.device import device_of
from edgewise._ground.errors import CheckpointError
from edgewise.io import load_model
from edgewise.models.registry import create_model
from edgewise.vision.data import View
from edgewise.vision.generation.recipe import Judge
from edgewise.vision.generation.sampler import seed_of
from edgewise.vision.training.folder import RunFolder

BATCH = 32
RATE = 2e-3


class Judged:
    """A classifier as a maker of features.

    Args:
        network: From pictures as ``view`` makes them to logits.
        view: From pictures uint8 ``(H, W, C)`` to its input.
        what: In words, what it was trained to tell.
        accuracy: Share of held-out pictures that it was right on; None: not known here.
    """

    def __init__(self, network: nn.Module, view: View, what: str, accuracy: float | None):
        self.network, self.view, self.what, self.accuracy = network.eval(), view, what, accuracy

    @torch.no_grad()
    def features(self, pictures: np.ndarray) -> np.ndarray:
        """What the last layer is given of pictures uint8 ``(N, H, W, C)``: ``(N, features)``."""
        device = next(self.network.parameters()).device
        parts = [self.view(list(pictures[start : start + BATCH])).to(device) for start in range(0, len(pictures), BATCH)]
        return torch.cat([last_input(self.network, part) for part in parts]).double().cpu().numpy()


def last_input(network: nn.Module, x: Tensor) -> Tensor:
    """What the last layer with parameters of a network is given, one row a sample.

    Example:
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        >>> torch.equal(last_input(network, torch.ones(1, 2, 2)), network[:3](torch.ones(1, 2, 2)))
        True
    """
    given: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple) -> None:
        given[:] = [inputs[0]]

    layers = [module for module in network.modules() if any(True for _ in module.parameters(recurse=False))]
    handles = [module.register_forward_pre_hook(note) for module in layers]
    try:
        network(x)
    finally:
        for handle in handles:
            handle.remove()
    return given[0].flatten(1)


def judge_of(judge: Judge, train: Tensor, held_out: Tensor, seed: int, device: str = "cpu") -> Judged:
    """The judge that a recipe asks for.

    Args:
        judge: Which.
        train: Pictures ``(N, C, H, W)`` in [-1, 1] to train it on.
        held_out: Others, to tell how good it is.
        seed: Of its training.
        device: Where to compute.

    Raises:
        CheckpointError: The named run is none, is of another task, or of rows.
    """
    if judge.run is not None:
        return _of_run(Path(judge.run), device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, 2))
        network, turns = _trained(train, judge.steps, device)
    right = [_logits(network, turned(held_out, turns, k), device).argmax(1) == k for k in range(len(turns))]
    size: tuple[int, int] = (train.shape[2], train.shape[3])
    accuracy = torch.cat(right).double().mean().item()
    return Judged(network, View(size, train.shape[1]), f"which of {len(turns)} turns a picture was turned by", accuracy)


def _of_run(run: Path, device: str) -> Judged:
    folder = RunFolder(run)
    recipe = folder.read_recipe()
    if recipe.task != "classification":
        raise CheckpointError(f"judge.run is {run}, a run of {recipe.task}: give one of classification, or none")
    data = recipe.data
    view = View(data.size, data.channels, getattr(data, "crop", 1.0), getattr(data, "normalise", "half"))
    network = load_model(folder.best_model()).to(device_of(device))
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, data.channels, *data.size, device=device))
    except RuntimeError as error:
        raise CheckpointError(
            f"judge.run is {run}, whose model {recipe.model.name!r} takes no pictures: give a run of one that does"
        ) from error
    return Judged(network, view, f"the classes of {data.name} ({run})", None)


def turns_of(size: tuple[int, int]) -> list[int]:
    """The numbers of quarter turns that keep the size of a picture."""
    return [0, 1, 2, 3] if size[0] == size[1] else [0, 2]


def turned(pictures: Tensor, turns: list[int], label: int) -> Tensor:
    """Pictures ``(N, C, H, W)`` turned by one of these numbers of quarter turns."""
    return torch.rot90(pictures, turns[label], dims=(2, 3))


def _trained(pictures: Tensor, steps: int, device: str) -> tuple[nn.Module, list[int]]:
    """A network that tells turns, from pictures that are drawn, turned and mirrored anew in each step."""
    turns = turns_of((pictures.shape[2], pictures.shape[3]))
    network = create_model("cnn", num_classes=len(turns), in_channels=pictures.shape[1], width=8, stages=3)
    network = network.to(device_of(device))
    adam = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        chosen, labels = torch.randint(len(pictures), (BATCH,)), torch.randint(len(turns), (BATCH,))
        upright = torch.where(torch.rand(BATCH, 1, 1, 1) < 0.5, pictures[chosen], pictures[chosen].flip(-1))
        batch = torch.cat([turned(upright[i : i + 1], turns, label) for i, label in enumerate(labels.tolist())])
        loss = F.cross_entropy(network(batch.to(device)), labels.to(device))
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
    return network.eval(), turns


@torch.no_grad()
def _logits(network: Callable[[Tensor], Tensor], pictures: Tensor, device: str) -> Tensor:
    return torch.cat([network(part.to(device)).cpu() for part in pictures.split(BATCH)])
