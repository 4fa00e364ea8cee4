"""Symmetry of a function: whether it sees some of its variables only through one function of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from edgewise.kan.interpret._derivatives import NEGLIGIBLE, Derivatives, Rows, check_groups, connected, derivatives

THRESHOLD = 1e-3  # for functions known to many digits

Block = frozenset[int]


@dataclass(frozen=True, eq=False)
class Verdict:
    """The outcome of a test; true where the score is at most the threshold.

    Args:
        score: 0 where the property holds exactly, of the order of 1 where it does not.
        threshold: Up to which score it is taken to hold.
    """

    score: float
    threshold: float

    def __bool__(self) -> bool:
        return self.score <= self.threshold


@dataclass(frozen=True, eq=False)
class Symmetry(Verdict):
    """Whether a group of variables acts as one.

    Args:
        dependence: How much the direction of the gradient over the group turns with each variable, ``(d,)``; 0 for those
            in the group. The largest is the score.
    """

    dependence: Tensor


def symmetry(f: Rows, x: Tensor, group: Sequence[int], threshold: float = THRESHOLD) -> Symmetry:
    r"""Whether ``f(x) = g(h(x_group), x_rest)``: the variables of a group act as one.

    Then the direction :math:`n = \nabla_I f / |\nabla_I f|` of the gradient over the group I does not turn with any other
    variable (Liu et al., KAN 2.0, arXiv:2408.10205). The score is the largest over those of the median of
    :math:`r / (1 + r)` with :math:`r = |\partial n / \partial x_k|`, each variable in its standard deviations: to scale or
    shift f or a variable does not change it.

    Args:
        f: A model or function of rows, ``(N, d) -> (N,)`` or ``(N, 1)``, twice differentiable; each row by itself.
        x: Rows at which it is tested, ``(N, d)``, better in float64; no column constant.
        group: Columns of the group. One column, or all, are always symmetric.
        threshold: Up to which score the group counts as symmetric; larger for a trained model, such as 0.05.

    Raises:
        ConfigError: x or f has another shape, or the group names a column that is not there, or one twice.
        DataError: A column of x, or f, is constant.
        NonFiniteError: x, f or a derivative is not finite.

    Example:
        >>> x = torch.rand(100, 3, dtype=torch.float64)
        >>> f = lambda x: x[:, 0] ** 2 * (x[:, 1] + x[:, 2])
        >>> bool(symmetry(f, x, [1, 2])), bool(symmetry(f, x, [0, 2]))
        (True, False)
    """
    found = derivatives(f, x, 2)
    turned = turning(found, check_groups([group], x.shape[1])[0])
    return Symmetry(turned.max().item(), threshold, turned)


def is_function_of(f: Rows, x: Tensor, h: Rows, threshold: float = THRESHOLD) -> Verdict:
    """Whether ``f(x) = g(h(x), x_rest)`` for a given h, where the rest are the variables that h does not depend on.

    Then the gradients of f and h over the variables of h are parallel: the score is the median sine of the angle between
    them. Arguments and errors are those of :func:`symmetry`.

    Example:
        >>> x = torch.rand(100, 3, dtype=torch.float64)
        >>> f = lambda x: torch.sin(x[:, 0] * (x[:, 1] + x[:, 2]))
        >>> bool(is_function_of(f, x, lambda x: x[:, 1] + x[:, 2])), bool(is_function_of(f, x, lambda x: x[:, 1] * x[:, 2]))
        (True, False)
    """
    inner = derivatives(h, x, 1)
    ours, theirs = (found.first[:, inner.relevant] for found in (derivatives(f, x, 1), inner))
    direction = _directions(theirs)
    across = ours - (ours * direction).sum(1, keepdim=True) * direction
    sine = across.norm(dim=1) / (ours.norm(dim=1) + NEGLIGIBLE)
    return Verdict(sine.median().item(), threshold)


def symmetric_groups(f: Rows, x: Tensor, threshold: float = THRESHOLD) -> list[list[int]]:
    """The groups of two and more variables that act as one, small ones first; any two are disjoint or one in the other.

    Of all symmetric groups these are the ones that overlap no other. Where two do, f is a function of a sum over the
    parts (Gorman, The structure of utility functions, 1968), any of which act as one; only the whole sum is given.
    Arguments and errors are those of :func:`symmetry`.

    Example:
        >>> x = torch.rand(100, 5, dtype=torch.float64)
        >>> symmetric_groups(lambda x: torch.sin(x[:, 0] * x[:, 1]) * (x[:, 2] + x[:, 3]) + x[:, 4], x)
        [[0, 1], [2, 3], [0, 1, 2, 3], [0, 1, 2, 3, 4]]
    """
    return sorted(map(sorted, blocks(derivatives(f, x, 2), threshold)), key=lambda group: (len(group), group))


def blocks(found: Derivatives, threshold: float) -> set[Block]:
    """The groups of :func:`symmetric_groups`."""
    groups = {_smallest_block(found, frozenset(pair), threshold) for pair in combinations(found.relevant, 2)}
    while len(merged := {frozenset().union(*met) for met in connected(groups, _overlap)}) < len(groups):
        groups = merged
    return groups


def _smallest_block(found: Derivatives, block: Block, threshold: float) -> Block:
    """These variables and those that any symmetric group with them must have."""
    turned = turning(found, sorted(block))
    more = {i for i in found.relevant if turned[i] > threshold}
    return _smallest_block(found, block | more, threshold) if more else block


def _overlap(one: Block, other: Block) -> bool:
    return bool(one & other) and not (one <= other or other <= one)


def turning(found: Derivatives, group: Sequence[int]) -> Tensor:
    """The ``dependence`` of a :class:`Symmetry`."""
    gradient, change = found.first[:, group], found.second[:, group]
    direction = _directions(gradient)
    along = torch.einsum("ni,nik->nk", direction, change)
    sideways = (change - direction.unsqueeze(2) * along.unsqueeze(1)).norm(dim=1)
    turned = (sideways / (gradient.norm(dim=1, keepdim=True) + sideways + NEGLIGIBLE)).median(0).values
    turned[group] = 0
    return turned


def _directions(vectors: Tensor) -> Tensor:
    # shape: (N, d) to (N, d), of length 1
    return vectors / (vectors.norm(dim=1, keepdim=True) + torch.finfo(vectors.dtype).tiny)
