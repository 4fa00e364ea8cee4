"""The shape of a network as its users write it: widths, bases, masks."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from edgewise._errors import ConfigError
from edgewise.bases import Basis, BSpline

Width = Sequence[int | Sequence]


def nearest_pairs(inputs: int, outputs: int) -> Tensor:
    """Each input with its nearest output and each output with its nearest input, both spread evenly over one line.

    Example:
        >>> nearest_pairs(2, 4).int().tolist()
        [[1, 0], [1, 0], [0, 1], [0, 1]]
    """
    distance = ((torch.arange(outputs) + 0.5).unsqueeze(1) / outputs - (torch.arange(inputs) + 0.5) / inputs).abs()
    mask = torch.zeros(outputs, inputs, dtype=torch.bool)
    mask[distance.argmin(0), torch.arange(inputs)] = True
    mask[torch.arange(outputs), distance.argmin(1)] = True
    return mask


def parse_width(width: Width, mult_arity: int | Sequence[Sequence[int]]) -> list[tuple[int, tuple[int, ...]]]:
    """For each entry, how many nodes add and the arities of those that multiply."""
    if not isinstance(width, Sequence) or isinstance(width, str) or len(width) < 2:
        raise ConfigError(f"width must name at least the inputs and the outputs, such as [2, 5, 1], got {width}")
    nodes = []
    for place, entry in enumerate(width):
        sums, products = (entry, 0) if not isinstance(entry, Sequence) else entry if len(entry) == 2 else (entry, None)
        if products is None:
            raise ConfigError(f"an entry of width must be n or [n, m], got {entry}")
        if not isinstance(products, Sequence):
            shared = isinstance(mult_arity, int)
            products = [mult_arity] * products if shared else list(mult_arity[place]) if place < len(mult_arity) else []
        if place == 0 and products:
            raise ConfigError(f"inputs are not multiplied: the first entry of width must be a number, got {entry}")
        nodes.append((sums, tuple(products)))
        if sums + len(products) < 1:
            raise ConfigError(f"each entry of width needs at least 1 node, got {entry} in {list(width)}")
    return nodes


def parse_bases(
    basis: Basis | Sequence[Basis], grid: int | Sequence[int] | None, k: int | None, layers: int
) -> list[Basis]:
    """The basis of each layer."""
    bases = [basis] * layers if isinstance(basis, Basis) else list(basis)
    grids = list(grid) if isinstance(grid, Sequence) else [grid] * layers
    if len(bases) != layers or len(grids) != layers:
        raise ConfigError(f"{layers} layers need so many bases and grids, got {len(bases)} and {len(grids)}")
    changes = [{"grid_size": g, "degree": k} for g in grids]
    changes = [{name: value for name, value in change.items() if value is not None} for change in changes]
    if any(changes) and not all(isinstance(b, BSpline) for b in bases):
        raise ConfigError(f"grid and k are for B-splines; give {type(bases[0]).__name__} its own settings in basis")
    return [replace(b, **change) if change else b for b, change in zip(bases, changes, strict=True)]
