"""How a network of volumes learns: as one of pictures, and validated on whole scans."""

from torch import Tensor

from edgewise.vision.segmentation.inference.tiles import slide
from edgewise.vision.segmentation.learner import Segmenter
from edgewise.vision.segmentation.metrics import count_pixels, segment, tally


class VolumeSegmenter(Segmenter):
    """Learns by patches, and is validated by windows that slide over whole scans."""

    def tally(self, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a scan, and its voxels counted."""
        logits, truth = slide(self.deployed, batch["image"], self.recipe.data.size), batch["mask"]
        loss = self.criterion(logits, truth)
        counts = count_pixels(segment(logits), truth, self.recipe.data.classes)
        return loss, {"loss": loss * len(truth), **tally(counts)}
