"""Estimators that take their rows in chunks, none of which is kept."""

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError, warn
from edgewise.estimators.base import KANEstimator, tensors
from edgewise.estimators.choice import STRAIGHT_ON
from edgewise.estimators.columns import Columns
from edgewise.estimators.online import Course, check_size
from edgewise.estimators.penalised import best_constant
from edgewise.estimators.settings import check_settings
from edgewise.kan.discovery.restart import TRIES, WORSE
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.discovery.start import seeded, start
from edgewise.kan.fitting import CurvedLoss, Table
from edgewise.kan.fitting.columns import cut_still, still
from edgewise.kan.kan import KAN

OF_A_FIT = ("shares_", "errors_", "reach_", "history_", "formula_", "discovery_", "_spread")  # what only fit sets
STRENGTH = 1.0  # rows that the penalty counts as, if nothing is said


class KANInChunks(KANEstimator):
    """Adds what ``partial_fit`` of regressor and classifier share."""

    def _fit(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None, loss: CurvedLoss, digit: float) -> None:
        for name in ("_course", "_first", "n_samples_seen_"):
            self.__dict__.pop(name, None)
        super()._fit(x, y, weight, loss, digit)

    def _begins(self) -> bool:
        """Whether no chunk has come yet; a warning says if a fit has.

        Raises:
            ConfigError: Settings for which rows cannot come in chunks.
        """
        if self.symbolic:
            raise ConfigError("formulas are sought on all rows at once: leave out symbolic=True, or use fit")
        if self.optimizer != "lm":
            raise ConfigError(f"partial_fit takes steps of optimizer='lm', got {self.optimizer!r}")
        check_settings(self)
        if isinstance(self.penalty, Sequence) or not (self.penalty is None or self.penalty > 0):
            raise ConfigError(f"the penalty of partial_fit is one positive number, or None for 1, got {self.penalty!r}")
        if hasattr(self, "_course"):
            return False
        if hasattr(self, "network_"):
            warn(
                "partial_fit goes on from partial_fit alone, and fit keeps nothing to go on from: what it has learned is "
                "forgotten, and this is the first chunk"
            )
        return True

    def _fit_chunk(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None, loss: CurvedLoss, digit: float) -> None:
        """Set everything that is learned from the first chunk; the arguments are those of ``_fit``."""
        rows, targets, weights = tensors(x, y, weight)
        columns = Columns.of(rows, digit, weights).within(STRAIGHT_ON)
        scale = self._target_scale(targets, weights)
        with seeded(self._seed()):
            model = start((x.shape[1], *self._nodes, y.shape[1]), self.grid, self.k, y.size)
            check_size(model)
            cut_still(model, rows, digit, self._names())
            self._warn_of_targets(model, targets)
            self._course = self._best_course(model, Table(columns(x), scale(targets), None, weights), loss)
        for name in OF_A_FIT:
            self.__dict__.pop(name, None)
        self.penalty_ = self._strength()
        self._first, self.n_samples_seen_ = columns, len(x)
        self._keep(self._course.model, columns, scale)

    def _best_course(self, model: KAN, table: Table, loss: CurvedLoss) -> Course:
        """Of several beginnings the best, and of more if none is better than a constant."""
        floor = float(table.error(best_constant(table, loss).expand_as(table.y), loss))
        best, least, until = None, math.inf, self._until()
        for attempt in range(self.starts + TRIES):
            made = copy.deepcopy(model)
            for layer in made if attempt else []:
                layer.reset_parameters()
            course = Course.begun(made, table, loss, self._strength(), self.steps, until)
            with torch.no_grad():
                error = float(table.error(made(table.x), loss))
            if best is None or error < least:
                best, least = course, error
            if attempt + 1 >= self.starts and least <= WORSE * floor:
                break
        assert best is not None
        self._warn_if_worse(least, floor)
        return best

    def _go_on(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> None:
        """Learn from a further chunk."""
        if y.shape[1] != len(self.target_mean_):
            raise DataError(f"the first chunk had {len(self.target_mean_)} targets a row and this one has {y.shape[1]}")
        rows, targets, weights = tensors(x, y, weight)
        self._warn_of_news(x, rows)
        scale = Scale(torch.tensor(self.target_mean_), torch.tensor(self.target_scale_))
        self._course.go_on(Table(self._columns(x), scale(targets), None, weights), self.steps, self._until())
        self._columns = self._columns.with_rows(rows)
        self.n_samples_seen_ += len(x)

    def _strength(self) -> float:
        return STRENGTH if self.penalty is None else float(self.penalty)  # pyright: ignore[reportArgumentType] (see _begins)

    def _warn_of_news(self, x: np.ndarray, rows: Tensor) -> None:
        """Say what the first chunk did not know of: numbers beyond its own, and columns that did not vary in it."""
        names = self._names()
        if found := self._first.told_outside(x, names):
            warn(
                f"{found[0]}% of the rows lie beyond those of the first chunk in column {found[1]}: curves have no grid "
                "there and go on straight, by one range at most; begin with rows that span it, such as shuffled ones"
            )
        others = torch.cat([rows, self._first.scale.mean.unsqueeze(0)])
        moved = (self._first.still & ~still(others)).nonzero().flatten()
        if len(moved):
            said = ", ".join(repr(names[c]) if names else f"{c} (counted from 0)" for c in moved.tolist())
            warn(
                f"column {said} varies now and did not in the first chunk, so nothing is learned from it: begin with rows "
                "in which it varies, such as shuffled ones"
            )


def check_varies(targets: np.ndarray) -> None:
    """Raise an error if a target ``(N, outputs)`` is the same in all rows of a first chunk.

    Raises:
        DataError: It is.
    """
    same = np.ptp(targets, axis=0) == 0
    if same.any():
        raise DataError(
            f"target {same.argmax()} (counted from 0) is {targets[0, same.argmax()]:g} in all rows of the first chunk, "
            "which decides its unit: begin with rows in which it varies, such as shuffled ones"
        )
