"""Products of atoms: what the terms of sums are chosen from."""

import copy
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgewise.kan.forms.atoms import Atom
from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.tree import Tree

SEEDS = 6000  # products that are multiplied by one atom more, at most
TARGETS = (1, -1, 2, -2, 0)  # powers of the target that sums are looked for as; 0 of its logarithm and exponential


class Library:
    """Products of atoms.

    Args:
        atoms: The factors.
        members: Which of them are in each product, counted from 1 and filled up by 0, ``(products, factors)``.

    Attributes:
        values: Of the products at the rows, ``(N, products)``.
        cost: Of each, ``(products,)``.
    """

    def __init__(self, atoms: Sequence[Atom], members: NDArray):
        self.atoms = atoms
        table = np.column_stack([np.ones(len(atoms[0].values)), *(atom.values for atom in atoms)])
        self.values = np.ones((len(table), len(members)))
        with np.errstate(all="ignore"):
            for part in members.T:
                self.values *= table[:, part]
            size = np.abs(self.values).max(0)
        good = np.isfinite(size) & (size > 0)
        self.members, self.values = members[good], self.values[:, good]
        self.cost = costs(atoms)[self.members].sum(1)

    @classmethod
    def of(cls, atoms: Sequence[Atom], factors: int, most: int, units: Dimensions | None = None) -> "Library":
        """Products of up to so many atoms, the cheapest first.

        Args:
            atoms: The factors.
            factors: In a product, at most.
            most: Products, at most.
            units: What the columns are measured in, if it is known: then only products are kept that may be terms.
        """
        cost, fits = costs(atoms), fitting(atoms)
        dimensions = None if units is None else _dimensions(atoms, units)
        last = np.arange(1, len(atoms) + 1)[:, None]
        found = [_useful(last, dimensions, units)]
        while len(found) < factors and len(last):
            before = last[np.argsort(cost[last].sum(1), kind="stable")[:SEEDS]]
            allowed = np.logical_and.reduce([fits[before[:, i]] for i in range(before.shape[1])])
            allowed &= np.arange(len(cost)) >= before[:, -1:]
            row, new = allowed.nonzero()
            made = np.column_stack([before[row], new])
            last = made[np.argsort(cost[made].sum(1), kind="stable")]
            found.append(_useful(last, dimensions, units)[:most])
        width = found[-1].shape[1]
        every = np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in found])
        return cls(atoms, every[np.argsort(cost[every].sum(1), kind="stable")[:most]])

    def __len__(self) -> int:
        return len(self.cost)

    def having(self, units: Dimensions | None) -> "Library":
        """Those of the products that, times a constant, are of the target's dimension; all if no units are known."""
        if units is None or not len(self):
            return self
        kept = units.terms(_dimensions(self.atoms, units)[self.members].sum(1))
        some = copy.copy(self)
        some.members, some.values, some.cost = self.members[kept], self.values[:, kept], self.cost[kept]
        return some

    def tree(self, product: int) -> Tree:
        """A product as a formula."""
        first, *others = (self.atoms[i - 1].tree for i in self.members[product] if i)
        for other in others:
            first = first * other
        return first


def costs(atoms: Sequence[Atom]) -> NDArray:
    """Of no atom, and of each."""
    return np.array([0.0, *(atom.cost for atom in atoms)])


def fitting(atoms: Sequence[Atom]) -> NDArray:
    """Which atoms may stand in one product: two powers of one column are one, and so are functions of several at most."""
    # shape: (atoms + 1, atoms + 1); the first is none
    count = len(atoms) + 1
    columns = max((max(atom.columns) for atom in atoms), default=0) + 1
    there, power = np.zeros((count, columns), dtype=bool), np.zeros((count, columns), dtype=bool)
    for i, atom in enumerate(atoms, 1):
        there[i, list(atom.columns)] = True
        power[i, list(atom.columns)] = atom.is_power
    joint = there.sum(1) > 1
    fits = ~((power.astype(int) @ power.T.astype(int)) > 0)
    fits &= ~(joint[:, None] & joint & ((there.astype(int) @ there.T.astype(int)) > 0))
    fits[0] = fits[:, 0] = False
    return fits


def _dimensions(atoms: Sequence[Atom], units: Dimensions) -> NDArray:
    """Of no atom, and of each, ``(atoms + 1, quantities)``."""
    found = [np.zeros_like(units.target)]
    for atom in atoms:
        dimension = units.of(atom.tree)
        assert dimension is not None, "atoms are made of what has a dimension"
        found.append(dimension.powers)
    return np.array(found)


def _useful(members: NDArray, dimensions: NDArray | None, units: Dimensions | None) -> NDArray:
    """Those of the products that may be terms of some power of the target."""
    if units is None or dimensions is None:
        return members
    powers = dimensions[members].sum(1)
    return members[np.logical_or.reduce([units.like(power).terms(powers) for power in TARGETS])]
