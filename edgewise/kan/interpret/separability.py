"""Separability of a function: whether it is a sum, a product, or a function of a sum, of functions of fewer variables."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.kan.interpret._derivatives import NEGLIGIBLE, Derivatives, Rows, check_groups, connected, derivatives
from edgewise.kan.interpret.symmetry import THRESHOLD, Verdict

Groups = Sequence[Collection[int]]


@dataclass(frozen=True, eq=False)
class Separability:
    """The finest partition of the variables under which a function is a sum or a product; true where it has two groups.

    Args:
        mode: ``"add"`` or ``"mul"``.
        scores: How much the effect of one variable changes with another, ``(d, d)``, symmetric, from 0 to 1.
        threshold: Up to which score two variables do not meet.
    """

    mode: str
    scores: Tensor
    threshold: float

    @property
    def groups(self) -> list[list[int]]:
        """Variables that meet, directly or through others, in the order of their columns."""
        meet = (self.scores > self.threshold).tolist()
        return sorted(map(sorted, connected(range(len(meet)), lambda i, j: meet[i][j])))

    def __bool__(self) -> bool:
        return len(self.groups) > 1


def separability(f: Rows, x: Tensor, mode: str = "add", threshold: float = THRESHOLD) -> Separability:
    r"""Which variables of f go together when it is written as a sum (``"add"``) or a product (``"mul"``) of functions.

    In a sum variables i and j of different terms have :math:`\partial_i \partial_j f = 0`; in a product log|f| is such a
    sum. The score of a pair is the median of :math:`r / (1 + r)`, :math:`r = |\partial_i \partial_j f / \partial_i f|`, or
    with i and j exchanged if that is more, each variable in its standard deviations: to scale f or a variable does not
    change it. A meeting of variables at less than half of the rows is not seen.

    Args:
        f: A model or function of rows, ``(N, d) -> (N,)`` or ``(N, 1)``, twice differentiable; each row by itself.
        x: Rows at which it is tested, ``(N, d)``, better in float64; no column constant.
        mode: ``"add"`` or ``"mul"``; in a product rows where f is 0 do not count.
        threshold: Up to which score two variables do not meet; larger for a trained model, such as 0.05.

    Raises:
        ConfigError: x or f has another shape, or the mode is unknown.
        DataError: A column of x, or f, is constant.
        NonFiniteError: x, f or a derivative is not finite.

    Example:
        >>> import torch
        >>> x = torch.rand(100, 3, dtype=torch.float64)
        >>> separability(lambda x: x[:, 0] ** 2 + torch.exp(x[:, 1] + x[:, 2]), x).groups
        [[0], [1, 2]]
        >>> separability(lambda x: x[:, 0] ** 2 * (x[:, 1] + x[:, 2]), x, "mul").groups
        [[0], [1, 2]]
    """
    if mode not in ("add", "mul"):
        raise unknown("mode", mode, ["add", "mul"])
    found = derivatives(f, x, 2)
    return Separability(mode, _meetings(found if mode == "add" else found.log()), threshold)


def is_separable(f: Rows, x: Tensor, groups: Groups, mode: str = "add", threshold: float = THRESHOLD) -> Verdict:
    r"""Whether f separates into functions of these groups of variables; those in no group form one more.

    ======== ====================== =============================================================
    add      g(x_I) + h(x_J)        scores of :func:`separability` between the groups
    mul      g(x_I) h(x_J)          the same
    general  F(g(x_I) + h(x_J))     see below
    ======== ====================== =============================================================

    In a function of a sum the ratio :math:`\partial_i f / \partial_j f` depends only on the groups I and J of i and j, and
    is a product of a function of each where they differ. (The second alone, which is what pykan tests, takes
    ``x1 + x3 exp(x2)`` for a function of a sum over {1, 2} and {3}.) So the derivatives of :math:`\log|\partial_i f|` and
    :math:`\log|\partial_j f|` by a variable of another group are equal, and those by one variable of each of two groups:
    the score is the largest median of :math:`|u - v| / (1 + |u| + |v|)` of such a pair (Liu et al., KAN 2.0,
    arXiv:2408.10205).

    Args:
        f: As for :func:`separability`; three times differentiable for ``"general"``.
        x: Rows at which it is tested, ``(N, d)``, better in float64; no column constant.
        groups: Columns of each group.
        mode: ``"add"``, ``"mul"`` or ``"general"``.
        threshold: Up to which score f counts as separable.

    Raises:
        ConfigError: As for :func:`separability`; groups that overlap or name what is not there, or one group of all.
        DataError: A column of x, or f, is constant.
        NonFiniteError: x, f or a derivative is not finite.

    Example:
        >>> import torch
        >>> x = torch.rand(100, 3, dtype=torch.float64)
        >>> f = lambda x: torch.sqrt(x[:, 0] ** 2 + torch.sin(x[:, 1] * x[:, 2]))
        >>> [bool(is_separable(f, x, [[0], [1, 2]], mode)) for mode in ("add", "mul", "general")]
        [False, False, True]
    """
    if mode not in ("add", "mul", "general"):
        raise unknown("mode", mode, ["add", "mul", "general"])
    found = derivatives(f, x, 3 if mode == "general" else 2)
    parts = check_groups(groups, x.shape[1])
    rest = sorted(set(range(x.shape[1])).difference(*parts))
    parts += [rest] if rest else []
    if len(parts) < 2:
        raise ConfigError(f"groups must leave at least one variable to another group, got one of all {x.shape[1]}")
    if mode == "general":
        relevant = found.relevant
        present = [[i for i in group if i in relevant] for group in parts]
        return Verdict(sum_score(*found.log_gradient(), present), threshold)
    scores = _meetings(found if mode == "add" else found.log())
    return Verdict(scores[across(parts)].max().item(), threshold)


def sum_score(first: Tensor, second: Tensor, groups: Groups) -> float:
    """How far a function with this :meth:`Derivatives.log_gradient` is from a function of a sum over the groups."""
    a, b = across(groups)
    group_of = {i: frozenset(group) for group in groups for i in group}
    scores = [0.0]
    for i, j in combinations(group_of, 2):
        others = [k for k in group_of if k not in group_of[i] | group_of[j]]
        if others:
            scores.append(difference(first[:, i, others], first[:, j, others]))
        if group_of[i] != group_of[j]:
            scores.append(difference(second[:, i, a, b], second[:, j, a, b]))
    return max(scores)


def across(groups: Groups) -> tuple[list[int], list[int]]:
    """All pairs of variables from different groups: the first and the second of each."""
    pairs = [(i, j) for one, other in combinations(groups, 2) for i in one for j in other]
    return [i for i, _ in pairs], [j for _, j in pairs]


def difference(u: Tensor, v: Tensor) -> float:
    """The largest over columns of the median over rows of ``|u - v| / (1 + |u| + |v|)``."""
    return ((u - v).abs() / (1 + u.abs() + v.abs())).median(0).values.max().item()


def _meetings(found: Derivatives) -> Tensor:
    """The ``scores`` of a :class:`Separability`."""
    change = found.second.abs()
    scores = (change / (found.first.abs().unsqueeze(2) + change + NEGLIGIBLE)).median(0).values
    return scores.maximum(scores.t()).fill_diagonal_(0)
