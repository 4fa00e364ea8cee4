"""The way from a table to a formula, step by step."""

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch.types import Device

from edgewise._ground.errors import ConfigError, EdgewiseWarning, NonFiniteError, warn
from edgewise._ground.quiet import quiet
from edgewise.kan.discovery.between import Departure, between_rows, departure
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.discovery.start import affordable_grid, learning_by_heart
from edgewise.kan.discovery.strength import chosen_strength
from edgewise.kan.discovery.symbolise import Attempt, criterion, symbolise
from edgewise.kan.fitting.data import Loss, Table
from edgewise.kan.fitting.fit import fit
from edgewise.kan.fitting.history import History
from edgewise.kan.functions import Function
from edgewise.kan.interpret import Formula, Sparsity, attribute, keep_nodes, prune, refine, symbolic_formula
from edgewise.kan.interpret.aliases import slow_down
from edgewise.kan.interpret.cut import varying_edges
from edgewise.kan.kan import KAN
from edgewise.nn.ranks import alone

EXACT = 1e-20  # mean square, of targets of unit variance, below which accuracy is rounding
MUCH, LITTLE = 1.1, 1e-4  # a network does nearly as well if its loss is at most so many times another's, and so much more
FINER = 10  # intervals on which what is left after pruning is fitted
FORMULA_STEPS = 200  # constants of formulas move far
TINY = 1e-300  # of a spread that is none
DIGITS = 4  # of a constant
SHARE = 0.01  # of a formula's own error that rounding its numbers may add
EXACT_DIGITS = 1e-7  # and what it always may, in deviations of the targets


@dataclass(frozen=True)
class Found:
    """A network with curves, and the fits that led to it."""

    network: KAN
    stages: tuple[tuple[str, History], ...]


class Search:
    """A discovery as it goes: the rows, and what has been found so far.

    Args:
        model: The network to start from.
        table: The rows.
        optimizer: Of all fits.
        loss: Of outputs and targets; None for the mean square of targets in units of their deviation.
        steps: Of each fit.
        advance: Called after each step.
        device: Where networks are fitted; by default where they are.
    """

    def __init__(
        self, model: KAN, table: Table, optimizer: str, loss: Loss | None, steps: int, advance: Callable[[History], None],
        device: Device = None,
    ):  # fmt: skip
        self.found, self.choices = Found(model, ()), []
        self.symbolic: KAN | None = None
        self.formula: Formula | None = None
        self.departure: Departure | None = None
        self.optimizer, self.loss, self.steps, self.advance, self.device = optimizer, loss, steps, advance, device
        self.inputs = Scale.of(table.x, table.digit)
        self.outputs = Scale.of(table.y) if loss is None else Scale.none(model[-1].nodes)
        self.table = replace(table, x=self.inputs(table.x), y=table.y if loss else self.outputs(table.y))
        self.strength, self._first = 0.0, copy.deepcopy(model)

    def anew(self) -> KAN:
        """A network as the one at the start, drawn anew."""
        model = copy.deepcopy(self._first)
        for layer in model:
            layer.reset_parameters()
        return model

    def find_curves(self, penalty: float | Sparsity | Sequence[float | Sparsity], starts: int) -> None:
        """A network of few edges: sparse, pruned, under as weak a penalty and on as fine a grid as is worth it."""
        sparse = Found(self.found.network, (("sparse", self.fit(self.found.network, penalty=penalty, starts=starts)),))
        with alone(), quiet("what was cut has scores of", category=EdgewiseWarning):  # what is left over is looked at later
            self.found = Found(prune(sparse.network, self.table.x), sparse.stages)
        self.strength = chosen_strength(self.found.network, self.table, self.fit_some, self.loss)
        self.found = self.refined(self.fitted("pruned", self.found))

    def refined(self, found: Found) -> Found:
        """A network on a finer grid, or as it was if that is not worth its parameters."""
        finer = refine(found.network, affordable_grid(found.network, FINER, self.table.y.numel()))
        return min(self.fitted("refined", Found(finer, found.stages)), found, key=self.criterion)

    def thinner(self) -> Found | None:
        """The smallest network of the best hidden nodes that does nearly as well, if there is one with fewer."""
        network, enough = self.found.network, MUCH * self.measure(self.found.network) + LITTLE
        scores = attribute(network, self.table.x).node_scores[1:-1]
        for count in range(1, max(map(len, scores), default=0)):
            smaller = keep_nodes(network, [s.argsort(descending=True)[:count].tolist() for s in scores], x=self.table.x)
            found = self.fitted("thinned", Found(smaller, self.found.stages))
            if self.measure(smaller) <= enough or self.criterion(found) <= self.criterion(self.found):
                return self.refined(found)
        return None

    def find_formulas(self, functions: Iterable[str | Function] | None, names: Sequence[str] | None) -> None:
        """The network of formulas, and the formula."""
        self.name_edges(functions)
        self.write(names)

    def name_edges(self, functions: Iterable[str | Function] | None) -> None:
        """The network of formulas."""
        attempts: list[tuple[Attempt, Found]] = []
        for found in filter(None, (self.thinner(), self.found)):
            attempts.append((symbolise(found.network, self.table.x, self.refit, functions), found))
            attempts.sort(key=lambda pair: pair[0].score)
            self.found = attempts[0][1]
            if self.measure(attempts[0][0].network) < EXACT:
                break
        self.take(attempts[0][0], self.found)

    def take(self, best: Attempt, found: Found) -> None:
        """Settle for formulas, all of whose constants are fitted once more, and the curves that they come from."""
        self.found = Found(found.network, (*found.stages, ("formula", self.fit(best.network, FORMULA_STEPS))))
        slow_down(best.network, self.table.x)
        self.symbolic, self.choices = best.network, best.choices

    def write(self, names: Sequence[str] | None) -> None:
        """The formula of the network of formulas; its figures of merit are those on the targets."""
        if self.symbolic is None:
            raise ConfigError("a formula is written after the edges got functions: call name_edges first")
        error = 1.0 if self.loss else self.measure(self.symbolic) ** 0.5
        constant = not any(varying_edges(layer).any() for layer in self.symbolic)
        formula = symbolic_formula(
            self.symbolic,
            names=names,
            x=self.inputs.back(self.table.x),
            input_normalizer=self.inputs.pair(),
            output_normalizer=self.outputs.pair(),
            digits=DIGITS if constant else None,
            tolerance=EXACT_DIGITS if constant else max(EXACT_DIGITS, SHARE * error),
        )
        self.formula = formula if self.loss else self._judged(formula)
        x = self.table.x
        self.departure = departure(self.found.network, self.symbolic, x, between_rows(x))
        if self.departure.is_wild:
            warn(
                f"between the rows the formula lies up to {self.departure.between:.2g} standard deviations from the fitted "
                f"curves, at them up to {self.departure.rows:.2g}: give more rows or fewer functions"
            )

    def _judged(self, formula: Formula) -> Formula:
        """A formula that says how far it is from the targets."""
        wanted = self.outputs.back(self.table.y)
        rmse = (formula(self.inputs.back(self.table.x)) - wanted).square().mean().sqrt().item()
        return replace(formula, rmse=rmse, relative=rmse / max(wanted.std(0, correction=0).mean().item(), TINY))

    def fit(
        self,
        model: KAN,
        steps: int | None = None,
        table: Table | None = None,
        *,
        penalty: float | Sparsity | Sequence[float | Sparsity] = 0.0,
        starts: int = 1,
        grid_updates: int = 10,
    ) -> History:
        """Fit a network in place; an interrupt is passed on."""
        rows = table or self.table
        with learning_by_heart():
            history = fit(
                model,
                (rows.x, rows.y),
                optimizer=self.optimizer,
                steps=steps or self.steps,
                penalty=penalty,
                starts=starts,
                loss=self.loss,
                weights=rows.weight,
                grid_updates=grid_updates,
                callback=lambda _, __, h: self.advance(h),
                progress=False,
                device=self.device,
            )
        if history.stopped == "interrupted":
            raise KeyboardInterrupt
        return history

    def fit_some(self, model: KAN, table: Table, penalty: float) -> None:
        """Fit a network to some rows."""
        self.fit(model, table=table, penalty=penalty)

    def fitted(self, stage: str, found: Found) -> Found:
        """A network after one fit more, in place."""
        return Found(found.network, (*found.stages, (stage, self.fit(found.network, penalty=self.strength))))

    def refit(self, model: KAN) -> float:
        """Fit a network of formulas, and give its deviance; infinite if it is not defined on the rows."""
        try:
            updates = 10 if any(layer.mask.any() for layer in model) else 0  # formulas have no grids
            self.fit(model, 2 * self.steps, penalty=self.strength, grid_updates=updates)
        except NonFiniteError:
            return math.inf
        slow_down(model, self.table.x)
        return self.deviance(model)

    @torch.no_grad()
    def measure(self, model: KAN) -> float:
        """The loss of a network on all rows."""
        return float(self.table.error(model(self.table.x), self.loss))

    def deviance(self, model: KAN) -> float:
        """Minus two log likelihoods of all targets."""
        loss = self.measure(model)
        return self.table.y.numel() * (2 * loss if self.loss else math.log(loss + EXACT))

    def criterion(self, found: Found) -> float:
        """How bad a network with curves is; see :func:`edgewise.kan.discovery.symbolise.criterion`."""
        return criterion(found.network, 0, self.deviance(found.network), self.table.y.numel())
