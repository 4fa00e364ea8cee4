"""BUSI: breast ultrasound with the outlines of benign and malignant tumours."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data.auto import MaskValues
from edgewise.vision.data.coded import with_coding
from edgewise.vision.data.coding import Binary, Soft
from edgewise.vision.data.dataset import DATASETS, SegmentationSet
from edgewise.vision.data.layouts import PLAIN, UKAN, pair, read_layout, read_plain, read_ukan
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.sample import Sample

CITATION = (
    "Al-Dhabyani, Gomaa, Khaled, Fahmy: Dataset of breast ultrasound images. Data in Brief 28, 2020, 104863. "
    "Research use, cite."
)
KINDS = ("benign", "malignant")
MIRRORED = ("benign/images", "malignant/images")


@DATASETS.register("busi")
def busi(
    root: str | Path | None = None,
    normal: bool = False,
    split_by: str = "published",
    mask_values: MaskValues = "soft",
    classes: Sequence[str] | None = None,
) -> SegmentationSet:
    """Breast ultrasound images: 437 benign, 210 malignant, and 133 normal ones with an empty mask.

    Layouts: as released, ``benign/benign (1).png`` beside ``benign (1)_mask.png`` and, for a second tumour,
    ``benign (1)_mask_1.png``; as mirrors have it, ``benign/images/`` and ``benign/masks/``; or as the U-KAN code keeps it,
    ``images/ID.png`` and ``masks/0/ID_mask.png``, also without the ``0``. All masks of a picture are merged; code that
    reads ``_mask.png`` alone loses tumours.

    Many frames were released twice: `find_duplicates` sees 109 pairs among the 647, ``benign (433)`` and
    ``malignant (145)`` being one file, and the published divisions put 41 to 51 of them on two sides (counted with
    ids 001, 002, ...). Train on ``split.without_duplicates()``.

    Args:
        root: The folder of the dataset, or the one around it.
        normal: Keep the pictures without a tumour, which the segmentation literature leaves out (647 remain).
        split_by: Way to divide it; the release does not say which pictures are of one patient.
        mask_values: How masks are read, as by ``folder``.
        classes: ``["benign", "malignant"]`` for a class each, in this order; None: all tumours are one foreground. The name
            of a picture says which it shows.
    """

    def read_released(folder: Path) -> list[Sample]:
        folders = (*KINDS, *(("normal",) if normal else ()))
        return [sample for name in folders for sample in pair(folder / name, folder / name, suffixes=("_mask",))]

    def read_mirrored(folder: Path) -> list[Sample]:
        folders = [name for name in (*KINDS, *(("normal",) if normal else ())) if (folder / name).is_dir()]
        return [sample for name in folders for sample in read_plain(folder / name)]

    samples = read_layout("busi", root, {MIRRORED: read_mirrored, KINDS: read_released, UKAN: read_ukan, PLAIN: read_plain})
    if not normal:
        samples = tuple(sample for sample in samples if not sample.id.startswith("normal"))
    samples, legend = with_coding(samples, mask_values), None
    if classes is not None:
        samples, legend = _apart(samples, classes), Legend.of(3, ["background", *classes])
    return SegmentationSet("busi", samples, channels=3, citation=CITATION, split_by=split_by, legend=legend)


def _apart(samples: Sequence[Sample], classes: Sequence[str]) -> tuple[Sample, ...]:
    """The samples, the foreground of each of the class that its name says."""
    if sorted(classes) != sorted(KINDS):
        raise ConfigError(f"classes={classes!r} of 'busi' must be {list(KINDS)} in either order, or be left out")
    found = []
    for sample in samples:
        kind = next((kind for kind in (*KINDS, "normal") if sample.id.startswith(kind)), None)
        if kind is None or not isinstance(sample.coding, Binary | Soft):
            raise DataError(
                f"{sample.image} of 'busi' says no class: its name must begin with benign, malignant or normal, and its "
                "mask have one foreground"
            )
        label = 1 if kind == "normal" else 1 + list(classes).index(kind)
        found.append(replace(sample, coding=replace(sample.coding, label=label)))
    return tuple(found)
