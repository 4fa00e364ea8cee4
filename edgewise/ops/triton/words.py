"""The function on an edge as a text, since that is what an operator can be told; it stands in exported graphs, too."""

import json
from dataclasses import asdict
from functools import lru_cache

from edgewise._ground.torch_private import constant_in_graphs
from edgewise.bases.basis import BASES
from edgewise.ops.edge import EdgeFunction


@constant_in_graphs
def in_words(edge: EdgeFunction) -> str:
    """An edge as a text; the basis has to be a registered one, whose settings are plain values."""
    return _in_words(edge)


@lru_cache(maxsize=256)
def _in_words(edge: EdgeFunction) -> str:
    name = next(name for name in BASES if BASES[name] is type(edge.basis))
    basis = {"name": name, **asdict(edge.basis)}
    return json.dumps({"basis": basis, "base": edge.base, "grad_free": edge.grad_free})


@lru_cache(maxsize=256)
def from_words(words: str) -> EdgeFunction:
    """The edge that a text says."""
    return EdgeFunction(**json.loads(words))
