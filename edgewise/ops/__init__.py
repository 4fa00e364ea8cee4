"""Ops: how a layer of edges is summed.

One folder an op: ``kan`` (a function an edge), ``sakan`` (shared functions), ``rational``, ``attention``. In each of them
``definition`` says what is computed; ``lean``, ``native`` and ``triton`` compute the same in less memory and time. What
they share stands here. The order, each built on those before it: edges, windows and plans; kan; sakan; the backends;
rational and attention, which run on the backend in use.
"""

from edgewise.ops.backend import BACKENDS, backend_in_use, backends_for, ops, use_backend
from edgewise.ops.edge import BASE_FUNCTIONS, BaseFunction, EdgeFunction
from edgewise.ops.window import PADDING_MODES, Window

__all__ = [
    "BACKENDS",
    "BASE_FUNCTIONS",
    "PADDING_MODES",
    "BaseFunction",
    "EdgeFunction",
    "Window",
    "backend_in_use",
    "backends_for",
    "ops",
    "use_backend",
]
