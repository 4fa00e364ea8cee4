"""The shape of a network as its users write it: widths, bases, masks."""

from collections.abc import Sequence
from dataclasses import replace
from operator import index

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.bases import Basis, BSpline
from edgewise.models.registry import read_bases

Width = Sequence[int | Sequence]
DEFAULT_BASIS = BSpline(outside="linear")
"""Of networks that are fitted: a spline goes on along its tangent, where beyond a moved grid it would fall to zero."""


def check_hidden(hidden: object) -> None:
    """Refuse what does not list the nodes of hidden layers.

    Raises:
        ConfigError: It is no list.
    """
    if hidden is not None and (isinstance(hidden, str) or not isinstance(hidden, Sequence)):
        raise ConfigError(f"hidden lists the nodes of each hidden layer, such as (5,) or (), got {hidden!r}")


def nearest_pairs(inputs: int, outputs: int) -> Tensor:
    """Each input with its nearest output and each output with its nearest input, both spread evenly over one line.

    Example:
        >>> nearest_pairs(2, 4).int().tolist()
        [[1, 0], [1, 0], [0, 1], [0, 1]]
    """
    ends, starts = (2 * torch.arange(n) + 1 for n in (outputs, inputs))  # whole numbers: ties go to the first
    distance = (ends.unsqueeze(1) * inputs - starts * outputs).abs()
    mask = torch.zeros(outputs, inputs, dtype=torch.bool)
    mask[distance.argmin(0), torch.arange(inputs)] = True
    mask[torch.arange(outputs), distance.argmin(1)] = True
    return mask


def parse_width(width: Width, mult_arity: int | Sequence[Sequence[int]]) -> list[tuple[int, tuple[int, ...]]]:
    """For each entry, how many nodes add and the arities of those that multiply.

    Example:
        >>> parse_width([2, [1, 2], [0, [3]]], mult_arity=2)
        [(2, ()), (1, (2, 2)), (0, (3,))]
    """
    width = getattr(width, "tolist", lambda: width)()  # of an array too
    if not isinstance(width, Sequence) or isinstance(width, str) or len(width) < 2:
        raise ConfigError(f"width must name at least the inputs and the outputs, such as [2, 5, 1], got {width}")
    nodes = []
    for place, entry in enumerate(width):
        sums, products = _parse_entry(entry)
        if isinstance(products, int):
            products = _arities(products, mult_arity, place)
        if place == 0 and products:
            raise ConfigError(f"inputs are not multiplied: the first entry of width must be a number, got {entry}")
        if sums < 0 or sums + len(products) < 1:
            raise ConfigError(f"each entry of width needs at least 1 node, got {entry} in {list(width)}")
        nodes.append((sums, products))
    return nodes


def _parse_entry(entry) -> tuple[int, int | tuple[int, ...]]:
    """How many nodes add, and how many multiply or what arities they have, as ints of Python."""
    try:
        if not isinstance(entry, Sequence):
            return index(entry), 0
        sums, products = entry
        return index(sums), tuple(map(index, products)) if isinstance(products, Sequence) else index(products)
    except (TypeError, ValueError):
        raise ConfigError(f"an entry of width must be n, [n, m] or [n, [arity, ...]], got {entry}") from None


def _arities(products: int, mult_arity: int | Sequence[Sequence[int]], place: int) -> tuple[int, ...]:
    """What each of the products at one place multiplies."""
    if not isinstance(mult_arity, Sequence):
        return (index(mult_arity),) * products
    own = mult_arity[place] if place < len(mult_arity) else ()
    if not isinstance(own, Sequence) or len(own) != products:
        raise ConfigError(
            f"mult_arity must be a number, or for each entry of width a list of one number a node that multiplies: "
            f"place {place} has {products} of them, got {mult_arity}"
        )
    return tuple(map(index, own))


def parse_bases(
    basis: Basis | Sequence[Basis], grid: int | Sequence[int] | None, k: int | None, layers: int
) -> list[Basis]:
    """The basis of each layer; the default one clamps if it is given a degree of which it has no tangent."""
    given = read_bases(basis)
    if given == DEFAULT_BASIS and k is not None and k < 2:
        given = replace(DEFAULT_BASIS, outside="clamp")
    bases = [given] * layers if isinstance(given, Basis) else given
    grids = list(grid) if isinstance(grid, Sequence) else [grid] * layers
    if len(bases) != layers or len(grids) != layers:
        raise ConfigError(f"{layers} layers need so many bases and grids, got {len(bases)} and {len(grids)}")
    changes = [{"grid_size": g, "degree": k} for g in grids]
    changes = [{name: index(value) for name, value in change.items() if value is not None} for change in changes]
    if any(changes) and not all(isinstance(b, BSpline) for b in bases):
        raise ConfigError(f"grid and k are for B-splines; give {type(bases[0]).__name__} its own settings in basis")
    return [replace(b, **change) if change else b for b, change in zip(bases, changes, strict=True)]
