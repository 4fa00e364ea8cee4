import dataclasses
import hashlib
import io
import json
import subprocess
import tarfile

import pytest

from edgewise._ground.errors import DataError
from edgewise.vision.data import packages
from edgewise.vision.data.packages import Package

CONTENT = {"a.bin": b"first", "b.json": b"[2]"}


def tar(prefix: str, mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in {**CONTENT, "../outside": b"never"}.items():
            info = tarfile.TarInfo(prefix + name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def deb() -> bytes:
    """An ar archive as dpkg makes it, one member of odd length."""
    archive = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0"), ("control.tar.xz", b"x" * 7), ("data.tar.xz", tar("./usr/", "w:xz"))):
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        archive += header + content + b"\n" * (len(content) % 2)
    return archive


@pytest.fixture(params=["npm", "deb"])
def package(request, tmp_path, monkeypatch):
    """A package of each kind, the client that brings it, and an empty cache."""
    content, end, prefix = {
        "npm": (tar("package/", "w:gz"), "tgz", "package/"), "deb": (deb(), "deb", "./usr/")
    }[request.param]  # fmt: skip
    monkeypatch.setenv("EDGEWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(packages.shutil, "which", lambda name: f"/bin/{name}")
    calls = []

    def client(command, cwd, **_):
        calls.append(command)
        (cwd / f"some.{end}").write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(packages.subprocess, "run", client)
    files = {name: prefix + name for name in CONTENT}
    return Package(request.param, "some", "1~2", hashlib.sha256(content).hexdigest(), files), calls


def test_fetched_once_and_only_what_is_named(package, tmp_path):
    package, calls = package
    folder = package.fetch()
    assert folder == package.fetch() == tmp_path / "cache" / "some-1-2"
    assert {path.name for path in folder.iterdir()} == {*CONTENT, "manifest.json"}
    assert all((folder / name).read_bytes() == content for name, content in CONTENT.items())
    assert json.loads((folder / "manifest.json").read_text())["a.bin"] == hashlib.sha256(b"first").hexdigest()
    assert len(calls) == 1
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_file_is_fetched_again(package, damage):
    package, calls = package
    path = package.fetch() / "b.json"
    path.write_bytes(b"[3]") if damage == "changed" else path.unlink()
    assert (package.fetch() / "b.json").read_bytes() == b"[2]"
    assert len(calls) == 2


@pytest.mark.parametrize("content", ["", "[2]", "2"])
def test_a_manifest_that_cannot_be_read_is_fetched_again(package, content):
    package, calls = package
    path = package.fetch() / "manifest.json"
    path.write_text(content)
    assert package.fetch() == path.parent
    assert json.loads(path.read_text())["b.json"] == hashlib.sha256(b"[2]").hexdigest()
    assert len(calls) == 2


def test_another_archive_is_refused(package, tmp_path):
    package, _ = package
    with pytest.raises(DataError, match=r"fetched a some\.\w+ of SHA-256 \w+, not 000; check its registry"):
        dataclasses.replace(package, sha256="000").fetch()
    assert not list(tmp_path.rglob("a.bin"))


def test_a_folder_where_a_file_should_be_is_refused(package, monkeypatch):
    package, _ = package
    monkeypatch.setattr(tarfile.TarFile, "extractfile", lambda archive, member: None)  # as of a folder
    with pytest.raises(DataError, match="in some 1~2 is no file"):
        package.fetch()


def test_a_failing_client_and_a_missing_one_are_one_sentence(package, monkeypatch):
    package, _ = package
    fail = lambda command, **_: subprocess.CompletedProcess(command, 1, "", "noise\nno route\n")  # noqa: E731
    monkeypatch.setattr(packages.subprocess, "run", fail)
    with pytest.raises(DataError, match=r"could not fetch some 1~2 \(no route\); check"):
        package.fetch()
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    with pytest.raises(DataError, match="is needed to fetch some and is not installed; install it, or give root"):
        package.fetch()


def test_a_cache_that_cannot_be_written(package, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGEWISE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written .*; set EDGEWISE_CACHE to another"):
        package[0].fetch()
