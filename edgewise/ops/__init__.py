"""Ops: how a layer of edges is summed. ``reference`` is the definition; every backend equals it."""

from edgewise.ops.backend import BACKENDS, backend_in_use, ops, use_backend
from edgewise.ops.edge import BASE_FUNCTIONS, EdgeFunction
from edgewise.ops.window import PADDING_MODES, Window

__all__ = [
    "BACKENDS",
    "BASE_FUNCTIONS",
    "PADDING_MODES",
    "EdgeFunction",
    "Window",
    "backend_in_use",
    "ops",
    "use_backend",
]
