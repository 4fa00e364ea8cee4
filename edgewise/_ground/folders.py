"""Folders for what is written."""

from pathlib import Path

from edgewise._ground.errors import CheckpointError


def make_folder(path: str | Path) -> Path:
    """A folder for results, made if needed.

    Raises:
        CheckpointError: It cannot be made, or is a file.
    """
    folder = Path(path)
    there = next(part for part in (folder, *folder.parents, Path(folder.anchor or ".")) if part.exists())
    if not there.is_dir():
        raise CheckpointError(f"cannot make the folder {folder}, since {there} is a file: choose another name")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"cannot make the folder {folder} ({error.strerror}): choose another") from error
    return folder
