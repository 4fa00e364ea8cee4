from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgewise.cli import main


@pytest.fixture(autouse=True)
def _no_line_each_half_minute(monkeypatch):
    """What a command prints does not depend on how fast the machine is."""
    monkeypatch.setattr("edgewise._ground.progress._Lines.every", float("inf"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """Twenty pictures of coloured squares; the mask is where red is bright."""
    root = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for part in ("images", "masks"):
        (root / part).mkdir()
    for index in range(20):
        squares = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        pixels = np.kron(squares, np.ones((8, 8, 1), np.uint8))
        Image.fromarray(pixels).save(root / "images" / f"p{index:02d}.png")
        Image.fromarray(np.where(pixels[..., 0] > 127, 255, 0).astype(np.uint8)).save(root / "masks" / f"p{index:02d}.png")
    return root


@pytest.fixture(scope="session")
def settings(pictures) -> list[str]:
    """Words after `edgewise train` that make a small run of one epoch."""
    words = f"folder --data.root {pictures} --data.size 32 32 --epochs 1 --machine.accelerator cpu --model.name ukan"
    return [*words.split(), "--model.options", '{"widths": [8, 8, 8]}']


@pytest.fixture(scope="session")
def run(tmp_path_factory, settings) -> Path:
    """A finished run, made on the command line."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    assert main(["train", *settings, "--run", str(folder)]) == 0
    return folder
