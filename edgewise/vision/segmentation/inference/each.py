"""The way through all that is predicted: one after the other, and what cannot be used is noted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from edgewise._ground.errors import CheckpointError, ConfigError, DataError, NonFiniteError
from edgewise._ground.folders import make_folder
from edgewise._ground.progress import ProgressLine
from edgewise.vision.segmentation.inference.pictures import Picture

P = TypeVar("P", bound=Picture)


@dataclass(frozen=True)
class Predictions:
    """What became of each picture or scan."""

    masks: list[Path] = field(default_factory=list)
    """The masks written; the overlay of ``ID_mask.png`` or ``ID_mask.nii.gz`` is ``ID_overlay.png``."""
    failures: dict[Path, str] = field(default_factory=dict)
    """The pictures that could not be read, and why, in a line each."""

    def fail(self, path: Path, error: Exception) -> None:
        """Note why there is no mask of a picture."""
        self.failures[path] = str(error) if str(path) in str(error) else f"{path}: {error}"

    def summary(self) -> str:
        """How many masks were written."""
        return f"{len(self.masks)} of {len(self.masks) + len(self.failures)} masks written"


def write_each(pictures: Sequence[P], out_dir: str | Path, ending: str, write: Callable[[P, Path], None]) -> Predictions:
    """Write what is made of each picture; one that cannot be used is noted, and the others are done all the same.

    Args:
        pictures: What to go through.
        out_dir: Folder for the results; made if needed.
        ending: What masks have after the name of their pictures.
        write: Writes the results of a picture to that folder, its mask among them.

    Raises:
        CheckpointError: A file cannot be written, or the folder cannot be made.
    """
    out_dir = make_folder(out_dir)
    done, written = Predictions(), set[Path]()
    with ProgressLine("masks", len(pictures), shown=None, errors=True) as line:
        for picture in pictures:
            mask = picture.result(out_dir, ending)
            try:
                if mask in written:
                    raise DataError(f"{picture.path} would overwrite {mask}, which is of another of this name: rename it")
                write(picture, out_dir)
            except (DataError, ConfigError, NonFiniteError) as error:
                done.fail(picture.path, error)
            except CheckpointError as error:
                raise CheckpointError(f"{error}; {done.summary()} before") from error
            else:
                done.masks.append(mask)
                written.add(mask)
            line.step()
            line.say()
    return done
