"""Attention by learnable functions, on the sums of the backend in use."""

from edgewise.ops.attention.definition import (
    Attention,
    Composed,
    Form,
    FullRank,
    LowRank,
    Projected,
    Simplex,
    project_to_simplex,
)
from edgewise.ops.attention.lean import attend

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
