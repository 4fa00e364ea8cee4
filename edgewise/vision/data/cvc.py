"""CVC-ClinicDB: polyps in frames of colonoscopy videos."""

from bisect import bisect_right
from dataclasses import replace
from pathlib import Path

from edgewise.vision.data.auto import MaskValues
from edgewise.vision.data.coded import with_coding
from edgewise.vision.data.dataset import DATASETS, SegmentationSet
from edgewise.vision.data.layouts import PLAIN, UKAN, pair, read_layout, read_plain, read_ukan
from edgewise.vision.data.sample import Sample
from edgewise.vision.data.splits import by_groups_if_known

CITATION = (
    "Bernal et al.: WM-DOVA maps for accurate polyp highlighting in colonoscopy. Computerized Medical Imaging and "
    "Graphics 43, 2015. Research and education only, cite."
)
STARTS = (
    *(1, 26, 51, 68, 79, 104, 127, 152, 178, 200, 206, 228, 253, 278, 298, 318, 343, 364, 384, 409, 429, 448, 467, 479),
    *(504, 529, 547, 572, 592),
)
"""The first frame of each of the 29 videos; looked at, frames differ at these borders and hardly within."""
FRAMES = 612


@DATASETS.register("cvc")
def cvc(root: str | Path | None = None, split_by: str | None = None, mask_values: MaskValues = "soft") -> SegmentationSet:
    """612 frames from 29 videos, numbered in the order of the videos.

    Layouts: as released, ``Original/1.tif`` and ``Ground Truth/1.tif`` (polyp.grand-challenge.org), or these in ``PNG`` and
    in ``TIF``, of which ``PNG`` is read (Kaggle); or as the U-KAN code keeps it, ``images/1.png``
    and ``masks/0/1.png``, also without the ``0``.

    Frames of one video are near copies. So by default a video is on one side of the split. The literature's division of
    single frames, ``published``, has the videos of all its 123 test frames in training and flatters every model.

    Args:
        root: The folder of the dataset, or the one around it.
        split_by: ``grouped`` by video or ``published``; None: ``grouped``, or ``published`` with a warning where names are
            not the release's frame numbers.
        mask_values: How masks are read, as by ``folder``; some have soft edges.
    """
    readers = {
        ("Original", "Ground Truth"): _read_released,
        ("PNG/Original", "PNG/Ground Truth"): lambda folder: _read_released(folder / "PNG"),
        UKAN: read_ukan,
        PLAIN: read_plain,
    }
    samples = tuple(replace(sample, group=_video(sample.id)) for sample in read_layout("cvc", root, readers))
    dataset = SegmentationSet("cvc", with_coding(samples, mask_values), channels=3, citation=CITATION)
    return by_groups_if_known(dataset, split_by, "video")


def _read_released(folder: Path) -> tuple[Sample, ...]:
    return pair(folder / "Original", folder / "Ground Truth", suffixes=("",))


def _video(frame: str) -> str | None:
    """The video of a frame, None where the name is no frame number of the release."""
    if not frame.isdecimal() or not 1 <= int(frame) <= FRAMES:
        return None
    return f"video {bisect_right(STARTS, int(frame))}"
