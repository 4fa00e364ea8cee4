"""The C++ kernels as a shared library: compiled when first needed, then kept.

The library lies in the cache folder under a name made of what it depends on: sources, flags, torch and the vector
instructions of this processor. Which compiler made it does not matter, so that a library that was built elsewhere serves
where there is none. Who builds it holds a lock that the system lets go when its process dies, and moves it into place
whole; beside it lies its checksum, so that a damaged file is built again.
"""

import hashlib
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from filelock import FileLock

from edgewise._ground.cache import cache_folder
from edgewise._ground.errors import EdgewiseError

SOURCES = Path(__file__).parent.parent  # all of ops: each kernel stands beside what it computes
_FLAGS = ["-O3", "-std=c++20", "-fPIC", "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-w"]
_CAPABILITIES = {  # flags of what torch calls the vector instructions of a processor
    "AVX512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma"],
    "AVX2": ["-mavx2", "-mfma", "-mf16c"],
}


class BuildError(EdgewiseError, RuntimeError):
    """The kernels could not be compiled or loaded here."""


def built_library() -> Path:
    """The library for this machine, compiled now if the cache has no sound one.

    Raises:
        BuildError: There is no compiler, it fails, or the cache folder cannot be written.
    """
    flags = [*_FLAGS, *_capability_flags(), _abi_flag()]
    folder = cache_folder() / f"native-{_fingerprint(flags)}"
    library = folder / "edgewise.so"
    if _sound(library):  # in a folder that need not be writable
        return library
    compiler = _compiler()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            if not _sound(library):
                _compile(compiler, [*flags, *_paths()], library)
    except OSError as error:
        raise BuildError(f"{folder} cannot be written ({error}): set EDGEWISE_CACHE to another folder") from error
    return library


def _compiler() -> list[str]:
    if sys.platform != "linux":  # compilers of other systems take other flags, which nobody has tried
        raise BuildError(f"the kernels are built on Linux only so far, and this is {sys.platform}")
    command = shlex.split(os.environ.get("CXX") or "c++")
    if shutil.which(command[0]) is None:
        raise BuildError(
            f"there is no compiler {command[0]!r}: install g++ or clang++ (Debian: apt install g++), or set CXX"
        )
    return command


def _capability_flags() -> list[str]:
    name = torch.backends.cpu.get_cpu_capability()
    known = name if name in _CAPABILITIES else "DEFAULT"
    return [f"-DCPU_CAPABILITY={known}", f"-DCPU_CAPABILITY_{known}", *_CAPABILITIES.get(known, [])]


def _abi_flag() -> str:
    return f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"


def _paths() -> list[str]:
    home = Path(torch.__file__).parent
    includes = [home / "include", home / "include/torch/csrc/api/include"]
    return [f"-I{SOURCES}", *(f"-isystem{path}" for path in includes), f"-L{home / 'lib'}", f"-Wl,-rpath,{home / 'lib'}"]


def _sources(*suffixes: str) -> list[Path]:
    return sorted(path for path in SOURCES.rglob("*") if path.suffix in suffixes)


def _fingerprint(flags: list[str]) -> str:
    facts = [torch.__version__, sys.platform, platform.machine(), *flags]
    facts += [str(path.relative_to(SOURCES)) + path.read_text() for path in _sources(".h", ".cpp")]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]


def _sound(library: Path) -> bool:
    checksum = library.with_suffix(".sha256")
    try:
        return checksum.read_text() == _checksum(library)
    except OSError:  # one is not there, or in the hands of another process
        return False


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _compile(compiler: list[str], flags: list[str], library: Path) -> None:
    print("edgewise: compiling its CPU kernels, once (about half a minute)", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        objects = {path: f"{folder}/{path.parent.name}-{path.stem}.o" for path in _sources(".cpp")}
        _run_all([[*compiler, *flags, "-c", str(path), "-o", made_object] for path, made_object in objects.items()])
        # OpenMP is not linked: its calls must reach the one that torch has loaded, or there would be two sets of threads
        link = [flag for flag in flags if flag != "-fopenmp"]
        _run_all([[*compiler, *link, "-shared", *objects.values(), "-o", str(made), "-ltorch_cpu", "-lc10"]])
        library.with_suffix(".sha256").write_text(_checksum(made))
        os.replace(made, library)


def _run_all(commands: list[list[str]]) -> None:
    """Run compilers beside each other; the first words of what failed go into the error."""
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for command in commands
    ]
    outputs = [process.communicate()[0] for process in running]
    for command, process, output in zip(commands, running, outputs, strict=True):
        if process.returncode:
            raise BuildError(f"{command[0]} fails on the kernels: {_reason(process.returncode, output)}")


def _reason(code: int, output: str) -> str:
    """Why a compiler failed: a signal that killed it or what it started, its first error, or its last words."""
    words = output.strip()
    by = -code if code < 0 else code - 128 if code > 128 else 0  # shells add 128
    if by in signal.valid_signals() and by:
        return f"killed by signal {by} ({signal.strsignal(by)}), as where memory runs out: free some, or build elsewhere"
    for line in output.splitlines():
        if "error" in line:
            return line
    return words[-200:] or f"it ends with code {code} and says nothing"
