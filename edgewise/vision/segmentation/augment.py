"""Variation of training pictures with their masks, drawn from numbers alone; MONAI does what is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from edgewise._ground.optional import require
from edgewise.vision.data.coding import VOID
from edgewise.vision.training.strict import require_that, require_used

Range = tuple[float, float]
NOTHING: dict[str, Any] = {
    "symmetry": "none",
    "probability": 0.3,
    "rotate": 0.0,
    "scale": (1.0, 1.0),
    "elastic": 0.0,
    "blur": 0.0,
    "contrast": (1.0, 1.0),
    "gamma": (1.0, 1.0),
    "noise": 0.0,
}
STRONG = {"rotate": 30.0, "scale": (0.7, 1.4), "elastic": 0.03, "blur": 1.0}
STRONG |= {"contrast": (0.75, 1.33), "gamma": (0.7, 1.5), "noise": 0.2}
PRESETS = {
    "none": NOTHING,
    "flips": NOTHING | {"symmetry": "turns"},
    "strong": NOTHING | STRONG | {"symmetry": "turns"},
}
"""What each setting is where it is left at none."""
LATTICE = 5
"""Points along a side that an elastic change moves."""


@dataclass(frozen=True, kw_only=True)
class MaskedAugment:
    """How training pictures are varied, their masks with them; a number that is none is as its preset has it.

    Example:
        >>> mild = MaskedAugment(preset="strong", noise=0.05)
        >>> mild.strength("noise"), mild.strength("scale"), MaskedAugment().strength("symmetry")
        (0.05, (0.7, 1.4), 'turns')
    """

    preset: Literal["none", "flips", "strong"] = "flips"
    """Nothing; quarter turns and flips; or these and all below."""
    symmetry: Literal["preset", "none", "mirror", "flips", "turns"] = "preset"
    """Left and right exchanged; or also above and below; or, where pictures are square, also quarter turns."""
    probability: float | None = None
    """Of each of the changes below, for each picture."""
    rotate: float | None = None
    """Largest angle in degrees."""
    scale: Range | None = None
    """Smallest and largest magnification, (1, 1) for none."""
    elastic: float | None = None
    """How far points move, one standard deviation, as a part of the shorter side."""
    blur: float | None = None
    """Largest standard deviation of a Gaussian blur, in pixels that the network sees."""
    contrast: Range | None = None
    """Smallest and largest factor of the contrast about the mean, (1, 1) for none."""
    gamma: Range | None = None
    """Smallest and largest exponent of the grey levels, (1, 1) for none."""
    noise: float | None = None
    """Largest standard deviation of Gaussian noise, in units of the normalised picture."""

    def __post_init__(self):
        least = {"probability": 1.0, "rotate": 180.0, "elastic": 0.1, "blur": float("inf"), "noise": float("inf")}
        for name, most in least.items():
            value, rule = self.strength(name), "0 or above" if most == float("inf") else f"from 0 to {most:g}"
            require_that(0 <= value <= most, f"augment.{name}", value, rule)
        for name in ("scale", "contrast", "gamma"):
            low, high = self.strength(name)
            require_that(0 < low <= high, f"augment.{name}", (low, high), "two rising numbers above 0, (1, 1) for none")
        drawn = any(self.strength(name) != NOTHING[name] for name in NOTHING.keys() - {"probability", "symmetry"})
        without = "where pictures are at most turned and flipped"
        fix = "give a change, such as augment.noise or augment.preset strong"
        require_used(drawn, self, "augment.probability", without, fix)

    def strength(self, name: str) -> Any:
        """What a setting is: the preset's where none is given."""
        given = getattr(self, name)
        return PRESETS[self.preset][name] if given in (None, "preset") else given

    def __bool__(self) -> bool:
        return any(self.strength(name) != NOTHING[name] for name in NOTHING.keys() - {"probability"})


class Augmentation:
    """Varies an item; what is drawn follows from numbers alone.

    Args:
        settings: How much.
        size: Height and width of the items, in pixels.
    """

    def __init__(self, settings: MaskedAugment, size: Sequence[int]):
        self.settings = settings
        self.symmetries = _symmetries(self.transforms, settings.strength("symmetry"), square=len(set(size)) == 1)

    @property
    def transforms(self) -> Any:
        """MONAI's; no attribute, since a module cannot be sent to a process that reads pictures."""
        return require("monai.transforms", extra="training")

    def __call__(self, item: dict[str, Tensor], numbers: Sequence[int]) -> dict[str, Tensor]:
        """The item varied.

        Args:
            item: ``image`` (C, H, W), normalised; ``mask`` (1, H, W) of classes, void ones 255; and ``inside`` (1, H, W),
                1 in the picture and 0 in borders around it. The image is 0 and the mask void where nothing is known.
            numbers: What draws follow from.
        """
        if self.symmetries is not None:
            self.symmetries.set_random_state(seed=int(np.random.SeedSequence(numbers).generate_state(1)[0]))
            item = self.symmetries(item)
        draw = _Draw(np.random.default_rng(np.random.SeedSequence(numbers, spawn_key=(2,))), self.settings)
        item = self._moved(item, draw)
        image = self._shaded(item["image"], draw)
        inside = item["inside"] > 0.5
        item = item | {"image": torch.where(inside, image, 0.0), "mask": torch.where(inside, item["mask"], VOID)}
        return {key: _plain(value) for key, value in item.items()}

    def _moved(self, item: dict[str, Tensor], draw: "_Draw") -> dict[str, Tensor]:
        """Rotated, scaled and bent, by one resampling."""
        angle = np.deg2rad(draw.symmetric("rotate"))
        zoom, (height, width) = draw.between("scale"), item["mask"].shape[1:]
        spread = draw.up_to("elastic", whole=True) * min(height, width)
        if angle == 0 and zoom == 1 and spread == 0:
            return item
        grid = self.transforms.AffineGrid(rotate_params=angle, scale_params=(1 / zoom, 1 / zoom))((height, width))[0]
        grid = torch.as_tensor(grid, dtype=torch.float32)
        if spread:
            moves = torch.from_numpy(draw.rng.normal(0, spread, (1, 2, LATTICE, LATTICE)).astype(np.float32))
            grid[:2] += F.interpolate(moves, (height, width), mode="bicubic", align_corners=True)[0]
        modes = {"image": "bilinear", "mask": "nearest", "inside": "nearest"}
        sample = self.transforms.Resample(padding_mode="zeros")
        return {key: sample(value, grid, mode=modes[key]) for key, value in item.items()}

    def _shaded(self, image: Tensor, draw: "_Draw") -> Tensor:
        """Blurred, its grey levels changed, and noisy."""
        if (sigma := draw.up_to("blur")) > 0:
            image = self.transforms.GaussianSmooth(sigma)(image)
        if (factor := draw.between("contrast")) != 1:
            image = self.transforms.ScaleIntensityFixedMean(factor - 1, preserve_range=True)(image)
        if (gamma := draw.between("gamma")) != 1:
            image = self.transforms.AdjustContrast(gamma)(image)
        if (spread := draw.up_to("noise")) > 0:
            image = image + torch.from_numpy(draw.rng.normal(0, spread, image.shape).astype(np.float32))
        return image


class _Draw:
    """How much of each change a picture gets; nothing as often as the probability leaves."""

    def __init__(self, rng: np.random.Generator, settings: MaskedAugment):
        self.rng, self.settings = rng, settings

    def up_to(self, name: str, whole: bool = False) -> float:
        """From 0 to the strength; or the whole of it."""
        happens, part = self._happens(), self.rng.uniform()
        return float(self.settings.strength(name) * (1.0 if whole else part)) if happens else 0.0

    def symmetric(self, name: str) -> float:
        """From minus the strength to the strength."""
        sign = 1 if self.rng.uniform() < 0.5 else -1
        return sign * self.up_to(name)

    def between(self, name: str) -> float:
        """A factor, its logarithm uniform in the range."""
        happens, (low, high) = self._happens(), self.settings.strength(name)
        factor = float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
        return factor if happens else 1.0

    def _happens(self) -> bool:
        return self.rng.uniform() < self.settings.strength("probability")


def _symmetries(transforms: Any, symmetry: str, square: bool):
    """A uniform draw from the symmetries asked for; of the square, where sides are equal and turns are among them."""
    keys = ("image", "mask", "inside")
    rows, columns = (transforms.RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in (0, 1))
    turns = transforms.RandRotate90d(keys, prob=0.75, max_k=3)
    known = {"none": [], "mirror": [columns], "flips": [rows, columns], "turns": [turns, rows]}
    steps = known["flips" if symmetry == "turns" and not square else symmetry]
    return transforms.Compose(steps) if steps else None


def _plain(value: Tensor) -> Tensor:
    """Without what MONAI notes of it."""
    as_tensor = getattr(value, "as_tensor", None)
    return (as_tensor() if as_tensor else value).contiguous()
