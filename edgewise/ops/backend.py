"""Backends: ways of carrying out the ops. They never change the function, only its time and memory.

========== ==========================================================================================
reference  the definitions, plain autograd: what the others are compared with
plain      functions first, then the contraction, plain autograd
lean       the same arithmetic in chunks; saves only its input and the parameters
native     compiled kernels for B-splines on the CPU, as lean in memory; for everything else, lean
triton     kernels for GPUs (CUDA and ROCm), as lean in memory; for what they do not cover, lean
auto       the default: triton for tensors on a GPU, native on the CPU, lean elsewhere and where those cannot run
========== ==========================================================================================
The environment variable ``EDGEWISE_BACKEND`` names the one to start with.
"""

import os
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TypeVar

import torch
from torch import Tensor
from torch.types import Device

from edgewise._ground.registry import unknown
from edgewise.ops import native, triton
from edgewise.ops.kan import definition as kan
from edgewise.ops.kan.lean import PlannedKAN
from edgewise.ops.kan.native import NativeKAN
from edgewise.ops.kan.triton import TritonKAN
from edgewise.ops.lean import run_lean
from edgewise.ops.plan import Plan
from edgewise.ops.sakan import definition as sakan
from edgewise.ops.sakan.lean import PlannedSaKAN
from edgewise.ops.sakan.native import NativeSaKAN
from edgewise.ops.sakan.triton import TritonSaKAN

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


class Triton(TritonKAN, TritonSaKAN):
    """All ops on GPUs: the functions are evaluated where a matrix product needs them, and never stored.

    There are kernels for fully connected layers, for convolutions and for layers with shared functions, in float32,
    float16, bfloat16 and under autocast; outside ``torch.func``. What they do not cover, the lean backend does.
    """


BACKENDS = {
    "reference": Reference(),
    "plain": Planned(),
    "lean": Planned(run_lean),
    "native": Native(run_lean),
    "triton": Triton(run_lean),
}
_OF_DEVICE = {"cpu": "native", "cuda": "triton"}  # the backends with kernels; ROCm calls its devices cuda, too


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
        name: ``"reference"``, ``"plain"``, ``"lean"``, ``"native"``, ``"triton"`` or ``"auto"``.

    Raises:
        ConfigError: No backend has that name; or it is ``"triton"``, and there is no Triton or no GPU.
        BuildError: The native one was asked for by name, and cannot be built.

    Example:
        >>> with use_backend("reference"):
        ...     backend_in_use()
        'reference'
    """

    def __init__(self, name: str):
        if _checked(name) == "native":
            native.load()
        if name == "triton":
            triton.check_here()
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


def backend_in_use(device: Device = "cpu") -> str:
    """The name of the backend that carries out the ops on tensors of a device; ``auto`` is resolved.

    For that, kernels are built if they are to be used.
    """
    name, device = chosen_backend(), torch.device(device or "cpu")
    if name != "auto":
        return name
    name = _resolved(device)
    can_run = {"native": native.available, "triton": lambda: triton.available(device), "lean": lambda: True}
    return name if can_run[name]() else "lean"


def backends_for(device: Device) -> list[str]:
    """Names of all backends but those whose kernels are for devices of another kind."""
    kernels = _OF_DEVICE.get(torch.device(device or "cpu").type)
    return [name for name in BACKENDS if name not in _OF_DEVICE.values() or name == kernels]


def _resolved(device: torch.device) -> str:
    """The backend chosen for tensors of a device, which is lean where it has no kernels; nothing is built for ``auto``."""
    name = chosen_backend()
    return _OF_DEVICE.get(device.type, "lean") if name == "auto" else name


def in_use(forms: Mapping[str, Form], x: Tensor) -> Form:
    """Of the forms of an op, by the name of their backend, the one in use for tensors that lie where ``x`` does."""
    return forms[_resolved(x.device)]


def ops(x: Tensor) -> Reference | Planned:
    """The ops (``linear``, ``conv``, ``shared_linear``, ``shared_conv``, ``execute``) of the backend in use for ``x``."""
    return in_use(BACKENDS, x)
