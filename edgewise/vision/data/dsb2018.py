"""DSB2018: nuclei in microscopy, a file for each nucleus."""

from pathlib import Path

from edgewise._ground.errors import DataError
from edgewise.vision.data.auto import MaskValues
from edgewise.vision.data.coded import with_coding
from edgewise.vision.data.dataset import DATASETS, SegmentationSet
from edgewise.vision.data.finding import folder_each
from edgewise.vision.data.layouts import folder_of

CITATION = (
    "Caicedo et al.: Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl. Nature Methods 16, 2019. "
    "BBBC038v1, Broad Bioimage Benchmark Collection, CC0."
)


@DATASETS.register("dsb2018")
def dsb2018(
    root: str | Path | None = None, split_by: str = "published", mask_values: MaskValues = "binary"
) -> SegmentationSet:
    """Stage 1 of the 2018 Data Science Bowl: 670 pictures of nuclei of several kinds and sizes.

    Layout as released (BBBC038, Kaggle): ``stage1_train/ID/images/ID.png`` and ``stage1_train/ID/masks/*.png``, one file a
    nucleus. The nuclei of a picture are merged to learn from, and told apart by their files where objects are scored.

    Args:
        root: ``stage1_train``, or the folder around it.
        split_by: Way to divide it.
        mask_values: How masks are read, as by ``folder``.

    Raises:
        DataError: The folder holds no pictures of that layout.
    """
    at = folder_of("dsb2018", root)
    samples = folder_each(at / "stage1_train" if (at / "stage1_train").is_dir() else at)
    if not samples:
        raise DataError(
            f"{at} has no layout of dataset 'dsb2018'; neither ID/images with ID/masks nor stage1_train is there"
        )
    return SegmentationSet("dsb2018", with_coding(samples, mask_values), channels=3, citation=CITATION, split_by=split_by)
