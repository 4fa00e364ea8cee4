"""Products of atoms: what the terms of sums are chosen from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgewise.kan.forms.atoms import Atom
from edgewise.kan.forms.tree import Tree

SEEDS = 6000  # products that are multiplied by one atom more, at most


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
    def of(cls, atoms: Sequence[Atom], factors: int, most: int) -> "Library":
        """Products of up to so many atoms, the cheapest first.

        Args:
            atoms: The factors.
            factors: In a product, at most.
            most: Products, at most.
        """
        cost, fits = costs(atoms), fitting(atoms)
        found = [np.arange(1, len(atoms) + 1)[:, None]]
        while len(found) < factors and len(found[-1]):
            before = found[-1][np.argsort(cost[found[-1]].sum(1), kind="stable")[:SEEDS]]
            allowed = np.logical_and.reduce([fits[before[:, i]] for i in range(before.shape[1])])
            allowed &= np.arange(len(cost)) >= before[:, -1:]
            row, new = allowed.nonzero()
            made = np.column_stack([before[row], new])
            found.append(made[np.argsort(cost[made].sum(1), kind="stable")[:most]])
        width = found[-1].shape[1]
        every = np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in found])
        return cls(atoms, every[np.argsort(cost[every].sum(1), kind="stable")[:most]])

    def __len__(self) -> int:
        return len(self.cost)

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
