"""Curves of one column: each family of them tried on its lattice of numbers, and fitted from the best places."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise.kan.forms.constants import Rows
from edgewise.kan.forms.families import Family, families
from edgewise.kan.forms.shapes import Found, Shape
from edgewise.kan.forms.targets import Target
from edgewise.kan.forms.tree import FITTED, FIXED, POWER, PRODUCT, SUM, VARIABLE, Tree, constant, has_pole

BEGUN = 2  # places of a lattice from which a curve is fitted
STEPS = 15
MARKS = (math.e, math.pi)  # numbers by which the constants of a family are told apart
NAMES = {-1.0: "1/x", 2.0: "x^2", 3.0: "x^3"}
FREE = "x^1.5"  # the function of the library that stands for free exponents


@dataclass(frozen=True)
class Curves(Shape):
    """Curves of a function of the only column.

    Attributes:
        inner: The function, such as the column itself or its reciprocal.
        column: Its values at the rows, ``(N,)``.
        functions: Names of functions that formulas may have.
    """

    inner: Tree
    column: Tensor
    functions: frozenset[str]

    def trees(self, target: Target, left: Callable[[], float]) -> Found:
        rows = Rows([self.column], target.values, target.weight**2)
        for family in families(self.column):
            if not {name for term in family.at(1.0, 1.0) for name in used(term)} <= self.functions:
                continue
            for tree in begun(family, rows, target):
                if left() <= 0:
                    return
                yield 1, rows.fitted(tree, STEPS).tree.of([self.inner])


def begun(family: Family, rows: Rows, target: Target) -> Iterator[Tree]:
    """Curves of a family at the places of its lattice that leave the least over, with the best coefficients.

    Args:
        family: It.
        rows: The column, and what is told.
        target: The same, with what every sum has.
    """
    lattice = np.array(list(product(family.first, family.second)))  # shape: (places, 2)
    parts = np.stack([*(_values(t, lattice, rows) for t in family.at(*MARKS)), *_always(target, len(lattice))], 2)
    with np.errstate(all="ignore"):
        parts *= target.weight[:, None]  # shape: (places, N, terms)
        size = np.linalg.norm(parts, axis=1, keepdims=True)
    good = (np.isfinite(size) & (size > 0)).all((1, 2)).nonzero()[0]
    wanted = target.values * target.weight
    told = np.einsum("pnt,n->pt", np.linalg.qr(parts[good] / size[good])[0], wanted)
    taken: set[float] = set()
    for place in good[np.argsort(-(told**2).sum(1), kind="stable")]:
        first, second = lattice[place].tolist()
        if first in taken or any(has_pole(term, rows.columns) for term in family.at(first, second)):
            continue
        taken.add(first)
        found = np.linalg.lstsq(parts[place] / size[place], wanted, rcond=None)[0] / size[place, 0]
        tree = family.written(first, second, found[: len(found) - target.always.shape[1]].tolist())
        yield tree + constant(found[-1]) if target.always.shape[1] else tree
        if len(taken) == BEGUN:
            return


def _values(term: Tree, lattice: NDArray, rows: Rows) -> NDArray:
    """Of a term at all places of a lattice, ``(places, N)``."""
    numbers = [torch.tensor(lattice[:, [MARKS.index(mark)]]) for mark in term.constants()]
    with np.errstate(all="ignore"):
        return term(rows.columns, numbers).expand(len(lattice), -1).numpy().copy()


def _always(target: Target, places: int) -> NDArray:
    return np.broadcast_to(target.always.T[:, None], (target.always.shape[1], places, len(target.values)))


def used(tree: Tree) -> set[str]:
    """Names of the functions of the library that a formula has."""
    own = set() if tree.op in (FITTED, FIXED, VARIABLE, SUM, PRODUCT, POWER) else {tree.op}
    if tree.op == POWER:
        own = {NAMES[tree.args[1].value] if tree.args[1].op == FIXED else FREE}
    return own.union(*map(used, tree.args))
