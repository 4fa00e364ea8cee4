"""The slices of the scans of a recipe, split by scan, made ready and batched."""

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgewise._ground.errors import DataError
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.data.loading import SegmentationDataset
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.windows import EachWindow, RandomWindows
from edgewise.vision.segmentation.augment import Augmentation
from edgewise.vision.segmentation.sampling import classes_in, repeat_factors
from edgewise.vision.volumes.images import ScanImages, read_as_noted
from edgewise.vision.volumes.sample import VolumeSample, check_channels, scans_of
from edgewise.vision.volumes.sliced.plane import Plane
from edgewise.vision.volumes.sliced.recipe import SliceRecipe


@dataclass(frozen=True)
class SliceSample(Sample):
    """One slice of a scan, in two files of all its slices.

    Attributes:
        at: Its number.
    """

    at: int = 0

    def read_image(self) -> np.ndarray:
        return np.load(self.image, mmap_mode="r")[self.at].copy()

    def read_classes(self) -> np.ndarray:
        return np.load(self.masks[0], mmap_mode="r")[self.at].copy()


class CutScans:
    """The slices of some scans, kept in a folder of the system's for temporary files, which goes with this object.

    Args:
        scans: Those of one side.
        plane: How they are cut.
        channels: How many each has.

    Raises:
        DataError: A scan cannot be used, or the disk is full.
    """

    def __init__(self, scans: Sequence[VolumeSample], plane: Plane, channels: int):
        self._folder, self._plane = Path(tempfile.mkdtemp(prefix="edgewise-slices-")), plane
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        samples = [one for number, scan in enumerate(scans) for one in self._cut(number, scan, channels)]
        self.pictures = SegmentationSet("slices", tuple(samples), channels=channels)

    def _cut(self, number: int, scan: VolumeSample, channels: int) -> Iterator[SliceSample]:
        volume, labels = scan.read()
        check_channels(scan, volume, channels)
        image, masks = self._folder / f"{number}_image.npy", self._folder / f"{number}_mask.npy"
        try:
            np.save(image, self._plane.pictures(volume).numpy())
            np.save(masks, self._plane.masks(labels, volume).numpy())
        except OSError as error:
            raise DataError(
                f"{scan.image} does not fit into {self._folder} ({error}); set TMPDIR to a larger disk"
            ) from error
        for at in range(len(np.load(masks, mmap_mode="r"))):
            yield SliceSample(f"{scan.id}/{at:03d}", image, (masks,), coding=scan.coding, at=at)


class SliceImages(ScanImages):
    """Batches of slices of training and validation scans; no scan has slices on two sides.

    Raises:
        DataError: The scans are unusable, one is on two sides, a mask holds a class beyond those of the recipe, or no mask
            holds one of them.
    """

    def __init__(self, recipe: SliceRecipe, inventory: Inventory | None = None):
        super().__init__(recipe, inventory)
        data = recipe.data
        self._train, self._validation = (
            CutScans(scans_of(read_as_noted(side, self.facts)), data.cut, data.channels)
            for side in (self.split.train, self.split.validation)
        )
        drawn, each = (RandomWindows(data.size), EachWindow(data.size)) if data.fit == "tiles" else (None, None)
        augment = Augmentation(recipe.augment, data.size) if recipe.augment else None
        self.train = SegmentationDataset(self._train.pictures, data.preprocess, augment, recipe.seed, drawn)
        self.validation = SegmentationDataset(self._validation.pictures, data.preprocess, windows=each)
        if recipe.oversample is not None:
            factors = repeat_factors(classes_in(self._train.pictures), recipe.oversample)
            self.weights = [factors[index] for index in self.train.samples]
