"""The runs that a command line names, by themselves or by the folder that they lie in."""

from collections.abc import Iterable
from pathlib import Path

from edgewise.vision.training.files import RunFiles


def members_of(paths: Iterable[str | Path]) -> list[Path]:
    """Each path, and in the place of a folder of runs, all of these by name.

    Example:
        >>> members_of(["runs/first", "model.onnx"])
        [PosixPath('runs/first'), PosixPath('model.onnx')]
    """
    members: list[Path] = []
    for path in map(Path, paths):
        inside = [] if _is_run(path) or not path.is_dir() else sorted(filter(_is_run, path.iterdir()))
        members += inside or [path]
    return members


def is_member(path: Path) -> bool:
    """Whether it is a run, a folder of runs or an ONNX file, and no pictures."""
    return path.suffix == ".onnx" or _is_run(members_of([path])[0])


def _is_run(path: Path) -> bool:
    return RunFiles(path).config.is_file()
