"""Our strategy where only time is given: short fits of many shapes and starts, of which ever fewer get ever finer grids.

Levenberg-Marquardt on grids of 3, 6, 12, ... intervals, each of which contains the one before, so that nothing is lost when
a grid is refined. Of the rows a sixth is held out and alone decides; test rows are seen when all is over.
"""

import copy
import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmarks.science.common import Clock, Result, Samples, count, rmse
from edgewise.bases import BSpline
from edgewise.kan import KAN
from edgewise.kan.fitting import fit
from edgewise.models import create_model

COARSE = 3
DEGREE = 3  # 5 was no better in equal time
STEPS = (12, 16, 16, 24, 32)  # on the first grid, the second, ...; the last for all finer ones
KEPT = 4  # candidates on the second grid; one less on each finer one
MOST = 0.6  # parameters for each fitted row, at most
ORDER = DEGREE + 1  # splines converge like this power of the grid, at best


@dataclass
class Candidate:
    """A network on its way from coarse to fine grids, with its validation error and that on the grid before."""

    width: tuple
    model: KAN
    grid: int = COARSE
    error: float = math.inf
    before: float = math.inf

    def forecast(self, most: float) -> float:
        """The error to be expected where the network has ``most`` parameters, if it goes on falling as it did."""
        if math.isinf(self.before):
            return self.error
        slope = min(ORDER, max(0.0, math.log2(self.before / self.error)))
        return self.error * min(1.0, count(self.model) / most) ** slope


class Search:
    """A search of so many seconds.

    Args:
        train: Rows to fit and to hold out.
        seconds: When to end.
        test: Rows on which what is best so far is measured on the way, off the clock, for the trail only.
    """

    def __init__(self, train: Samples, seconds: float, test: Samples | None = None):
        self.fitted, self.held = train.split(len(train.x) * 5 // 6)
        self.clock, self.test = Clock(seconds), test
        self.best: Candidate | None = None
        self.trail: list[tuple[float, int, float]] = []

    def run(self, shapes: Sequence[Sequence]) -> Candidate:
        """Brackets of shapes and starts until the time is up: first all shapes, then those that were best."""
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # more parameters than rows may be what a shape needs to be refused
            bracket = -1
            while True:
                bracket += 1
                torch.manual_seed(bracket)
                entrants = self._entrants(shapes, starts=2 if bracket == 0 else 4)
                if bracket == 0:  # the better start of each shape: coarse grids say little about shapes
                    entrants = [min(pair, key=lambda c: c.error) for pair in _by_width(entrants)]
                finalists = self._bracket(sorted(entrants, key=lambda c: c.error))
                if self.clock.left <= 0:
                    return self.best
                shapes = [pair[0].width for pair in _by_width(finalists)][:2] or shapes

    def _entrants(self, shapes: Sequence[Sequence], starts: int) -> list[Candidate]:
        found = []
        for width, _ in itertools.product(shapes, range(starts)):
            if self.clock.left > 0 or self.best is None:
                model = create_model("kan", width=list(width), basis=BSpline(COARSE, DEGREE, outside="linear")).double()
                found.append(self._grow(Candidate(tuple(width), model), STEPS[0]))
        return found

    def _bracket(self, candidates: list[Candidate]) -> list[Candidate]:
        """Refine again and again; whoever gets no better leaves, and so does the worst by forecast."""
        most, finalists = len(self.fitted.x) / 3, candidates
        level = 0
        while True:
            level += 1
            better = []
            for candidate in candidates:
                finer = 2 * candidate.grid
                numbers = count(candidate.model) / (candidate.grid + DEGREE + 1) * (finer + DEGREE + 1)
                if self.clock.left <= 0 or numbers > MOST * len(self.fitted.x):
                    continue
                grown = Candidate(candidate.width, candidate.model.refine(finer), finer, before=candidate.error)
                if self._grow(grown, STEPS[min(level, len(STEPS) - 1)]).error < candidate.error:
                    better.append(grown)
            if not better:
                return finalists
            finalists = sorted(better, key=lambda c: c.forecast(most))
            candidates = finalists[: max(1, KEPT + 1 - level)]

    def _grow(self, candidate: Candidate, steps: int) -> Candidate:
        """Fit on the present grid, which moves to its inputs twice, keeping what is best on the rows held out."""
        for part in (steps // 4, steps // 4, steps // 2):
            if self.clock.left > 0:
                candidate.model.update_grid(self.fitted.x, eps=1.0)  # evenly spaced: these functions are smooth
                fit(
                    candidate.model, self.fitted, test=self.held, optimizer="lm", steps=part, patience=part,
                    grid_updates=0, callback=self._interrupt, progress=False,
                )  # fmt: skip
        error = rmse(candidate.model, self.held)
        candidate.error = error if math.isfinite(error) else math.inf
        if self.best is None or candidate.error < self.best.error:
            self.best = copy.deepcopy(candidate)
            if self.test is not None:
                with self.clock.stopped():
                    self.trail.append((self.clock.spent, count(candidate.model), rmse(candidate.model, self.test)))
        return candidate

    def _interrupt(self, *_) -> None:
        """Ends a fit as Ctrl-C does: the network is as it was after its best step."""
        if self.clock.left <= 0:
            raise KeyboardInterrupt


def _by_width(candidates: list[Candidate]) -> list[list[Candidate]]:
    """Candidates of equal shapes together, in the order in which the shapes come."""
    return [[c for c in candidates if c.width == width] for width in dict.fromkeys(c.width for c in candidates)]


def race_ours(train: Samples, test: Samples, shapes: Sequence[Sequence], seconds: float) -> Result:
    """The network with the lowest validation error after so many seconds, measured on the test rows."""
    search = Search(train, seconds, test)
    best = search.run(shapes)
    shape = f"{best.model.width}, G={best.grid}"
    spent = search.clock.spent
    return Result("ours", rmse(best.model, test), shape, count(best.model), spent, trail=search.trail)
