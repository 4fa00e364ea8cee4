"""Published sets, told by the folders and names in which they were released."""

from collections.abc import Callable
from pathlib import Path

from edgewise.vision.data.busi import busi
from edgewise.vision.data.cvc import FRAMES, cvc
from edgewise.vision.data.dataset import SegmentationSet
from edgewise.vision.data.dsb2018 import dsb2018
from edgewise.vision.data.glas import glas
from edgewise.vision.data.layouts import below
from edgewise.vision.data.polyps import kvasir
from edgewise.vision.data.vessels import chase, drive


def find_known(root: Path) -> SegmentationSet | None:
    """The published set that lies in a folder, or in one of the folders in it, as it was released; None: it is none.

    Args:
        root: The folder.

    Raises:
        DataError: Its files are not all there.
    """
    for folder in (root, *below(root)):
        for read, looks in KNOWN.items():
            if looks(folder):
                return read(folder)
    return None


def _is_cvc(folder: Path) -> bool:
    frames = next((part / "Original" for part in (folder, folder / "PNG", folder / "TIF") if _has(part)), None)
    numbers = [path.stem for path in frames.iterdir() if not path.name.startswith(".")] if frames else []
    return bool(numbers) and all(number.isdecimal() and 1 <= int(number) <= FRAMES for number in numbers)


def _has(folder: Path) -> bool:
    return (folder / "Original").is_dir() and (folder / "Ground Truth").is_dir()


def _is_busi(folder: Path) -> bool:
    kinds = ("benign", "malignant")
    return any(
        all(any(folder.glob(pattern.format(kind=kind))) for kind in kinds)
        for pattern in ("{kind}/{kind}*_mask.png", "{kind}/images/{kind}*")
    )


KNOWN: dict[Callable[[Path], SegmentationSet], Callable[[Path], bool]] = {
    busi: _is_busi,
    cvc: _is_cvc,
    glas: lambda folder: any(folder.glob("train_*_anno.bmp")),
    kvasir: lambda folder: (folder / "kavsir_bboxes.json").is_file(),
    dsb2018: lambda folder: (folder / "stage1_train").is_dir(),
    drive: lambda folder: (folder / "training" / "1st_manual").is_dir(),
    chase: lambda folder: any(folder.glob("Image_*_1stHO.png")) or any(folder.glob("*/Image_*_1stHO.png")),
}
