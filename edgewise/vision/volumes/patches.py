"""Scans made ready once and kept on disk, and the patches that are drawn from them."""

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from edgewise._ground.errors import DataError
from edgewise.vision.data.coding import VOID
from edgewise.vision.segmentation.augment import Augmentation
from edgewise.vision.volumes.preprocess import VolumePreprocess
from edgewise.vision.volumes.sample import VolumeSample, check_channels

KEPT = 10_000
"""Voxels of each class in each scan that patches are centred on."""


@dataclass(frozen=True)
class Prepared:
    """A scan as the network sees it, in two files that are read where a patch needs them."""

    id: str
    image: Path
    mask: Path
    centres: Sequence[np.ndarray] = field(repr=False)
    """Voxels ``(n, 3)`` of each foreground class that is there."""

    def cut(self, start: Sequence[int], size: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """A patch of the scan, float32 ``(C, *size)``; of its mask, ``(1, *size)``, void beyond the scan; and 1 in the scan
        and 0 beyond, of the same shape.
        """
        where = (slice(None), *(slice(max(s, 0), s + n) for s, n in zip(start, size, strict=True)))
        image, mask = (torch.from_numpy(np.load(path, mmap_mode="r")[where].copy()) for path in (self.image, self.mask))
        padding = []
        for s, n, have in zip(reversed(start), reversed(size), reversed(mask.shape[1:]), strict=True):
            before = max(-s, 0)
            padding += [before, n - have - before]
        pad = torch.nn.functional.pad
        return pad(image, padding), pad(mask.float(), padding, value=VOID), pad(torch.ones(mask.shape), padding)

    def whole(self) -> tuple[Tensor, Tensor]:
        """All of it."""
        image, mask = (torch.from_numpy(np.load(path)) for path in (self.image, self.mask))
        return image, mask.float()


class PreparedScans:
    """The scans of one side, made ready in a folder of the system's for temporary files, which goes with this object.

    Args:
        samples: The scans.
        preprocess: What they go through.
        channels: How many each has.
        seed: Of the voxels that are kept as middles of patches.

    Raises:
        DataError: A scan cannot be used, or the disk is full.
    """

    def __init__(self, samples: Sequence[VolumeSample], preprocess: VolumePreprocess, channels: int, seed: int = 0):
        self._folder, self.channels = Path(tempfile.mkdtemp(prefix="edgewise-volumes-")), channels
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self.scans = [self._prepare(*pair, preprocess, seed) for pair in enumerate(samples)]

    def _prepare(self, number: int, sample: VolumeSample, preprocess: VolumePreprocess, seed: int) -> Prepared:
        volume, labels = sample.read()
        check_channels(sample, volume, self.channels)
        image, mask = preprocess.image(volume).numpy(), preprocess.mask(labels, volume).numpy()
        at = self._folder
        scan = Prepared(sample.id, at / f"{number}_image.npy", at / f"{number}_mask.npy", _centres(mask[0], seed + number))
        try:
            np.save(scan.image, image)
            np.save(scan.mask, mask)
        except OSError as error:
            raise DataError(f"{sample.image} does not fit into {at} ({error}); set TMPDIR to a larger disk") from error
        return scan


def _centres(mask: np.ndarray, seed: int) -> list[np.ndarray]:
    rng, found = np.random.default_rng(seed), []
    for label in np.unique(mask).tolist():
        if label not in (0, VOID):
            places = np.flatnonzero(mask == label)
            places = places if len(places) <= KEPT else np.sort(rng.choice(places, KEPT, replace=False))
            found.append(np.stack(np.unravel_index(places, mask.shape), axis=1))
    return found


class RandomPatches(Dataset):
    """Patches as ``dict(image, mask, id)``, some of them around voxels of the foreground; drawn from (seed, epoch, index).

    Args:
        prepared: The scans.
        size: Depth, height and width of a patch.
        patches: How many of each scan in an epoch.
        foreground: The part of them whose middle is foreground.
        augment: Varies them within their slices; None: as they are.
        seed: Of all draws.
    """

    def __init__(
        self,
        prepared: PreparedScans,
        size: tuple[int, int, int],
        patches: int,
        foreground: float,
        augment: Augmentation | None = None,
        seed: int = 0,
    ):
        self.prepared, self.size, self.patches, self.foreground, self.seed = prepared, size, patches, foreground, seed
        self.augment = augment
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # workers that outlive an epoch see the next one

    def set_epoch(self, epoch: int) -> None:
        """Choose the patches of this epoch."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return self.patches * len(self.prepared.scans)

    def __getitem__(self, index: int) -> dict[str, Any]:
        scan = self.prepared.scans[index // self.patches]
        numbers = (self.seed, int(self._epoch), index)
        image, mask, inside = scan.cut(self._start(scan, np.random.default_rng(numbers)), self.size)
        item = {"image": image, "mask": mask}
        if self.augment is not None:
            item = varied(self.augment, item | {"inside": inside}, numbers)
        return {**item, "id": scan.id}

    def _start(self, scan: Prepared, rng: np.random.Generator) -> list[int]:
        """The first voxel of a patch; before the scan where that is smaller than the patch."""
        shape = np.load(scan.mask, mmap_mode="r").shape[1:]
        centred = bool(scan.centres) and rng.random() < self.foreground
        places = scan.centres[int(rng.integers(len(scan.centres)))] if centred else np.array([])
        centre = places[int(rng.integers(len(places)))] if centred else [int(rng.integers(side)) for side in shape]
        sides = zip(centre, shape, self.size, strict=True)
        return [
            min(max(int(place) - want // 2, 0), side - want) if side > want else -((want - side) // 2)
            for place, side, want in sides
        ]


class WholeScans(Dataset):
    """Whole scans as ``dict(image, mask, id, picture, of)``: with the number of each and how many there are.

    Args:
        prepared: The scans.
    """

    def __init__(self, prepared: PreparedScans):
        self.prepared = prepared

    def __len__(self) -> int:
        return len(self.prepared.scans)

    def __getitem__(self, index: int) -> dict[str, Any]:
        scan = self.prepared.scans[index]
        image, mask = scan.whole()
        return {"image": image, "mask": mask, "id": scan.id, "picture": index, "of": len(self)}


def varied(augment: Augmentation, item: dict[str, Tensor], numbers: Sequence[int]) -> dict[str, Tensor]:
    """A patch varied within its slices, all of them in the same way: slices are seen as the channels of one picture.

    Args:
        augment: Of pictures of the patch's height and width.
        item: ``image`` (C, D, H, W), ``mask`` (1, D, H, W), and ``inside`` (1, D, H, W), 0 beyond the scan.
        numbers: What draws follow from.
    """
    (channels, depth), plane = item["image"].shape[:2], item["image"].shape[2:]
    mask, inside = (item[key].expand(channels, *item[key].shape[1:]).flatten(0, 1) for key in ("mask", "inside"))
    found = augment({"image": item["image"].flatten(0, 1), "mask": mask, "inside": inside}, numbers)
    image = found["image"].reshape(channels, depth, *plane)
    return {"image": image, "mask": found["mask"][:depth].reshape(1, depth, *plane)}
