"""From curves to formulas, layer by layer: what one layer's formulas leave undone the curves after it may still learn."""

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.kan.discovery.between import Ways, between_rows, departure
from edgewise.kan.functions import Function
from edgewise.kan.interpret.cut import Lost, cut
from edgewise.kan.interpret.symbolic import FLOOR, Candidate, Choice, auto_symbolic, choose
from edgewise.kan.kan import KAN

FACTORS = (2.0, 10.0, 100.0)  # of the least error of any function, or
LEVELS = (1e-3, 1e-2, 0.1)  # share of the edge's variance: what the simplest function may leave over, each tried
LARGEST = 1e6  # constant of a formula in units of deviations: beyond, terms cancel, as a sine that stands in for a square
WAVES = {"sin": 3, "cos": 3}  # numbers that are fitted, which is more than they cost to write: noise is full of waves
KEPT = 2  # attempts that go on to the next layer


@dataclass
class Attempt:
    """A network of which the first layers are formulas.

    Attributes:
        network: It.
        choices: The formulas of its edges, and what else was tried.
        score: The number to be made small, see :func:`criterion`.
    """

    network: KAN
    choices: list[Choice] = field(default_factory=list)
    score: float = math.inf


@dataclass(frozen=True)
class _Task:
    """What formulas are to be found for: curves, the rows they were fitted to and ways between, and how to fit again."""

    curves: KAN
    x: Tensor
    ways: Ways
    refit: Callable[[KAN], float]
    functions: list[str | Function] | None

    def judged(self, network: KAN, choices: list[Choice]) -> Attempt:
        """A network fitted again, with its score: infinity if it does between the rows what the curves do not."""
        attempt = scored(Attempt(network, choices), len(self.x), self.refit(network))
        if math.isfinite(attempt.score) and departure(self.curves, network, self.x, self.ways).is_wild:
            return replace(attempt, score=math.inf)
        return attempt


def symbolise(
    network: KAN,
    x: Tensor,
    refit: Callable[[KAN], float],
    functions: Iterable[str | Function] | None = None,
) -> Attempt:
    r"""The network with a formula on each edge, chosen by accuracy and simplicity after refitting.

    Curves of a network are not unique: a product, for instance, is a difference of squares of two sums, but also of
    many other pairs. So formulas are given to one layer at a time, in several ways that trade accuracy for simplicity, and
    after each all that is left is fitted again. Of all attempts that with the least :func:`criterion` is kept, and edges of
    it are cut or simplified as long as that lowers it. Attempts that depart from the curves between the rows are refused.

    Args:
        network: A fitted network; it is not changed.
        x: The rows that it was fitted to.
        refit: Fits a network in place, and gives its deviance.
        functions: Names of functions to try; the whole library by default.

    Raises:
        ConfigError: An unknown function, or an edge that is none of the functions.
    """
    task = _Task(network, x, between_rows(x), refit, None if functions is None else list(functions))
    attempts = [Attempt(network)]
    for number in range(len(network)):
        attempts = [better for attempt in attempts for better in _with_layer(attempt, number, task)]
        attempts = sorted(attempts, key=lambda attempt: attempt.score)[:KEPT]
    return min((_simplified(attempt, task) for attempt in attempts), key=lambda attempt: attempt.score)


def _with_layer(attempt: Attempt, number: int, task: _Task) -> list[Attempt]:
    """The attempt with formulas on one layer more, in each way that the tolerances give."""
    choices = auto_symbolic(copy.deepcopy(attempt.network), task.x, task.functions, min_r2=-math.inf)
    found = [choice for choice in choices if choice.layer == number]
    ways = {}
    for factor, level in [*((factor, 0.0) for factor in FACTORS), *((FACTORS[0], level) for level in LEVELS)]:
        chosen = [_simplest(choice.candidates, factor, level) for choice in found]
        ways.setdefault(tuple(candidate.name for candidate in chosen), chosen)
    return [_refitted(attempt, zip(found, chosen, strict=True), task) for chosen in ways.values()]


def _simplest(candidates: Sequence[Candidate], factor: float, level: float) -> Candidate:
    """The simplest function that leaves over no more than ``level``, or ``factor`` times the least possible."""
    least = max(min(c.error for c in candidates), FLOOR)
    chosen = choose(candidates, max(FACTORS[0] * least, level, min(factor * least, LEVELS[-1])) / least)
    if chosen is None:
        names = ", ".join(c.name for c in candidates)
        raise ConfigError(f"an edge is none of the functions {names} where its samples are: allow more, such as x")
    return chosen


def _simplified(attempt: Attempt, task: _Task) -> Attempt:
    """The attempt with edges cut, or with simpler functions, from the last layer on, where that is better."""
    for place in reversed(range(len(attempt.choices))):
        choice = attempt.choices[place]
        simpler = [c for c in choice.candidates if 0 < c.complexity < choice.taken.complexity]
        ways = [None, *(min(same, key=lambda c: c.error) for _, same in groupby(sorted(simpler, key=_cost), key=_cost))]
        for way in ways:
            trial = _refitted(attempt, [(choice, way)], task)
            if trial.score < attempt.score:
                attempt = trial
                break
    return attempt


def _cost(candidate: Candidate) -> int:
    return candidate.complexity


def _refitted(attempt: Attempt, changes: Iterable[tuple[Choice, Candidate | None]], task: _Task) -> Attempt:
    """The attempt with other functions on some edges, or with edges cut, fitted again."""
    network, choices = copy.deepcopy(attempt.network), {_edge(choice): choice for choice in attempt.choices}
    for choice, candidate in changes:
        if candidate is None:
            _cut(network, choice, task.x)
            del choices[_edge(choice)]
        else:
            network.fix_symbolic(choice.layer, choice.into, choice.out, candidate.name, candidate.affine)
            choices[_edge(choice)] = replace(choice, candidate=candidate)
    return task.judged(network, list(choices.values()))


def scored(attempt: Attempt, rows: int, deviance: float) -> Attempt:
    """The attempt with its score: its :func:`criterion`, or infinity if a constant is so large that terms must cancel."""
    taken = [choice.taken for choice in attempt.choices]
    network, complexity = attempt.network, sum(max(c.complexity, WAVES.get(c.name, 0)) for c in taken)
    largest = max((float(layer.symbolic.affine.detach().abs().max()) for layer in network if layer.symbolic), default=0)
    return replace(attempt, score=criterion(network, complexity, deviance, rows) if largest < LARGEST else math.inf)


def _cut(network: KAN, choice: Choice, x: Tensor) -> None:
    """Cut one edge; its mean stays where something else leads into the same subnode, or a product needs it as a factor."""
    layer, lost = network[choice.layer], [torch.zeros_like(layer.mask) for layer in network]
    lost[choice.layer][choice.out, choice.into] = True
    if choice.out < layer.sums and not (layer.edges() & ~lost[choice.layer])[choice.out].any():
        layer.enable_symbolic().clear(choice.out, choice.into)  # the next layer's constants, fitted again, take it over
    else:
        cut(network, [Lost(gone, gone) for gone in lost], x)


def _edge(choice: Choice) -> tuple[int, int, int]:
    return choice.layer, choice.out, choice.into


def criterion(network: KAN, complexity: float, deviance: float, rows: int) -> float:
    r"""Schwarz's criterion: badness of fit, and :math:`\log N` for each number of a curve and each unit of complexity.

    Args:
        network: Its curves are counted.
        complexity: Of its formulas.
        deviance: Minus two log likelihoods of all rows; of mean squares ``rows * log(loss)``.
        rows: Their number N (G. Schwarz, Ann. Statist. 6, 1978).
    """
    curves = sum(int(layer.mask.sum()) * layer.edge_weights().shape[1] for layer in network)
    return deviance + math.log(rows) * (complexity + curves)
