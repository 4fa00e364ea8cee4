"""Backends: ways of carrying out the ops. They never change the function, only its time and memory.

========== ==========================================================================================
reference  the definitions, plain autograd: what the others are compared with
plain      functions first, then the contraction, plain autograd
lean       the same arithmetic in chunks; saves only its input and the parameters
native     compiled kernels for B-splines on the CPU, as lean in memory; for everything else, lean
auto       the default: native where its kernels can be built, else lean
========== ==========================================================================================
The environment variable ``EDGEWISE_BACKEND`` names the one to start with.
"""

import os
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TypeVar

from edgewise._ground.registry import unknown
from edgewise.ops import native
from edgewise.ops.kan import definition as kan
from edgewise.ops.kan.lean import PlannedKAN
from edgewise.ops.kan.native import NativeKAN
from edgewise.ops.lean import run_lean
from edgewise.ops.plan import Plan
from edgewise.ops.sakan import definition as sakan
from edgewise.ops.sakan.lean import PlannedSaKAN
from edgewise.ops.sakan.native import NativeSaKAN

Form = TypeVar("Form")


class Reference:
    """The definitions; what has a plan only is carried out plainly."""

    linear, conv = staticmethod(kan.linear), staticmethod(kan.conv)
    shared_linear, shared_conv = staticmethod(sakan.linear), staticmethod(sakan.conv)
    execute = staticmethod(Plan.run)


class Planned(PlannedKAN, PlannedSaKAN):
    """All ops by plan; ``execute`` carries it out."""


class Native(NativeKAN, NativeSaKAN):
    """All ops by the work that B-splines need, degree + 1 functions an input, however fine the grid.

    There are kernels for layers of all kinds on B-splines of degree 1 to 5, and for fully connected layers on Chebyshev
    polynomials and Fourier series; in float32, float64 and bfloat16 (stored so, computed in float32), on the CPU, outside
    autocast and ``torch.func``. What they do not cover, the lean backend does.
    """


BACKENDS = {"reference": Reference(), "plain": Planned(), "lean": Planned(run_lean), "native": Native(run_lean)}


def _checked(name: str) -> str:
    if name != "auto" and name not in BACKENDS:
        raise unknown("backend", name, ["auto", *BACKENDS])
    return name


_START = _checked(os.environ.get("EDGEWISE_BACKEND") or "auto")
_statements: list["use_backend"] = []  # the last one holds, for the whole process
_block: ContextVar[str | None] = ContextVar("edgewise_backend", default=None)  # which counts more


class use_backend:
    """Choose the backend of all ops: as a statement for the process, in a ``with`` block for what runs inside it.

    A statement holds from here on and in all threads. A block holds for its own thread or asynchronous task alone, where it
    counts more than a statement; a statement within a block ends with the block. A backward pass is carried out by the
    backend of its forward pass, wherever it runs.

    Args:
        name: ``"reference"``, ``"plain"``, ``"lean"``, ``"native"`` or ``"auto"``.

    Raises:
        ConfigError: No backend has that name.
        BuildError: The native one was asked for by name, and cannot be built.

    Example:
        >>> with use_backend("reference"):
        ...     backend_in_use()
        'reference'
    """

    def __init__(self, name: str):
        if _checked(name) == "native":
            native.load()
        self.name, self._before = name, _block.get()
        if self._before is None:
            _statements.append(self)
        else:
            _block.set(name)

    def __enter__(self) -> None:
        if self in _statements:  # no statement after all
            _statements.remove(self)
        _block.set(self.name)

    def __exit__(self, *_) -> None:
        _block.set(self._before)


def chosen_backend() -> str:
    """The name that was chosen, which may be ``auto``."""
    return _block.get() or (_statements[-1].name if _statements else _START)


def backend_in_use() -> str:
    """The name of the backend that carries out the ops now; ``auto`` is resolved (and the kernels are built for it)."""
    name = chosen_backend()
    if name != "auto":
        return name
    return "native" if native.available() else "lean"


def in_use(forms: Mapping[str, Form]) -> Form:
    """Of the forms of an op, by the name of their backend, the one in use; nothing is built for ``auto``."""
    name = chosen_backend()
    return forms["native" if name == "auto" else name]  # which is lean where it has no kernels


def ops() -> Reference | Planned:
    """The ops (``linear``, ``conv``, ``shared_linear``, ``shared_conv``, ``execute``) of the backend in use."""
    return in_use(BACKENDS)
