"""New pictures from a trained run, as PNG files."""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise._ground.folders import make_folder
from edgewise._ground.optional import require
from edgewise.io import atomic_write, load_model
from edgewise.vision.generation.recipe import GenerationRecipe
from edgewise.vision.generation.sampler import Draws, Sampler
from edgewise.vision.generation.schedule import NoiseSchedule
from edgewise.vision.training.folder import RunFolder

BATCH = 32
GAP = 2
"""Pixels between the pictures of a sheet."""


class PictureMaker:
    """A trained network as a maker of pictures.

    Args:
        network: Finds noise, from (N, C, H, W) and (N,).
        schedule: That it was trained on.
        sampler: How pictures come out of noise.
        shape: Channels, height and width.
        device: Where to compute.
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: NoiseSchedule,
        sampler: Sampler,
        shape: tuple[int, int, int],
        device: str | torch.device = "cpu",
    ):
        self.network = network.to(device).eval()
        self.schedule, self.sampler, self.shape, self.device = schedule, sampler, shape, device

    @classmethod
    def from_run(cls, run_dir: str | Path, device: str | torch.device = "cpu") -> "PictureMaker":
        """The best epoch of a run.

        Raises:
            CheckpointError: There is no run of generation, it has done no epoch yet, or its model is corrupted.
        """
        folder = RunFolder(run_dir)
        task = folder.read_recipe().task
        if task != GenerationRecipe.task:
            raise CheckpointError(
                f"{folder.path} is a run of {task} and makes no pictures: give one of `edgewise train generation`"
            )
        recipe = folder.read_recipe(GenerationRecipe)
        shape = (recipe.data.channels, *recipe.data.size)
        return cls(load_model(folder.best_model()), recipe.noise.make(), recipe.sampler, shape, device)

    def __call__(self, count: int, seed: int = 0) -> np.ndarray:
        """Pictures uint8 ``(count, H, W, C)``; the first ones are the same whatever the count.

        Args:
            count: How many, at least 1.
            seed: From 0 to 2**32 - 1.

        Raises:
            ConfigError: Either is out of range.
        """
        if count < 1:
            raise ConfigError(f"count is {count} and must be at least 1: ask for one picture or more")
        if not 0 <= seed < 2**32:
            raise ConfigError(f"seed is {seed} and must be from 0 to 2**32 - 1: choose another")
        parts = []
        for start in range(0, count, BATCH):
            draws = Draws(seed, list(range(start, min(start + BATCH, count))), self.shape, self.device)
            parts.append(to_pixels(self.sampler(self.network, self.schedule, draws)))
        return np.concatenate(parts)


def to_pixels(pictures: torch.Tensor) -> np.ndarray:
    """Pictures ``(N, C, H, W)`` in [-1, 1] as uint8 ``(N, H, W, C)``.

    Example:
        >>> to_pixels(torch.tensor([-1.0, 0.0, 1.2]).reshape(1, 1, 1, 3)).ravel().tolist()
        [0, 128, 255]
    """
    levels = ((pictures.float() + 1) * 127.5).round().clamp(0, 255)
    return levels.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


@dataclass(frozen=True)
class Samples:
    """What was made.

    Attributes:
        pictures: The files of the samples.
        sheet: A picture of all of them.
    """

    pictures: list[Path]
    sheet: Path


def sample(
    run_dir: str | Path,
    out_dir: str | Path,
    count: int = 16,
    seed: int = 0,
    steps: int | None = None,
    eta: float | None = None,
    device: str = "cpu",
) -> Samples:
    """Make pictures by the best epoch of a run of generation: ``SEED_NUMBER.png`` each, and ``sheet.png`` of all.

    On a CPU, the same run, seed and settings give the same bytes.

    Args:
        run_dir: A folder made by :func:`edgewise.vision.train`.
        out_dir: Folder for the pictures; made if needed.
        count: How many.
        seed: Other seeds give other pictures.
        steps: Steps back; None: as the run's recipe says.
        eta: 0 for DDIM, 1 for DDPM; None: as the run's recipe says.
        device: Where to compute.

    Raises:
        ConfigError: A number is out of range.
        CheckpointError: The run or the folder for the pictures cannot be used.
    """
    maker = PictureMaker.from_run(run_dir, device)
    asked = {name: value for name, value in (("steps", steps), ("eta", eta)) if value is not None}
    maker.sampler = replace(maker.sampler, **asked)
    made = maker(count, seed)
    folder = make_folder(out_dir)
    files = [folder / f"{seed}_{number:04d}.png" for number in range(count)]
    for path, picture in zip(files, made, strict=True):
        atomic_write(path, to_png(picture))
    atomic_write(folder / "sheet.png", to_png(sheet(made)))
    return Samples(files, folder / "sheet.png")


def sheet(pictures: np.ndarray) -> np.ndarray:
    """Pictures uint8 ``(N, H, W, C)`` in rows of about as many as there are rows, white between them, ``(H', W', C)``."""
    count, height, width, channels = pictures.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    whole = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * (height + GAP), number % columns * (width + GAP)
        whole[top : top + height, left : left + width] = picture
    return whole


def to_png(picture: np.ndarray) -> bytes:
    """A picture uint8 ``(H, W, C)`` as the bytes of a PNG file."""
    buffer = io.BytesIO()
    image = require("PIL.Image", extra="data").fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    image.save(buffer, format="PNG")
    return buffer.getvalue()
