"""Small pictures on disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgewise.vision.data import Sample, SegmentationSet

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write an array as an image file below the test's folder; parent folders are made."""

    def write(name: str, pixels: np.ndarray | Image.Image, **options) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        image.save(path, **options)
        return path

    return write


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """Pictures of noise on a 4 x 4 grid blown up: no two of different seeds correlate, and resizing keeps them."""

    def draw(seed: int, height: int = 32, width: int = 32, channels: int = 1) -> np.ndarray:
        cells = np.random.default_rng(seed).integers(0, 256, (4, 4, channels), dtype=np.uint8)
        picture = np.kron(cells, np.ones((height // 4, width // 4, 1), np.uint8))
        return picture[..., 0] if channels == 1 else picture

    return draw


@pytest.fixture
def make_set(save: Save, noise) -> Callable[..., SegmentationSet]:
    """A dataset of `count` pictures of noise with masks, ids s00, s01, ..."""

    def make(count: int, group: Callable[[int], str | None] = lambda _: None, **options) -> SegmentationSet:
        samples = []
        for index in range(count):
            picture = noise(index)
            image = save(f"set/{index:02d}.png", picture)
            mask = save(f"set/{index:02d}_mask.png", np.where(picture > 127, 255, 0).astype(np.uint8))
            samples.append(Sample(f"s{index:02d}", image, (mask,), group=group(index)))
        return SegmentationSet("toy", tuple(samples), channels=1, **options)

    return make
