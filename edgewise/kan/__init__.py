"""Networks that people read: fitted to tables, pruned, drawn, turned into formulas."""

from edgewise.kan.discovery.discover import discover
from edgewise.kan.discovery.knowledge import Knowledge
from edgewise.kan.discovery.result import Discovery
from edgewise.kan.functions import FUNCTIONS, Function, register_function
from edgewise.kan.kan import KAN
from edgewise.kan.kanpiler import kanpiler
from edgewise.kan.layer import KANLayer
from edgewise.kan.network import Network, Trace
from edgewise.kan.pykan import from_pykan
from edgewise.kan.symbolic import SymbolicEdges

__all__ = [
    "FUNCTIONS",
    "KAN",
    "Discovery",
    "Function",
    "KANLayer",
    "Knowledge",
    "Network",
    "SymbolicEdges",
    "Trace",
    "discover",
    "from_pykan",
    "kanpiler",
    "register_function",
]
