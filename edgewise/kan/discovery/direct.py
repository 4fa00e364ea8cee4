"""Formulas that are looked for on the rows themselves, before a network is fitted and beside what it says."""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.kan.discovery.clock import Clock
from edgewise.kan.discovery.front import Member, excursions, pareto, size
from edgewise.kan.fitting.data import Table
from edgewise.kan.forms.behaviour import Mirrored
from edgewise.kan.forms.constants import Fitted, Rows
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.prescribed import Form
from edgewise.kan.forms.search import Search
from edgewise.kan.forms.splitting import Splitting
from edgewise.kan.forms.tree import has_pole, tree_of
from edgewise.kan.interpret import Formula
from edgewise.kan.interpret.formula import written_formula
from edgewise.kan.kan import KAN

ADDING = 2.0  # seconds in which the formula of a network is made simpler
HELD = 0.2  # share of the rows that is held back to compare formulas
OFFERED = 12  # formulas of a front
LIKELY = 12  # formulas that are compared on all rows
EXACT_DIGITS = 1e-10  # change that rounding may always make, in deviations of the targets,
SHARE = 0.01  # and as a share of a formula's own error


class Direct:
    """A search for formulas of one target.

    Args:
        table: The rows, in the units of the data.
        columns: Which of their columns vary.
        names: Of all columns.
        grammar: What formulas may be.
        clock: When to end.
        form: What is prescribed.

    Raises:
        ConfigError: The form cannot be the target.
    """

    def __init__(
        self,
        table: Table,
        columns: Sequence[int],
        names: Sequence[str],
        grammar: Grammar,
        clock: Clock,
        form: Form | None = None,
    ):
        sympy = require("sympy", extra="science")
        self.symbols = tuple(sympy.Symbol(name, real=True) for name in names)
        self.table, self.columns = table, [self.symbols[c] for c in columns]
        weight = None if table.weight is None else table.weight.double().cpu().numpy()
        parts, y = list(table.x.double().cpu().T.contiguous()), table.y[:, 0].double().cpu().numpy()
        self.plain = Rows([parts[c] for c in columns], y, weight)
        every = Rows(parts, y, weight)
        self.form = None if form is None else form.settled(every)
        rows = self.plain if form is None else every
        if grammar.behaviour is not None and grammar.behaviour.parity:
            rows = Mirrored(rows, grammar.behaviour.parity)
        self._begin(rows if self.form is None else self.form.rows(rows), grammar, clock)

    def _begin(self, rows: Rows, grammar: Grammar, clock: Clock) -> None:
        self.rows, self.clock, self.is_done, self.longest = rows, clock, False, grammar.longest
        if self.form is not None:
            grammar = self.form.grammar(grammar)
        order = np.random.default_rng(0).permutation(len(rows))
        held = int(HELD * len(order))
        self.used, self.held = rows.some(np.sort(order[held:])), rows.some(np.sort(order[:held]))
        make = Splitting if self.form is None else self.form.search
        self.search: Search = make(self.used, grammar, lambda: clock.left)

    def run(self) -> None:
        """Look until a formula is exact or the time is up."""
        self.search.run()
        self.is_done = True

    def under(self, grammar: Grammar, clock: Clock) -> "Direct":
        """A search on the same rows, for other formulas of any form and with a clock of its own."""
        other = copy.copy(self)
        other.form = None
        other._begin(self.plain, grammar, clock)
        return other

    @property
    def is_exact(self) -> bool:
        """Whether a formula leaves nothing over, on the rows held back either."""
        return self.search.is_exact and (not len(self.held) or self.held.judged(self.search.allowed[0].tree).is_exact)

    def error(self, fitted: Fitted) -> float:
        """Of a formula on the rows held back; on those learned from if none are."""
        return self.held.judged(fitted.tree).error if len(self.held) else fitted.error

    def add(self, formula: Formula) -> None:
        """Put the formula of a network among those found, with its constants fitted again and what is too much left out."""
        tree = tree_of(formula.expressions[0], self.columns)
        if tree is not None:
            clock = Clock(ADDING)
            self.search.keep(self.search.simplified(self.used, self.used.fitted(tree), lambda: clock.left))

    def front(self, clock: Clock) -> tuple[tuple[Member, ...], Member, KAN]:
        """The front, the formula that is chosen, and this as a network.

        What is left of the time says how many formulas are worked out. A formula that no network computes is not chosen,
        since it is the network that is kept and predicts.

        Raises:
            ConfigError: There is none that may be offered.
        """
        found, longest = self.search.allowed, self.longest
        lengths: dict[int, Fitted] = {}
        for fitted in found:
            lengths.setdefault(fitted.tree.length(), fitted)
        likely = self._members(self._on_all_rows(found, clock.part(min(ADDING, clock.left / 2))))
        short = (member for member in likely if member.length <= longest)
        best, network = next(((member, made) for member in short if (made := member.network) is not None), (None, None))
        if best is None or network is None:
            limit = "" if longest == np.inf else f" with at most {longest:g} numbers, variables and operations"
            raise ConfigError(f"no formula{limit} was found that fits what is known of it: know less, or give more time")
        others = self._members(fitted for fitted in self._offered(list(lengths.values())) if not clock.is_over)
        front = [m for m in pareto([best, *others]) if str(m) != str(best) and m.length <= longest]
        return tuple(sorted([*front, best], key=lambda member: member.length)), best, network

    def _on_all_rows(self, found: list[Fitted], clock: Clock) -> Iterator[Fitted]:
        """Formulas, what the criterion likes best first: the likely ones fitted, made simpler and judged on all rows."""

        def simple(fitted: Fitted) -> Fitted:
            fitted = self.rows.fitted(fitted.tree)
            short = self.search.simplified(self.rows, fitted, lambda: clock.left)
            return fitted if has_pole(self.rows.whole(short.tree), self.rows.outer.columns) else short

        yield from sorted(map(simple, found[:LIKELY]), key=lambda fitted: fitted.score)
        yield from found[LIKELY:]

    def _offered(self, found: list[Fitted]) -> list[Fitted]:
        """Formulas of ever greater length and ever smaller error on rows held back."""
        kept, least = [], np.inf
        for fitted in sorted(found, key=lambda f: f.tree.length()):
            if (error := self.error(fitted)) < least:
                kept.append(fitted)
                least = error
        return kept if len(kept) <= OFFERED else [kept[i] for i in np.linspace(0, len(kept) - 1, OFFERED).astype(int)]

    def _members(self, found: Iterable[Fitted]) -> Iterator[Member]:
        """Formulas of a front, without those that behave otherwise with constants fitted to all rows."""
        for fitted in found:
            final = self.rows.fitted(fitted.tree)
            if self.search.grammar.behaves(final.tree):
                yield self._member(final)

    def _member(self, final: Fitted) -> Member:
        constants = zip(final.tree.constants(), self.rows.errors_of(final).tolist(), strict=True)
        formula = self._formula(final)
        between, beyond = excursions(formula, self.table.x.double().cpu(), self.table.y[:, 0].double().cpu())
        length = size(formula.expressions[0])
        error = self.error(self.used.fitted(final.tree))
        names = () if self.form is None else self.form.names
        return Member(formula, length, error, between, beyond, tuple(constants), final.score, names)

    def _formula(self, fitted: Fitted) -> Formula:
        """A formula as it is written, with figures of merit on the targets."""
        points, rows = self.table.x.double().cpu().numpy(), self.rows.outer
        wanted = rows.y[: len(points)]
        told, given = self.rows.told(fitted.tree).numpy()[: len(points)], {} if self.form is None else self.form.numbers
        expression = (
            fitted.tree.expression(self.columns) if self.form is None else self.form.written(fitted.tree, self.symbols)
        )
        tolerance = max(EXACT_DIGITS, SHARE * fitted.error) * rows.spread / max(float(told.std()), 1e-300)
        wide = np.column_stack([points, *(np.full(len(points), float(number)) for number in given.values())])
        formula = written_formula([expression], (*self.symbols, *given), wide, told[:, None], None, tolerance)
        expressions = tuple(expression.xreplace(given) for expression in formula.expressions)
        formula = replace(formula, expressions=expressions, variables=self.symbols)
        with torch.no_grad(), np.errstate(all="ignore"):
            rmse = float(np.sqrt(np.mean((np.asarray(formula(points))[:, 0] - wanted) ** 2)))
        return replace(formula, rmse=rmse, relative=rmse / max(float(wanted.std()), 1e-300))
