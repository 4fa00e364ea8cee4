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

from edgewise._registry import unknown
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
_chosen: ContextVar[str] = ContextVar("edgewise_backend", default=_START)


class use_backend:
    """Choose the backend of all ops, from here on or within a ``with`` block.

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
        self._before = _chosen.get()
        _chosen.set(name)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_) -> None:
        _chosen.set(self._before)


def backend_in_use() -> str:
    """The name of the backend that carries out the ops now; ``auto`` is resolved (and the kernels are built for it)."""
    name = _chosen.get()
    if name != "auto":
        return name
    return "native" if native.available() else "lean"


def in_use(forms: Mapping[str, Form]) -> Form:
    """Of the forms of an op, by the name of their backend, the one in use; nothing is built for ``auto``."""
    name = _chosen.get()
    return forms["native" if name == "auto" else name]  # which is lean where it has no kernels


def ops() -> Reference | Planned:
    """The ops (``linear``, ``conv``, ``shared_linear``, ``shared_conv``, ``execute``) of the backend in use."""
    return in_use(BACKENDS)
