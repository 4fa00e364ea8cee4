"""How a network of volumes learns: as one of pictures, and validated on whole scans."""

from torch import Tensor

from edgewise.vision.segmentation.inference.tiles import slide
from edgewise.vision.segmentation.learner import Segmenter


class VolumeSegmenter(Segmenter):
    """Learns by patches, and is validated by windows that slide over whole scans."""

    def see(self, images: Tensor) -> Tensor:
        """The logits (B, classes, D, H, W) of scans (B, C, D, H, W)."""
        return slide(self.deployed, images, self.recipe.data.size)
