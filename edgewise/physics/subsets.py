"""Linear least squares with few columns: for each number of columns, the best choice that a search finds."""

import math
from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

ALL = 20_000  # choices of one size, up to which all are tried
ENOUGH = 0.999  # an exchange of columns must bring the squares below so much of what they were


class Choice(NamedTuple):
    """Columns, their coefficients, and the sum of squares that is left."""

    columns: tuple[int, ...]
    coefficients: Tensor
    rest: float


def best_choices(table: Tensor, target: Tensor, most: int) -> list[Choice]:
    """The best choices of 1 to ``most`` columns: of all, or of what steps forward, backward and exchanges find.

    Columns that nearly say the same (x and sin x) lead steps astray, so all choices are tried as long as they are few.

    Args:
        table: ``(N, P)``.
        target: ``(N,)``.
        most: The largest number of columns.

    Example:
        >>> table = torch.eye(4).double()
        >>> [c.columns for c in best_choices(table, torch.tensor([0.0, 3.0, 0.0, 2.0]).double(), 2)]
        [(1,), (1, 3)]
    """
    search = _Search(table, target)
    count = table.shape[1]
    most = min(most, count)
    if max(math.comb(count, size) for size in range(1, most + 1)) <= ALL:
        return [search.best_of_all(size) for size in range(1, most + 1)]
    columns = tuple(range(count))
    while len(columns) > 1:
        columns = search.best(without(columns))
    columns = ()
    for size in range(1, most + 1):
        if math.comb(count, size) <= ALL:
            columns = search.best_of_all(size).columns
            continue
        columns = search.exchanged(search.best((*columns, j) for j in range(count) if j not in columns))
    for size in range(most, 1, -1):
        search.exchanged(search.best(without(search.found[size].columns)))
    return [search.found[size] for size in range(1, most + 1)]


def without(columns: tuple[int, ...]) -> Iterable[tuple[int, ...]]:
    """All choices of one column less."""
    return (columns[:i] + columns[i + 1 :] for i in range(len(columns)))


class _Search:
    def __init__(self, table: Tensor, target: Tensor):
        scale = table.norm(dim=0)
        self.scale = torch.where(scale > 0, scale, 1)
        # all sums of squares follow from a triangle of as many rows as columns
        triangle = torch.linalg.qr(torch.cat([table / self.scale, target.unsqueeze(1)], 1)).R
        self.table, self.target = triangle[:, :-1], triangle[:, -1]
        self.found: dict[int, Choice] = {}

    def best(self, choices: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
        """The best of some choices of one size, which is noted if it is the best so far."""
        found = min((self._solved(tuple(sorted(columns))) for columns in choices), key=lambda choice: choice.rest)
        known = self.found.get(len(found.columns))
        if known is None or found.rest < known.rest:
            self.found[len(found.columns)] = found
        return found.columns

    def best_of_all(self, size: int) -> Choice:
        """The best of all choices of a size; the last number of a triangle is the root of what is left."""
        choices = torch.tensor(list(combinations(range(self.table.shape[1]), size)))  # (choices, size)
        target = self.target.expand(len(choices), -1).unsqueeze(2)
        triangles = torch.linalg.qr(torch.cat([self.table.T[choices].mT, target], 2), mode="r").R
        rests = triangles[:, -1, -1].abs() if triangles.shape[1] > size else torch.zeros(len(choices))
        self.best([tuple(choices[int(rests.argmin())].tolist())])
        return self.found[size]

    def exchanged(self, columns: tuple[int, ...]) -> tuple[int, ...]:
        """The best choice so far of this size, after exchanges of one column as long as they help."""
        size = len(columns)
        while True:
            now = self.found[size]
            others = [j for j in range(self.table.shape[1]) if j not in now.columns]
            if not others:
                return now.columns
            self.best((*rest, j) for rest in without(now.columns) for j in others)
            if self.found[size].rest >= ENOUGH * now.rest:
                return self.found[size].columns

    def _solved(self, columns: tuple[int, ...]) -> Choice:
        part = self.table[:, list(columns)]
        found = torch.linalg.pinv(part) @ self.target
        rest = float((self.target - part @ found).square().sum())
        return Choice(columns, found / self.scale[list(columns)], rest)
