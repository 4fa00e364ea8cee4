import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from edgewise.models.registry import MODELS
from edgewise.models.takes import NoisyPictures
from edgewise.vision import GenerationRecipe, Judge, Machine, Model, Noise, PictureData, Sampler

SIDE = 12


class TinyNoise(nn.Module):
    """A network small enough to train in a second, with what resuming must restore: dropout."""

    def __init__(self, in_channels=3, width=6):
        super().__init__()
        self.config = {"name": "tiny_noise", "options": {"in_channels": in_channels, "width": width}}
        self.body = nn.Sequential(nn.Conv2d(in_channels + 1, width, 3, padding=1), nn.SiLU(), nn.Dropout(0.1))
        self.head = nn.Conv2d(width + in_channels, in_channels, 3, padding=1)

    def forward(self, x, steps):
        time = (steps.to(x) / 1000).reshape(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])
        return self.head(torch.cat([self.body(torch.cat([x, time], 1)), x], 1))


def write_hills(root, count=40, side=SIDE):
    """Noisy pictures, dark above and bright below, of one disc each, side x side."""
    root.mkdir(exist_ok=True)
    rows, columns = np.mgrid[:side, :side]
    for index in range(count):
        draw = np.random.default_rng(index)
        y, x, radius = draw.uniform([0.3 * side, 0.3 * side, 0.15 * side], [0.7 * side, 0.7 * side, 0.3 * side])
        picture = 20 + 120 * rows / side + 90 * ((rows - y) ** 2 + (columns - x) ** 2 < radius**2)
        picture += draw.normal(0, 8, picture.shape)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(root / f"{index:02d}.png")
    return root


@pytest.fixture(scope="session")
def hills(tmp_path_factory):
    return write_hills(tmp_path_factory.mktemp("generation") / "hills")


@pytest.fixture(scope="session")
def tiny():
    MODELS.register("tiny_noise", takes=NoisyPictures(widths=("width",)))(TinyNoise)
    yield
    MODELS.unregister("tiny_noise")


@pytest.fixture(scope="session")
def small(hills, tiny):
    """A recipe that trains in a second."""
    return GenerationRecipe(
        data=PictureData(root=str(hills), size=(SIDE, SIDE), channels=1),
        model=Model(name="tiny_noise"),
        noise=Noise(steps=50),
        sampler=Sampler(steps=5),
        judge=Judge(steps=20),
        machine=Machine(accelerator="cpu"),
        epochs=3,
        batch_size=8,
    )
