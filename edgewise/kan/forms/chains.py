"""Long products, found one factor more at a time, as those that go best with what a sum leaves over."""

import numpy as np
from numpy.typing import NDArray

from edgewise.kan.forms.atoms import Atom
from edgewise.kan.forms.library import costs, fitting

ALIKE = 9  # digits to which two products that are the same explain the same
TINY = 1e-26
ROUNDS = 1e12  # a product whose square is so many times smaller than its mean squared is a constant


class Chains:
    """A search for products of many atoms.

    Args:
        atoms: The factors.
        weight: What the rows' differences are multiplied by, ``(N,)``.
        price: Of a unit of cost, beside N times the logarithm of what is left over.
    """

    def __init__(self, atoms: list[Atom], weight: NDArray, price: float):
        self.table = np.column_stack([np.ones(len(weight)), *(atom.values for atom in atoms)])
        self.squares, self.fits, self.cost = self.table**2, fitting(atoms), costs(atoms)
        self.weight, self.price = weight, price

    def found(self, rest: NDArray, width: int, factors: int) -> NDArray:
        """The products of 1, 2, ... atoms that explain the most, ``(products, factors)``, filled up by 0.

        Args:
            rest: What is to be explained, a constant aside, ``(N,)``.
            width: Products that go on.
            factors: Atoms in a product, at most.
        """
        one = self.weight / np.linalg.norm(self.weight)
        scaled = rest * self.weight
        rest = scaled - one * (one @ scaled)
        total = float(rest @ rest)
        members, values = np.zeros((1, 0), dtype=int), self.weight[None]
        every = []
        for _ in range(factors if total > TINY * float(scaled @ scaled) else 0):
            share, mean = (values * rest) @ self.table, (values * one) @ self.table
            beyond = values**2 @ self.squares - mean**2
            with np.errstate(all="ignore"):
                gain = np.where(beyond > mean**2 / ROUNDS, share**2 / beyond, 0) / total
                score = len(rest) * np.log((1 - gain).clip(TINY))
            score += self.price * (self.cost[members].sum(1)[:, None] + self.cost)
            allowed = np.ones(score.shape, dtype=bool)
            for part in members.T:
                allowed &= self.fits[part]
            allowed[:, 0] = False
            score[~allowed | ~np.isfinite(score)] = np.inf
            members, values = self._best(members, values, score, width)
            if not len(members):
                break
            every.append(np.pad(members, ((0, 0), (0, factors - members.shape[1]))))
        return np.concatenate(every) if every else np.zeros((0, factors), dtype=int)

    def _best(self, members: NDArray, values: NDArray, score: NDArray, width: int) -> tuple[NDArray, NDArray]:
        flat = score.ravel()
        order = np.argsort(flat, kind="stable")[: 6 * width]
        kept, seen = [], set()
        for place in order[np.isfinite(flat[order])]:
            before, new = divmod(int(place), score.shape[1])
            if (alike := f"{flat[place]:.{ALIKE}e}") not in seen and len(kept) < width:
                seen.add(alike)
                kept.append((before, new))
        if not kept:
            return members[:0], values[:0]
        before, new = np.array(kept).T
        return np.sort(np.column_stack([members[before], new]), axis=1), values[before] * self.table[:, new].T
