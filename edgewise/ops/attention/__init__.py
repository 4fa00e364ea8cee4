"""Attention by learnable functions, on the sums of the backend in use."""

from torch import Tensor

from edgewise._ground.precision import as_written
from edgewise.ops.attention import lean, native, triton
from edgewise.ops.attention.definition import (
    Attention,
    Composed,
    Form,
    FullRank,
    LowRank,
    Projected,
    Simplex,
    Weights,
    project_to_simplex,
)
from edgewise.ops.backend import in_use

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


def attend(attention: Attention, q: Tensor, k: Tensor, v: Tensor, weights: Weights, mask=None) -> Tensor:
    """Attention of all heads, ``(b, heads, n, d)``; in float32 at least, under autocast too.

    Unless the backend is plain, only ``q``, ``k``, ``v`` and the weights are saved.

    Args:
        attention: What to compute.
        q: Queries ``(b, heads, n, d)``.
        k: Keys ``(b, heads, N, d)``.
        v: Values ``(b, heads, N, d)``.
        weights: Names and tensors, each ``(heads, ...)``.
        mask: True where a query sees a key, ``(b, n, N)``; None for everywhere.
    """
    with as_written(q):
        return in_use(_FORMS, q)(attention, q, k, v, mask, weights)


_FORMS = {
    "reference": Attention.plain,
    "plain": Attention.plain,
    "lean": lean.attend,
    "native": native.attend,
    "triton": triton.attend,
}
