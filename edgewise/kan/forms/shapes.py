"""Shapes of formulas: sums of products that are given, ratios of such sums, and sums of products grown for the purpose."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise.kan.forms.atoms import Atom
from edgewise.kan.forms.beam import TINY, Choice, beam
from edgewise.kan.forms.chains import Chains
from edgewise.kan.forms.constants import LENGTH
from edgewise.kan.forms.library import Library
from edgewise.kan.forms.targets import Target
from edgewise.kan.forms.tree import Tree, constant

COMPARED = (100, 30, 8)  # sums of 1, 2, and more terms that are compared
IN_RATIOS = ("itself", "reciprocal", "square")  # functions of the target
SOME = 2  # ratios of each number of terms and each product below the line
ROUNDS = 3  # of growing products for what the sums before leave over
RESTS = 3  # sums of 1, 2, 3 terms each, whose rests are looked at
GROWN = 150  # products of each number of factors that go on
POOL = 10000  # products to choose from, at most

Found = Iterator[tuple[int, Tree]]
"""Numbers of terms, and formulas."""


@dataclass(frozen=True)
class Shape:
    """What a formula is looked for among.

    Attributes:
        name: What the formulas are.
        width: Sums that go on at each number of terms.
        depth: Terms of a sum, at most.
    """

    name: str
    width: int
    depth: int

    def trees(self, target: Target, left: Callable[[], float]) -> Found:
        """The best formulas of each number of terms.

        Args:
            target: What they are to be.
            left: How many seconds are left.
        """
        raise NotImplementedError

    def _choices(
        self, library: Library, target: Target, left: Callable[[], float], always: NDArray
    ) -> Iterator[list[Choice]]:
        sizes = {"width": self.width, "depth": self.depth, "price": LENGTH, "always": always}
        for terms, choices in enumerate(beam(library.values, target.values, target.weight, library.cost, **sizes)):
            yield choices[: COMPARED[min(terms, len(COMPARED) - 1)]]
            if left() <= 0:
                return


@dataclass(frozen=True)
class Sums(Shape):
    """Sums of products that are given."""

    library: Library

    def trees(self, target: Target, left: Callable[[], float]) -> Found:
        library = self.library.having(target.units)
        for choices in self._choices(library, target, left, target.always):
            for choice in choices:
                yield len(choice.members), _sum(choice, library, *_coefficients(choice, library, target, target.always))


@dataclass(frozen=True)
class Ratios(Shape):
    """Sums over 1 and a product: y = P / (1 + b q) is linear in y = P - b q y, for each q of so many.

    Several products below the line are not looked for: powers of one column make 1 nearly themselves, and then y is y.
    """

    library: Library
    below: int

    def trees(self, target: Target, left: Callable[[], float]) -> Found:
        if target.name not in IN_RATIOS:
            return
        above = self.library.having(target.units)
        below = self.library.having(target.units and target.units.like(0))
        for q in range(min(self.below, len(below))):
            always = np.column_stack([target.always, -below.values[:, q] * target.values])
            for choices in self._choices(above, target, left, always):
                for choice in choices[:SOME]:
                    terms, (*added, factor) = _coefficients(choice, above, target, always)
                    divisor = constant(1.0) + constant(factor) * below.tree(q)
                    yield len(choice.members) + 1, _sum(choice, above, terms, added) * divisor**-1
            if left() <= 0:
                return


@dataclass(frozen=True)
class Grown(Shape):
    """Sums of products of many atoms, grown one factor at a time for what the sums before leave over."""

    atoms: list[Atom]
    factors: int

    def trees(self, target: Target, left: Callable[[], float]) -> Found:
        chains = Chains(self.atoms, target.weight, LENGTH)
        members, rests = np.zeros((0, self.factors), dtype=int), [target.values]
        for _ in range(ROUNDS):
            for rest in rests:
                members = np.concatenate([members, chains.found(rest, GROWN, self.factors)])
                if left() <= 0:
                    return
            members = members[np.sort(np.unique(members, axis=0, return_index=True)[1])][-POOL:]
            if not len(members):
                return
            library, rests = Library(self.atoms, members).having(target.units), []
            for choices in self._choices(library, target, left, target.always):
                for place, choice in enumerate(choices):
                    terms, added = _coefficients(choice, library, target, target.always)
                    yield len(choice.members), _sum(choice, library, terms, added)
                    if place < RESTS and len(choice.members) <= RESTS:
                        told = library.values[:, choice.members] @ terms + target.always @ added
                        rests.append(target.values - told)
                if choices[0].left < TINY:
                    return


def _coefficients(choice: Choice, library: Library, target: Target, always: NDArray) -> tuple[NDArray, NDArray]:
    """Of the members, and of what is always there."""
    chosen = np.column_stack([library.values[:, choice.members], always]) * target.weight[:, None]
    scale = np.linalg.norm(chosen, axis=0)
    found = np.linalg.lstsq(chosen / scale, target.values * target.weight, rcond=None)[0] / scale
    return found[: len(choice.members)], found[len(choice.members) :]


def _sum(choice: Choice, library: Library, terms: Iterable[float], added: Iterable[float]) -> Tree:
    products = [constant(c) * library.tree(member) for member, c in zip(choice.members, terms, strict=True)]
    return _added([*products, *map(constant, added)])


def _added(terms: list[Tree]) -> Tree:
    first, *others = terms
    for other in others:
        first = first + other
    return first
