"""What was measured, in a file that outlives the process: one record for each unit of work, by device and versions."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

import edgewise
from edgewise.io import atomic_write

Record = dict[str, Any]
"""What a unit found; with ``failed``, which says why, where it is not what it should be."""


class Results:
    """The records of one device and its versions, in a JSON file that holds those of others too.

    Several processes may write it at once.

    Args:
        path: The file; it need not exist.
        key: Of the device and the versions, such as :func:`here` makes it.
    """

    def __init__(self, path: Path, key: str):
        self.path, self.key = path, key
        path.parent.mkdir(parents=True, exist_ok=True)

    def all(self) -> dict[str, Record]:
        """Of all units that have one, as the file says now: another process may write it."""
        return self._file().get(self.key, {})

    def keep(self, name: str, record: Record) -> None:
        """Write the record of a unit."""
        with self._locked():
            self._write(self.all() | {name: record})

    def forget(self, names: set[str]) -> None:
        """So that these units run again."""
        with self._locked():
            self._write({name: record for name, record in self.all().items() if name not in names})

    def _locked(self) -> FileLock:
        return FileLock(self.path.with_suffix(".lock"))

    def _write(self, records: Mapping[str, Record]) -> None:
        atomic_write(self.path, (json.dumps(self._file() | {self.key: records}, indent=1) + "\n").encode())

    def _file(self) -> dict[str, dict[str, Record]]:
        return json.loads(self.path.read_text()) if self.path.exists() else {}


def failure(record: Record) -> str | None:
    """Why a unit failed; None if it did not."""
    return record.get("failed")


def here(device: torch.device) -> str:
    """The device and all versions that numbers depend on; of this package the digest of its source."""
    import triton

    root = Path(edgewise.__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*root.rglob("*.py"), *Path(__file__).parent.rglob("*.py")]):
        digest.update(path.read_bytes())
    runtime = f"ROCm {torch.version.hip}" if torch.version.hip else f"CUDA {torch.version.cuda}"
    parts = [torch.cuda.get_device_name(device), runtime, f"torch {torch.__version__}", f"triton {triton.__version__}"]
    return ", ".join([*parts, f"edgewise {version('edgewise')} ({digest.hexdigest()[:10]})"])
