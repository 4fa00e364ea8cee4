"""New pictures from a trained run, as PNG files."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.device import device_of
from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise._ground.folders import make_folder
from edgewise._ground.optional import require
from edgewise.io import atomic_write, load_model
from edgewise.vision.generation.condition import find_noise, read_conditions
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
        masked: Whether pictures are made for masks.
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: NoiseSchedule,
        sampler: Sampler,
        shape: tuple[int, int, int],
        device: str | torch.device = "cpu",
        masked: bool = False,
    ):
        self.masked = masked
        self.network = network.to(device_of(device)).eval()
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
        shape, masked = (recipe.data.channels, *recipe.data.size), recipe.data.classes is not None
        return cls(load_model(folder.best_model()), recipe.noise.make(), recipe.sampler, shape, device, masked)

    def check(self, masks: bool) -> None:
        """Refuse masks that the run does not take, and to do without where it does.

        Raises:
            ConfigError: There are masks and the run takes none, or the other way round.
        """
        if self.masked and not masks:
            raise ConfigError("the run makes pictures for masks and none is given: name them, --masks DIR")
        if masks and not self.masked:
            raise ConfigError("masks are given and the run was trained without (data.classes is none): leave --masks out")

    def __call__(self, count: int, seed: int = 0, condition: Tensor | None = None) -> np.ndarray:
        """Pictures uint8 ``(count, H, W, C)``; the first ones are the same whatever the count.

        Args:
            count: How many, at least 1.
            seed: From 0 to 2**32 - 1.
            condition: The channels of the mask of each, ``(count, classes, H, W)``, of a run that makes pictures for masks.

        Raises:
            ConfigError: A number is out of range, or there are masks and the run takes none, or the other way round.
        """
        if count < 1:
            raise ConfigError(f"count is {count} and must be at least 1: ask for one picture or more")
        if not 0 <= seed < 2**32:
            raise ConfigError(f"seed is {seed} and must be from 0 to 2**32 - 1: choose another")
        self.check(condition is not None)
        parts = []
        for start in range(0, count, BATCH):
            draws = Draws(seed, list(range(start, min(start + BATCH, count))), self.shape, self.device)
            given = None if condition is None else condition[start : start + BATCH].to(self.device)
            noise_of = partial(find_noise, self.network, condition=given)
            parts.append(to_pixels(self.sampler(noise_of, self.schedule, draws)))
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
    count: int | None = None,
    seed: int = 0,
    steps: int | None = None,
    eta: float | None = None,
    device: str = "cpu",
    masks: Iterable[str | Path] = (),
) -> Samples:
    """Make pictures by the best epoch of a run of generation: ``SEED_NUMBER.png`` each, and ``sheet.png`` of all.

    Those made for a mask are ``MASK_SEED_NUMBER.png``.

    On a CPU, the same run, seed and settings give the same bytes.

    Args:
        run_dir: A folder made by :func:`edgewise.vision.train`.
        out_dir: Folder for the pictures; made if needed.
        count: How many, and for each mask how many; None: 16, and one for each mask.
        seed: Other seeds give other pictures.
        steps: Steps back; None: as the run's recipe says.
        eta: 0 for DDIM, 1 for DDPM; None: as the run's recipe says.
        device: Where to compute.
        masks: Files, and folders of them, for a run that makes pictures for masks.

    Raises:
        ConfigError: A number is out of range, or there are masks and the run takes none, or the other way round.
        CheckpointError: The run or the folder for the pictures cannot be used.
        DataError: A mask cannot be used.
    """
    maker = PictureMaker.from_run(run_dir, device)
    asked = {name: value for name, value in (("steps", steps), ("eta", eta)) if value is not None}
    maker.sampler = replace(maker.sampler, **asked)
    maker.check(bool(masks))
    names, condition = [""], None
    if masks:
        run = RunFolder(run_dir)
        found = read_conditions(masks, run.read_recipe(GenerationRecipe).data, run.read_facts())
        names, condition = [f"{name}_" for name in found], torch.stack(list(found.values()))
    each = count if count is not None else 1 if masks else 16
    made = maker(each * len(names), seed, None if condition is None else condition.repeat_interleave(each, 0))
    folder = make_folder(out_dir)
    files = [folder / f"{name}{seed}_{number:04d}.png" for name in names for number in range(each)]
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
