import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from edgewise.models.registry import MODELS
from edgewise.models.takes import Pictures
from edgewise.vision import Machine, MaskedData, Model, SegmentationRecipe

SIDE = 16


class Tiny(nn.Module):
    """A network small enough to train in a second, with what resuming must restore: batch norm and dropout."""

    def __init__(self, in_channels=3, num_classes=1, width=4):
        super().__init__()
        options = {"in_channels": in_channels, "num_classes": num_classes, "width": width}
        self.config = {"name": "tiny", "options": options}
        self.body = nn.Sequential(nn.Conv2d(in_channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.drop = nn.Dropout(0.2)
        self.head = nn.Conv2d(width, num_classes, 1)

    def forward(self, x):
        return self.head(self.drop(self.body(x)))


@pytest.fixture(scope="session")
def discs(tmp_path_factory):
    """A folder of 30 noisy pictures, 16 x 16, of one bright disc each, with their masks."""
    root = tmp_path_factory.mktemp("discs")
    (root / "images").mkdir()
    (root / "masks").mkdir()
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for index in range(30):
        draw = np.random.default_rng(index)
        y, x, radius = draw.uniform([4, 4, 3], [12, 12, 5])
        mask = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        picture = 60 + 110 * mask + draw.normal(0, 25, mask.shape)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(root / "images" / f"{index:02d}.png")
        Image.fromarray((mask * 255).astype(np.uint8)).save(root / "masks" / f"{index:02d}.png")
    return root


@pytest.fixture
def networks():
    """What makes the model ``tiny`` in a test, by that name."""
    known = {"tiny": Tiny}
    MODELS.register("tiny", takes=Pictures(dense=True))(lambda **options: known["tiny"](**options))
    yield known
    MODELS.unregister("tiny")


@pytest.fixture
def recipe(discs, networks):
    return SegmentationRecipe(
        data=MaskedData(name="folder", root=str(discs), size=(SIDE, SIDE), channels=1),
        model=Model(name="tiny"),
        machine=Machine(accelerator="cpu"),
        epochs=4,
        batch_size=8,
    )


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
