"""What the training of a segmentation of volumes is made of."""

from dataclasses import dataclass, field
from typing import ClassVar

from edgewise.vision.data.intensity import Intensity
from edgewise.vision.data.preprocess import Fit
from edgewise.vision.segmentation.augment import MaskedAugment
from edgewise.vision.segmentation.recipe import MaskedData, SegmentationRecipe
from edgewise.vision.training.recipe import Model
from edgewise.vision.training.recipes import RECIPES
from edgewise.vision.training.strict import require_that


@dataclass(frozen=True, kw_only=True)
class ScanData(MaskedData):
    """Which scans with masks to learn from."""

    name: str = "volumes"
    channels: int = 1
    """Channels of the scans."""
    intensity: Intensity = field(default_factory=lambda: Intensity(scale="zscore", over="picture"))


@dataclass(frozen=True, kw_only=True)
class ScanRecipe(SegmentationRecipe):
    """Everything the training of a segmentation of scans depends on; what inherits says in what way they are seen."""

    data: ScanData = field(default_factory=ScanData)


@dataclass(frozen=True, kw_only=True)
class VolumeData(ScanData):
    """Which scans with masks to learn from, and how they enter the network."""

    size: tuple[int, int, int] = (32, 64, 64)  # pyright: ignore[reportIncompatibleVariableOverride] (of volumes)
    """Depth, height and width of the patches that the network learns from, and of the windows that slide over a scan:
    voxels from foot to head, front to back and right to left."""
    fit: Fit = "tiles"
    """Scans are seen in patches at their own resolution, never squeezed."""
    spacing: tuple[float, float, float] | None = None
    """Millimetres from voxel to voxel that scans are resampled to, from foot to head, front to back and right to left,
    which are slices, rows and columns of an axial scan; left out: the median of the training scans."""
    patches: int = 4
    """Patches that are drawn from each training scan in an epoch."""
    foreground: float = 0.5
    """The part of the patches whose middle is a voxel of a foreground class, each class as often as another."""

    def __post_init__(self):
        super().__post_init__()
        require_that(self.fit == "tiles", "data.fit", self.fit, "tiles, for volumes are never resized as a whole")
        require_that(self.patches >= 1, "data.patches", self.patches, "at least 1")
        require_that(0 <= self.foreground <= 1, "data.foreground", self.foreground, "from 0 to 1")
        known = self.spacing is None or min(self.spacing) > 0
        require_that(known, "data.spacing", self.spacing, "three positive numbers of mm, or left out")


@dataclass(frozen=True, kw_only=True)
class VolumeRecipe(ScanRecipe):
    """Everything the training of a segmentation of volumes depends on."""

    task: ClassVar[str] = "volumes"

    data: VolumeData = field(default_factory=VolumeData)
    model: Model = field(default_factory=lambda: Model(name="all_ukan3d", options={"flat": 2}))
    batch_size: int = 2
    """Patches a step."""
    augment: MaskedAugment = field(default_factory=lambda: MaskedAugment(preset="strong", symmetry="mirror", elastic=0.0))

    def __post_init__(self):
        super().__post_init__()
        require_that(self.oversample is None, "oversample", self.oversample, "none for volumes, which have data.foreground")


@RECIPES.register("volumes")
def volumes(root: str | None = None) -> VolumeRecipe:
    """Any scans with masks, in NIfTI or DICOM: nnU-Net's folders, or ``images/`` and ``masks/``."""
    return VolumeRecipe(data=VolumeData(root=root), epochs=100, patience=20)


@RECIPES.register("nuclei3d")
def nuclei3d(root: str | None = None) -> VolumeRecipe:
    """Nuclei in a confocal stack, as a volume."""
    data = VolumeData(name="nuclei3d", root=root, size=(16, 64, 64), patches=16, intensity=Intensity())
    return VolumeRecipe(data=data, model=Model(name="unet3d"), epochs=20)
