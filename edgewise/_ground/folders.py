"""Folders for what is written."""

from pathlib import Path

from edgewise._ground.errors import CheckpointError


def file_in_the_way(folder: Path) -> Path | None:
    """What keeps a folder from being made: the file that its path is, or leads through."""
    there = next(part for part in (folder, *folder.parents) if part.exists())
    return None if there.is_dir() else there


def make_folder(path: str | Path) -> Path:
    """A folder for results, made if needed.

    Raises:
        CheckpointError: It cannot be made, or is a file.
    """
    folder = Path(path)
    if (file := file_in_the_way(folder)) is not None:
        raise CheckpointError(f"cannot make the folder {folder}, since {file} is a file: choose another name")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"cannot make the folder {folder} ({error.strerror}): choose another") from error
    return folder
