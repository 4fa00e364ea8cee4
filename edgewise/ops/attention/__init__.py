"""Attention by learnable functions: what a row becomes (forms), and how rows are walked over (tiles)."""

from edgewise.ops.attention.forms import Composed, Form, FullRank, LowRank, Projected, Simplex, project_to_simplex
from edgewise.ops.attention.tiles import Attention, attend

__all__ = [
    "Attention",
    "Composed",
    "Form",
    "FullRank",
    "LowRank",
    "Projected",
    "Simplex",
    "attend",
    "project_to_simplex",
]
