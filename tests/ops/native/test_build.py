"""Building and keeping the library: with sources of one line, which compile in a moment."""

import os
import signal
import subprocess
import sys
import time
import warnings

import pytest
import torch

from edgewise import EdgewiseWarning, use_backend
from edgewise.nn import KANLinear
from edgewise.ops import native
from edgewise.ops.native import build
from edgewise.ops.native.build import BuildError, built_library


@pytest.fixture(autouse=True)
def _small(kernels, tmp_path, monkeypatch):
    sources = tmp_path / "csrc"
    sources.mkdir()
    (sources / "one.cpp").write_text('extern "C" int one() { return 1; }\n')
    monkeypatch.setattr(build, "SOURCES", sources)
    monkeypatch.setenv("EDGEWISE_CACHE", str(tmp_path / "cache"))


def test_built_once_and_kept(capfd):
    first = built_library()
    stamp = first.stat().st_mtime_ns
    assert built_library() == first
    assert first.stat().st_mtime_ns == stamp
    assert capfd.readouterr().err.count("compiling its CPU kernels, once") == 1


def test_other_sources_and_flags_are_another_library(monkeypatch):
    first = built_library()
    (build.SOURCES / "one.cpp").write_text('extern "C" int one() { return 2; }\n')
    second = built_library()
    monkeypatch.setattr(build, "_FLAGS", [*build._FLAGS, "-DOTHER"])
    assert len({first, second, built_library()}) == 3


def damage(library):
    library.write_bytes(library.read_bytes()[:-100])


def forget(library):
    library.with_suffix(".sha256").unlink()


@pytest.mark.parametrize(
    "harm", [damage, forget, lambda library: library.write_bytes(b""), lambda library: library.unlink()]
)
def test_a_damaged_library_is_built_again(harm):
    library = built_library()
    sound = library.read_bytes()
    harm(library)
    assert built_library() == library
    assert library.read_bytes()[:4] == sound[:4] == b"\x7fELF"
    assert build._sound(library)


@pytest.mark.parametrize("writable", [True, False])
def test_a_library_in_the_cache_serves_without_a_compiler(writable, monkeypatch):
    library = built_library()
    monkeypatch.setenv("CXX", "no-such-compiler")
    if not writable:  # nobody may lock it, root neither

        def refuse(path):
            raise OSError(f"{path} is read-only")

        monkeypatch.setattr(build, "FileLock", refuse)
    assert built_library() == library


def test_another_compiler_makes_the_same_library(tmp_path, monkeypatch):
    library = built_library()
    monkeypatch.setenv("CXX", slow_compiler(tmp_path, 0))
    assert built_library() == library
    assert not (tmp_path / "compiled").exists()


def test_no_compiler_is_said_with_what_to_install(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BuildError, match=r"there is no compiler 'no-such-compiler': install g\+\+"):
        built_library()


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_systems_on_which_nobody_has_built_them_are_named(system, monkeypatch):
    monkeypatch.setattr(build.sys, "platform", system)
    with pytest.raises(BuildError, match=f"built on Linux only so far, and this is {system}"):
        built_library()


def test_a_compiler_that_fails_is_quoted(tmp_path):
    (build.SOURCES / "one.cpp").write_text("int one() { return x; }\n")
    with pytest.raises(BuildError, match=r"fails on the kernels: .* was not declared"):
        built_library()
    assert not list((tmp_path / "cache").rglob("*.so"))


def broken_compiler(tmp_path, command: str) -> str:
    script = tmp_path / "broken-c++"
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("kill -KILL $$", r"killed by signal 9 \(Killed\), as where memory runs out"),
        ("sh -c 'kill -SEGV $$'; exit $?", r"killed by signal 11 \(Segmentation fault\)"),
        ("exit 3", "it ends with code 3 and says nothing"),
        ("echo no licence; exit 1", "no licence"),
    ],
)
def test_a_compiler_that_dies_is_told_from_one_that_refuses(command, reason, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", broken_compiler(tmp_path, command))
    with pytest.raises(BuildError, match=f"broken-c\\+\\+ fails on the kernels: {reason}"):
        built_library()


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGEWISE_CACHE", str(tmp_path / "file"))
    with pytest.raises(BuildError, match=r"cannot be written .*set EDGEWISE_CACHE to another folder"):
        built_library()


BUILD = """
import pathlib, sys
from edgewise.ops.native import build
build.SOURCES = pathlib.Path(sys.argv[1])
print(build.built_library())
"""


def start(**environment) -> subprocess.Popen:
    command = [sys.executable, "-c", BUILD, str(build.SOURCES)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def slow_compiler(tmp_path, seconds: float) -> str:
    """Notes each time that it compiles, and takes its time."""
    script = tmp_path / "slow-c++"
    script.write_text(
        f'#!/bin/sh\ncase " $* " in *" -c "*) echo x >> {tmp_path}/compiled; sleep {seconds};; esac\nexec c++ "$@"\n'
    )
    script.chmod(0o755)
    return str(script)


def test_several_processes_build_once(tmp_path):
    compiler = slow_compiler(tmp_path, 1)
    outputs = [process.communicate() for process in [start(CXX=compiler) for _ in range(3)]]
    assert len({out for out, _ in outputs}) == 1
    assert outputs[0][0].strip().endswith("edgewise.so"), outputs
    assert (tmp_path / "compiled").read_text().count("x") == 1


def test_after_a_process_killed_while_building_the_next_one_builds(tmp_path, monkeypatch):
    with start(CXX=slow_compiler(tmp_path, 60)) as killed:
        while not (tmp_path / "compiled").exists():
            assert killed.poll() is None, killed.communicate()
            time.sleep(0.05)
        os.kill(killed.pid, signal.SIGKILL)
    monkeypatch.setenv("CXX", slow_compiler(tmp_path, 0))
    library = built_library()
    assert build._sound(library)
    assert len(list((tmp_path / "cache").iterdir())) == 1  # the very folder that was left half done


def test_without_kernels_there_is_one_warning_and_the_lean_backend(monkeypatch):
    monkeypatch.setattr(native.library, "_loaded", False)
    monkeypatch.setattr(native.library, "_problem", None)
    monkeypatch.setenv("CXX", "no-such-compiler")
    layer, x = KANLinear(3, 2), torch.randn(4, 3)
    with pytest.warns(EdgewiseWarning, match="slower lean backend, since there is no compiler"):
        first = layer(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(layer(x), first)
    with pytest.raises(BuildError, match="there is no compiler"):
        use_backend("native")
