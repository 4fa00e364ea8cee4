"""Nodes that multiply subnodes, and the scales and biases around nodes."""

from collections.abc import Sequence

import torch
from torch import Tensor


def factor_table(sums: int, arities: Sequence[int], device: torch.device | None = None) -> Tensor:
    """Which subnodes each product takes, ``(largest arity, products)``; what is missing points to a one behind them.

    Example:
        >>> factor_table(1, [2, 3]).tolist()
        [[1, 3], [2, 4], [6, 5]]
    """
    table = torch.full((max(arities, default=0), len(arities)), sums + sum(arities), device=device)
    first = sums
    for column, arity in enumerate(arities):
        table[:arity, column] = torch.arange(first, first + arity, device=device)
        first += arity
    return table


def products(y: Tensor, table: Tensor) -> Tensor:
    """Subnodes ``(N, subnodes)`` to products ``(N, products)``.

    Example:
        >>> products(torch.tensor([[9.0, 2.0, 3.0]]), factor_table(1, [2]))
        tensor([[6.]])
    """
    padded = torch.cat([y, y.new_ones(y.shape[0], 1)], 1)
    product = padded[:, table[0]]
    for column in table[1:]:
        product = product * padded[:, column]
    return product


def unit_affine(subnodes: int, nodes: int, factory: dict) -> dict[str, Tensor]:
    """Scales of one and biases of zero, for subnodes and for nodes."""
    sizes, starts = {"subnode": subnodes, "node": nodes}, {"scale": 1.0, "bias": 0.0}
    return {f"{n}_{s}": torch.full((sizes[n],), starts[s], **factory) for n in sizes for s in starts}
