"""The search for a formula among ever more shapes, until one is exact or the time is up."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import torch

from edgewise.kan.forms.atoms import HIGH, POWERS, ROOTS, Atom, Atoms
from edgewise.kan.forms.constants import Fitted, Rows
from edgewise.kan.forms.curves import Curves
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.library import Library
from edgewise.kan.forms.shapes import Grown, Ratios, Shape, Sums
from edgewise.kan.forms.simpler import promise, simpler
from edgewise.kan.forms.targets import Target, targets
from edgewise.kan.forms.tree import POWER, PRODUCT, SUM, VARIABLE, Tree, constant, has_pole, variable

CORE = (*POWERS, *ROOTS, "exp", "log", "sin", "cos")
SCREENED = 200  # rows that products are chosen by
FITTED = (30, 10, 3)  # formulas of 1, 2, and more terms, each of its own kind, whose constants are fitted
FEWER = (8, 4, 2)  # the same for functions of the target, of few columns
LOW = 2.0  # cost of powers up to the second, below the line too
SEVERAL = 4  # columns from which products of many factors are looked for early
POLISHING = 0.2  # of the time is kept to make formulas simpler
POLISHED = 20  # formulas that are made simpler
LOOKED_AT = 150  # formulas of which it is asked how simple they may become
LATER, FEW_LATER = 3, 6  # shapes after which functions of the target are tried for one; of few columns shapes cost little,
FEW = 2  # which are so many


class Search:
    """A search for formulas as it goes.

    Args:
        rows: To learn from.
        grammar: What formulas may be.
        left: How many seconds are left.
    """

    def __init__(self, rows: Rows, grammar: Grammar, left: Callable[[], float]):
        self.rows, self.grammar, self.left = rows, grammar, left
        order = np.random.default_rng(0).permutation(len(rows))
        self.few = rows.some(order[:SCREENED])
        self.found: dict[str, Fitted] = {}

    @property
    def allowed(self) -> list[Fitted]:
        """What was found and may be offered, what the criterion likes best first."""
        return sorted((f for f in self.found.values() if self.grammar.allows(f.tree)), key=_score)

    @property
    def is_exact(self) -> bool:
        """Whether a formula that may be offered leaves nothing over but rounding."""
        return any(fitted.is_exact for fitted in self.allowed[:1])

    def run(self) -> None:
        """Look among ever more formulas, until one is exact or little time is left; then make the best simpler."""
        whole = self.left
        reserve = POLISHING * whole()
        if math.isfinite(reserve):
            self.left = lambda: whole() - reserve
        self.keep(self.rows.fitted(constant(self.rows.mean)))
        for shape, several in self._turns():
            self.look(shape, several)
            if self.left() <= 0 or self.is_exact:
                break
        self.left = whole
        self.polish()

    def _turns(self) -> Iterator[tuple[Shape, Sequence[Target]]]:
        """Each shape with the target itself, and some shapes later with functions of the target, which take longer."""
        several = list(targets(self.few, self.grammar.functions, self.grammar.units))
        if not several:  # a target that is the same at all rows is its mean
            return
        itself, *others = several
        waiting: deque[Shape] = deque()
        for shape in self.shapes():
            yield shape, [itself]
            waiting.append(shape)
            if len(waiting) > (FEW_LATER if len(self.few.columns) <= FEW else LATER):
                yield waiting.popleft(), others
        for shape in waiting:
            yield shape, others

    def look(self, shape: Shape, several: Sequence[Target]) -> None:
        """Look among the formulas of a shape, for some functions of the target."""
        for target in several:
            for tree in self._promising(shape.trees(target, self.left), target):
                if self.left() <= 0:
                    return
                self.keep(fitted := self.rows.fitted(tree))
                if fitted.is_exact and self.grammar.allows(fitted.tree):
                    break
            if self.is_exact:
                return

    def keep(self, fitted: Fitted) -> None:
        """Remember a formula, unless it has a pole between rows, or is none that is looked for."""
        if not math.isfinite(fitted.score) or has_pole(self.rows.whole(fitted.tree), self.rows.outer.columns):
            return
        if self.grammar.may_lead_to(fitted.tree) and self.grammar.behaves(fitted.tree):
            self.found[str(fitted.tree)] = fitted

    def polish(self) -> None:
        """Simplify the formulas that may become the best, of each kind one."""
        kinds: dict[Tree, Fitted] = {}
        for fitted in sorted(self.found.values(), key=_score):
            kinds.setdefault(_kind(fitted.tree), fitted)
        best = list(kinds.values())[: 1 if self.is_exact else LOOKED_AT]
        for fitted in sorted(best, key=lambda fitted: promise(self.rows, fitted))[:POLISHED]:
            if self.left() <= 0:
                return
            self.keep(self.simplified(self.rows, fitted, self.left))

    def simplified(self, rows: Rows, fitted: Fitted, left: Callable[[], float]) -> Fitted:
        """A formula made simpler, as long as time is left."""
        return simpler(rows, fitted, left, self.grammar)

    def _promising(self, trees: Iterable[tuple[int, Tree]], target: Target) -> list[Tree]:
        """The best formulas of each kind and number of terms for a function of the target, as formulas for the target."""
        found: dict[int, dict[Tree, Fitted]] = {}
        for terms, tree in trees:
            if not self.grammar.may_lead_to(whole := target.back(tree)):
                continue
            fitted, kind = self.few.judged(whole), _kind(tree)
            kinds = found.setdefault(terms, {})
            if kind not in kinds or fitted.score < kinds[kind].score:
                kinds[kind] = fitted
        counts = FITTED if target.name == "itself" or len(self.few.columns) > FEW else FEWER
        best: list[Fitted] = []
        for terms, kinds in found.items():
            able = (fitted for fitted in sorted(kinds.values(), key=_score) if self.grammar.behaves(fitted.tree))
            best += islice(able, counts[min(terms, len(counts)) - 1])
        return [fitted.tree for fitted in sorted(best, key=_score)]

    def shapes(self) -> Iterator[Shape]:
        """Ever more products: of powers, of functions without numbers, of functions with numbers to be guessed."""
        units, columns = self.grammar.units, range(len(self.few.columns))
        atoms = Atoms(self.few.columns, self.grammar.functions, units)
        core = Atoms(self.few.columns, [name for name in self.grammar.functions if name in CORE], units)

        def library(atoms: list[Atom], factors: int, most: int) -> Library:
            return Library.of(atoms, factors, most, units)

        powers = [atom for c in columns for atom in atoms.powers(c, HIGH[-1])]
        whole = [atom for atom in powers if atom.is_whole]
        low = [atom for atom in whole if atom.cost <= LOW]
        simple = powers + _each(core.plain, columns)
        if not simple:
            return
        if logs := [atom for atom in simple if atom.tree.op == "log" and atom.tree.args[0].op == VARIABLE]:
            yield Sums("few powers and logarithms", 300, 3, library(whole + logs, 2, 60))
        if whole:
            yield Sums("few powers", 300, 9, library(whole, len(columns), 40))
        joint = core.joint(columns, min(len(columns), 5 if len(columns) < 7 else 2))
        short = [atom for atom in simple + joint if _is_short(atom.tree) or (atom.is_whole and atom.cost <= LOW)]
        if len(columns) >= SEVERAL:  # of which products have many
            yield Grown("short products", 100, 6, short, 6)
        if whole:
            yield Sums("powers", 50, 7, library(powers, len(columns), 6000))
            yield Ratios("ratios of powers", 40, 4, library(low, len(columns), 150), 150)
        yield Sums("single functions", 600, 6, library(simple, 1, 600))
        if len(columns) == 1:
            for atom in [a for a in powers if a.tree in (variable(0), variable(0) ** -1)]:
                yield Curves("curves", 1, 1, atom.tree, torch.tensor(atom.values), frozenset(self.grammar.functions))
        yield Sums("functions", 300, 5, library(simple, 2, 600 if len(columns) > 1 else 2000))
        guessed = _each(atoms.guessed, columns)
        yield Sums("guesses", 100, 5, library(simple + guessed, 1, 2000))
        if len(columns) < SEVERAL:
            yield Grown("short products", 100, 6, short, len(columns) + 2)
        yield Grown("grown products", 50, 6, simple + joint, min(6, len(columns) + 2))
        yield Sums("products of functions", 50, 6, library(simple + joint, 4, 10000))
        yield Grown("grown guesses", 50, 6, simple + joint + guessed, min(6, len(columns) + 2))
        yield Sums("products of guesses", 16, 6, library(simple + guessed, 2, 50000))
        plain = powers + _each(atoms.plain, columns)
        yield Sums("all functions", 20, 6, library(plain + joint, 4, 15000))
        yield Ratios("ratios of functions", 30, 4, library(simple, 2, 1000), 150)


def _each(make: Callable[[int], list[Atom]], columns: Iterable[int]) -> list[Atom]:
    return [atom for column in columns for atom in make(column)]


def _kind(tree: Tree) -> Tree:
    """A formula whatever its constants."""
    return tree.with_constants([0.0] * len(tree.constants()))


def _is_short(tree: Tree) -> bool:
    """Whether it is a logarithm of a column or product, or an exponential, wave or square of products or of two columns."""
    if tree.op == "log":
        return tree.args[0].op == VARIABLE or (tree.args[0].op == PRODUCT and _is_of_powers(tree.args[0]))
    inner = tree.args[0] if tree.op in ("exp", "sin", "cos") or (tree.op == POWER and tree.args[1].value == 2) else None
    return inner is not None and (inner.op != POWER) and all(part.op != SUM for part in inner.args)


def _is_of_powers(product: Tree) -> bool:
    return all(part.op == VARIABLE or (part.op == POWER and part.args[0].op == VARIABLE) for part in product.args)


def _score(fitted: Fitted) -> float:
    return fitted.score
