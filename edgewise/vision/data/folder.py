"""Any folder of pictures with a folder of masks beside it."""

from pathlib import Path

from edgewise.vision.data.dataset import DATASETS, SegmentationSet
from edgewise.vision.data.layouts import pair, read_layout


@DATASETS.register("folder")
def folder(
    root: str | Path | None = None,
    images: str = "images",
    masks: str = "masks",
    mask_suffix: str = "",
    channels: int = 3,
    split_by: str = "published",
) -> SegmentationSet:
    """One's own pictures and masks: ``images/ID.png`` and ``masks/ID.png``, extensions may differ.

    Args:
        root: Folder that holds both folders.
        images: Name of the folder of pictures.
        masks: Name of the folder of masks; ``masks/0`` reads the layout of the U-KAN code.
        mask_suffix: What a mask's stem has after the picture's, such as ``_mask``; ``ID_mask_1`` etc. are merged in.
        channels: Channels that models see: 1 grey, 3 colour.
        split_by: Way to divide it.
    """
    samples = read_layout(
        "folder", root, {(images, masks): lambda at: pair(at / images, at / masks, suffixes=(mask_suffix,))}
    )
    return SegmentationSet("folder", samples, channels=channels, split_by=split_by)
