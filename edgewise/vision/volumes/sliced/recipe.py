"""What the training of a network of pictures on the slices of scans is made of."""

from dataclasses import dataclass, field
from typing import ClassVar

from edgewise.vision.segmentation.augment import MaskedAugment
from edgewise.vision.training.recipes import RECIPES
from edgewise.vision.training.strict import require_that
from edgewise.vision.volumes.recipe import ScanData, ScanRecipe
from edgewise.vision.volumes.sliced.plane import Plane, PlaneName


@dataclass(frozen=True, kw_only=True)
class SliceData(ScanData):
    """Which scans with masks to learn from, and how their slices enter the network."""

    size: tuple[int, int] = (256, 256)
    plane: PlaneName = "axial"
    """Slices across the body, from ear to ear, or from front to back."""
    pixel: float | None = None
    """Millimetres of a pixel of a slice before it comes to size, which `fit` tiles needs; left out: the finer of its two
    spacings, so that pixels are square."""

    def __post_init__(self):
        super().__post_init__()
        require_that(self.pixel is None or self.pixel > 0, "data.pixel", self.pixel, "above 0 mm, or left out")

    @property
    def cut(self) -> Plane:
        """How scans are cut."""
        return Plane(self.plane, self.pixel)


@dataclass(frozen=True, kw_only=True)
class SliceRecipe(ScanRecipe):
    """Everything the training of a segmentation of scans by their slices depends on."""

    task: ClassVar[str] = "slices"

    data: SliceData = field(default_factory=SliceData)
    batch_size: int = 8
    """Slices a step."""
    augment: MaskedAugment = field(default_factory=lambda: MaskedAugment(preset="strong", symmetry="mirror"))


@RECIPES.register("slices")
def slices(root: str | None = None) -> SliceRecipe:
    """Any scans with masks, as of `volumes`, by a network of pictures, slice by slice."""
    return SliceRecipe(data=SliceData(root=root), epochs=100, patience=20)
