"""Backends: ways of carrying out the ops. They never change the function, only its time and memory.

========== ==========================================================================================
reference  the definitions, plain autograd: what the others are compared with
plain      functions first, then the contraction, plain autograd
lean       the same arithmetic in chunks; saves only its input and the parameters
auto       the default: lean
========== ==========================================================================================
"""

from contextvars import ContextVar

from edgewise._registry import unknown
from edgewise.ops import reference
from edgewise.ops.lean import run_lean
from edgewise.ops.plan import Planned

BACKENDS = {"reference": reference, "plain": Planned(), "lean": Planned(run_lean)}
_AUTO = "lean"
_chosen: ContextVar[str] = ContextVar("edgewise_backend", default="auto")


class use_backend:
    """Choose the backend of all ops, from here on or within a ``with`` block.

    Args:
        name: ``"reference"``, ``"plain"``, ``"lean"`` or ``"auto"``.

    Raises:
        ConfigError: No backend has that name.

    Example:
        >>> with use_backend("reference"):
        ...     backend_in_use()
        'reference'
        >>> backend_in_use()
        'lean'
    """

    def __init__(self, name: str):
        if name != "auto" and name not in BACKENDS:
            raise unknown("backend", name, ["auto", *BACKENDS])
        self._before = _chosen.get()
        _chosen.set(name)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_) -> None:
        _chosen.set(self._before)


def backend_in_use() -> str:
    """The name of the backend that carries out the ops now; ``auto`` is resolved."""
    name = _chosen.get()
    return _AUTO if name == "auto" else name


def ops():
    """The ops (``linear``, ``conv``, ``shared_linear``, ``shared_conv``) of the backend in use."""
    return BACKENDS[backend_in_use()]
