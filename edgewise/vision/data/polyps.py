"""Kvasir-SEG: polyps in colonoscopy."""

from pathlib import Path

from edgewise.vision.data.auto import MaskValues
from edgewise.vision.data.coded import with_coding
from edgewise.vision.data.dataset import DATASETS, SegmentationSet
from edgewise.vision.data.layouts import PLAIN, UKAN, read_layout, read_plain, read_ukan

CITATION = (
    "Jha et al.: Kvasir-SEG: a segmented polyp dataset. International Conference on Multimedia Modeling 2020. Research and "
    "education, cite."
)


@DATASETS.register("kvasir")
def kvasir(
    root: str | Path | None = None, split_by: str = "published", mask_values: MaskValues = "soft"
) -> SegmentationSet:
    """Kvasir-SEG: 1000 pictures of polyps of many sizes; whose they are is not released.

    Layout as released (datasets.simula.no): ``images/ID.jpg`` and ``masks/ID.jpg``, the masks JPEG too, and boxes, which
    are not read; or as the U-KAN code keeps it, ``masks/0``.

    Args:
        root: The folder of the dataset, or the one around it.
        split_by: Way to divide it.
        mask_values: How masks are read, as by ``folder``.
    """
    samples = read_layout("kvasir", root, {UKAN: read_ukan, PLAIN: read_plain})
    return SegmentationSet("kvasir", with_coding(samples, mask_values), channels=3, citation=CITATION, split_by=split_by)
