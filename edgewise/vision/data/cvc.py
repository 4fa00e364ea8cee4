"""CVC-ClinicDB: polyps in frames of colonoscopy videos."""

from dataclasses import replace
from pathlib import Path

from edgewise.vision.data.dataset import DATASETS, SegmentationSet
from edgewise.vision.data.layouts import UKAN, pair, read_layout, read_ukan
from edgewise.vision.data.sample import Sample

CITATION = (
    "Bernal et al.: WM-DOVA maps for accurate polyp highlighting in colonoscopy. Computerized Medical Imaging and "
    "Graphics 43, 2015. Research and education only, cite."
)
BLOCK = 20


@DATASETS.register("cvc")
def cvc(root: str | Path | None = None, split_by: str = "published") -> SegmentationSet:
    """612 frames from about 30 videos, numbered in the order of the videos.

    Layouts: as released, ``Original/1.tif`` and ``Ground Truth/1.tif``; or as the U-KAN code keeps it, ``images/1.png``
    and ``masks/0/1.png``.

    Frames of one video are near copies, so the ``published`` division of single frames puts one scene on both sides and
    flatters every model. ``grouped`` draws blocks of 20 consecutive frames, about the length of a video, instead. The
    release does not say where a video ends, so two blocks can still share one: less leaks, not nothing.

    Args:
        root: The folder of the dataset, or the one around it.
        split_by: ``published`` or ``grouped``.
    """
    samples = read_layout("cvc", root, {("Original", "Ground Truth"): _read_released, UKAN: read_ukan})
    samples = tuple(replace(sample, group=_block(sample.id)) for sample in samples)
    return SegmentationSet("cvc", samples, channels=3, citation=CITATION, split_by=split_by)


def _read_released(folder: Path) -> tuple[Sample, ...]:
    return pair(folder / "Original", folder / "Ground Truth", suffixes=("",))


def _block(frame: str) -> str | None:
    return f"frames {(int(frame) - 1) // BLOCK * BLOCK + 1} on" if frame.isdecimal() else None
