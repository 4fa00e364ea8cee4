"""One scan with its mask on disk, and sets of them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.coding import Coding
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.mask_file import MaskFile
from edgewise.vision.data.sample import Sample
from edgewise.vision.volumes.reading import read_affine, read_volume
from edgewise.vision.volumes.volume import Volume, spacing_of

APART = 1e-2
"""Millimetres by which the corners of a mask may lie beside those of its scan."""


@dataclass(frozen=True)
class VolumeSample(Sample):
    """A scan and the mask that says what is where in it.

    Attributes:
        others: Further files of the scan, a channel each, of the same grid.
        given: Millimetres from voxel to voxel along slices, rows and columns, for files that do not say them.
        in_mm: Whether distances between voxels are known.
        depth: How many slices from `page` on are meant; None: all.
    """

    others: tuple[Path, ...] = ()
    given: tuple[float, float, float] | None = None
    in_mm: bool = True
    depth: int | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that it is read from; of a folder of slices, these."""
        found = []
        for path in (self.image, *self.others, *self.masks):
            found += sorted(item for item in path.iterdir() if item.is_file()) if path.is_dir() else [path]
        return tuple(found)

    def pixels(self) -> np.ndarray:
        """The scan in its own units, (C, D, H, W) along the axes of the body.

        Raises:
            DataError: As `read_image`.
        """
        return replace(self, window=None, scale=None).read_image().turned().array

    def read_image(self) -> Volume:  # pyright: ignore[reportIncompatibleMethodOverride] (of three dimensions)
        """The scan, float32 in [0, 1] by `window` or `scale`; in its own units where there is neither.

        Raises:
            DataError: A file cannot be used, or channels are on different grids.
        """
        first, *others = (self._cut(read_volume(path, self.given)) for path in (self.image, *self.others))
        for path, other in zip(self.others, others, strict=True):
            _check_grid(path, other, self.image, first)
        volume = Volume(np.concatenate([first.array, *(other.array for other in others)]), first.affine)
        if self.window is None and self.scale is None:
            return volume
        scaled = []
        for channel in volume.array:
            low, high = self.window or self.scale.limits(channel)  # pyright: ignore[reportOptionalMemberAccess] (one is there)
            scaled.append(((channel - low) / max(high - low, 1e-12)).clip(0, 1))
        return replace(volume, array=np.stack(scaled).astype(np.float32))

    def read(self) -> tuple[Volume, np.ndarray]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The scan, and the class of each voxel, uint8 ``(D, H, W)``.

        Raises:
            DataError: A file cannot be used, or the mask is on another grid than its scan.
        """
        image, mask = self.read_image(), self._mask()
        _check_grid(self.masks[0], mask, self.image, image)
        return image, self._classes(mask)

    def measured(self) -> "VolumeSample":
        """The same with its `spacing`, where that is known, along its own slices, rows and columns.

        Raises:
            DataError: A file does not say where it lies.
        """
        return replace(self, spacing=spacing_of(self._affine) if self.in_mm else None)

    @property
    def spacing_in_body(self) -> tuple[float, float, float]:
        """Millimetres from voxel to voxel from foot to head, front to back and right to left; no voxel is read.

        Raises:
            DataError: A file does not say where it lies.
        """
        return Volume(np.empty((0, 1, 1, 1)), self._affine).turned().spacing

    @property
    def _affine(self) -> np.ndarray:
        return read_affine(self.image, self.given)

    def read_classes(self) -> np.ndarray:
        return self._classes(self._mask())

    def _mask(self) -> Volume:
        if not self.masks:
            raise DataError(f"sample {self.id} ({self.image}) has no mask; give it one")
        return self._cut(read_volume(self.masks[0], self.given))

    def _classes(self, mask: Volume) -> np.ndarray:
        rule: Coding = self.coding  # pyright: ignore[reportAssignmentType] (sets of volumes have one)
        rows = mask.array[0].reshape(-1, mask.array.shape[-1])  # rules are of two dimensions
        return rule(MaskFile(self.masks[0], rows)).reshape(mask.array.shape[1:])

    def _cut(self, volume: Volume) -> Volume:
        """The slices that are meant."""
        if self.page is None or self.depth is None:
            return volume
        affine = volume.affine.copy()
        affine[:3, 3] += self.page * affine[:3, 2]
        return Volume(volume.array[:, self.page : self.page + self.depth], affine)


def check_channels(scan: VolumeSample, volume: Volume, channels: int) -> None:
    """Refuse a scan of other channels than those of a recipe.

    Raises:
        DataError: It has others.
    """
    if len(volume.array) != channels:
        raise DataError(
            f"{scan.image} has {len(volume.array)} channels and data.channels is {channels}: set data.channels to what all "
            "scans have"
        )


def scans_of(side: SegmentationSet) -> tuple[VolumeSample, ...]:
    """The samples of a set of volumes, or of a side of its split."""
    return tuple(sample for sample in side if isinstance(sample, VolumeSample))


@dataclass(frozen=True)
class VolumeSet(SegmentationSet):
    """Scans with masks, by name and in a fixed order."""

    space: ClassVar[int] = 3


def _check_grid(path: Path, volume: Volume, like: Path, first: Volume) -> None:
    shape, expected = volume.array.shape[1:], first.array.shape[1:]
    if shape != expected:
        raise DataError(f"{path} has {_by(shape)} voxels and {like} {_by(expected)}; resample it to the same grid")
    corners = np.array([(x, y, z, 1) for x in (0, shape[2]) for y in (0, shape[1]) for z in (0, shape[0])])
    apart = np.abs(corners @ (volume.affine - first.affine).T).max()
    if apart > max(APART, 0.1 * min(first.spacing)):
        raise DataError(f"{path} and {like} lie {apart:.3g} mm apart; resample it to the same grid")


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
