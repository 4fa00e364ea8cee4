"""What the estimators share: columns in units of their deviations, a seed of their own, a penalty that suits the data."""

import copy
import math
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import warn
from edgewise._ground.optional import require
from edgewise.estimators.choice import choose
from edgewise.estimators.columns import Columns
from edgewise.estimators.learned import Learned
from edgewise.estimators.penalised import best_constant
from edgewise.estimators.rows import Rows, folds_of, sample_of
from edgewise.estimators.settings import check_settings
from edgewise.kan.discovery.discover import HIDDEN, PENALTY, discover
from edgewise.kan.discovery.knowledge import Knowledge
from edgewise.kan.discovery.restart import WORSE, fit_again
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.discovery.start import learning_by_heart, seeded, start
from edgewise.kan.fitting import CurvedLoss, History, Table, fit
from edgewise.kan.fitting.columns import cut_still
from edgewise.kan.fitting.losses import Squares
from edgewise.kan.kan import KAN

LARGEST_SEED = 2**31 - 1


class KANEstimator(Learned):
    """Base of regressor and classifier; their docstrings say what the settings are."""

    _constant: ClassVar[str]  # the best prediction that looks at no column, in words

    def __init__(
        self,
        hidden: Sequence | None = None,
        *,
        grid: int = 3,
        k: int = 3,
        penalty: float | Sequence[float] | None = None,
        optimizer: str = "lm",
        steps: int = 20,
        starts: int = 1,
        max_time: float | None = None,
        symbolic: bool = False,
        functions: Sequence[str] | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str | None = None,
    ):
        self.hidden = hidden
        self.grid = grid
        self.k = k
        self.penalty = penalty
        self.optimizer = optimizer
        self.steps = steps
        self.starts = starts
        self.max_time = max_time
        self.symbolic = symbolic
        self.functions = functions
        self.random_state = random_state
        self.device = device

    def _fit(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None, loss: CurvedLoss, digit: float) -> None:
        """Set everything that is learned.

        Args:
            x: Rows, checked.
            y: Their targets ``(N, outputs)``, as the loss takes them.
            weight: How much each row counts, or None.
            loss: What is made small.
            digit: The relative size of the rounding errors with which the rows were given.
        """
        check_settings(self)
        seed = self._seed()
        if self.symbolic:
            self._discover(x, y, weight, loss, digit, seed)
            return
        rows, targets, weights = tensors(x, y, weight)
        columns = Columns.of(rows, digit, weights)
        scale = self._target_scale(targets, weights)
        table = Table(columns(x), scale(targets), None, weights)
        with seeded(seed):
            model = start((x.shape[1], *self._nodes, y.shape[1]), self.grid, self.k, y.size)
            cut_still(model, rows, digit, self._names())
            self._warn_of_targets(model, targets)
            if self.penalty is None:
                self._choose(model, table, loss, columns, scale)
            else:
                self._fit_one(model, table, loss, self.penalty)
                self._keep(model, columns, scale)

    def _seed(self) -> int:
        """One more number of the generator that was given."""
        random = require("sklearn.utils", extra="science").check_random_state(self.random_state)
        return int(random.randint(LARGEST_SEED))

    def _until(self) -> float:
        """When no other step is begun, by :func:`time.monotonic`."""
        return math.inf if self.max_time is None else time.monotonic() + self.max_time

    @property
    def _nodes(self) -> Sequence:
        """Of the hidden layers."""
        return HIDDEN if self.hidden is None else self.hidden

    def _choose(self, model: KAN, table: Table, loss: CurvedLoss, columns: Columns, scale: Scale) -> None:
        """Compare shapes on rows held back, and keep what these want."""
        until = self._until()
        table, rest = sample_of(table, self._class_numbers(table))
        rows = Rows(table, loss, folds_of(self._class_numbers(table), len(table)), best_constant(table, loss))

        def draw() -> KAN:
            made = copy.deepcopy(model)
            for layer in made:
                layer.reset_parameters()
            return made

        found = choose(model, draw, rows, self.steps, self.starts, rest, until, self._ways())
        self.shares_, self.errors_, self.penalty_ = found.shares, found.errors, found.strength
        self.reach_ = found.reach
        if rows.floor() > 0 and not any(found.shares.values()):
            warn(
                f"no shape tells rows held back better than {self._constant}, which is what is predicted now: other "
                "columns, or more rows, may know more"
            )
        left = scale.back(found.rows.table.y) - self._told(scale.back(found.held))
        self._spread = self._spread_of(left, found.rows, model, columns)
        shifted = Scale(scale.mean + found.constant * scale.deviation, scale.deviation)
        self._keep(found.model, columns.within(found.reach), shifted)

    def _fit_one(self, model: KAN, table: Table, loss: CurvedLoss, penalty: float | Sequence[float]) -> None:
        """Fit to all rows under the penalty that was given, and say so if that is worse than a constant."""
        self.penalty_ = penalty
        constant = best_constant(table, loss)
        floor = float(table.error(constant.expand_as(table.y), loss))
        courses: list[History] = []

        def fit_all(model: KAN) -> None:
            courses.append(self._fit_network(model, table, loss, penalty))

        def error(model: KAN) -> float:
            with torch.no_grad():
                return float(table.error(model(table.x), loss))

        fit_again(model, fit_all, error, floor)
        self.history_ = courses[-1]
        self._warn_if_worse(error(model), floor)

    def _warn_if_worse(self, left: float, floor: float) -> None:
        if not left <= WORSE * floor:
            warn(
                f"the network is worse on its own training rows than {self._constant} (a loss of {left:.3g} where that has "
                f"{floor:.3g}): look for rows that are unlike all others, take more steps, or another random_state"
            )

    def _fit_network(self, model: KAN, table: Table, loss: CurvedLoss, penalty: float | Sequence[float]) -> History:
        with learning_by_heart():
            return fit(
                model,
                (table.x, table.y),
                weights=table.weight,
                optimizer=self.optimizer,
                steps=self.steps,
                penalty=penalty,
                starts=self.starts,
                loss=None if isinstance(loss, Squares) else loss,
                progress=False,
                device=self.device,
            )

    def _target_scale(self, targets: Tensor, weight: Tensor | None) -> Scale:
        """The units of the targets: as they are, if not said otherwise."""
        return Scale.none(targets.shape[1])

    def _told(self, outputs: Tensor) -> Tensor:
        """What is predicted where the network gives ``outputs``, in units of the targets: just that, usually."""
        return outputs

    def _spread_of(self, left: Tensor, rows: Rows, model: KAN, columns: Columns) -> Any:
        """What is known of errors, a Spread where targets are numbers."""

    def _warn_of_targets(self, model: KAN, targets: Tensor) -> None:
        """Say what is odd about targets, and cut what cannot learn from them."""

    def _ways(self) -> Sequence[int] | None:
        """For each column of the network 1 if predictions must rise with it, -1 if they must fall, 0; None if all are 0."""
        return None

    def _known(self) -> Knowledge | None:
        """What formulas are known to do."""
        return None

    def _class_numbers(self, table: Table) -> Tensor | None:
        """The numbers of the classes, which folds share out evenly; None where there are none."""
        return None

    def _discover(
        self, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None, loss: CurvedLoss, digit: float, seed: int
    ) -> None:
        found = discover(
            x.astype(np.float32) if digit == np.finfo(np.float32).eps else x,  # the numbers as they were given
            y,
            names=self._names(),
            hidden=self.hidden,
            grid=self.grid,
            k=self.k,
            functions=self.functions,
            known=self._known(),
            penalty=PENALTY if self.penalty is None else self.penalty,
            optimizer=self.optimizer,
            loss=None if isinstance(loss, Squares) else loss,
            weights=weight,
            steps=self.steps,
            starts=self.starts,
            max_time=self.max_time,
            seed=seed,
            progress=False,
            device=self.device,
        )
        self.discovery_, self.formula_ = found, found.formula
        if found.formula is None:
            warn(
                f"no formula was found before the search ended ({found.stopped}): formula_ is None and predictions are "
                "those of the curves that the network had then: give more max_time"
            )
        columns = Columns.of(torch.tensor(x), digit).as_formula_takes_them(found.inputs)
        self._keep(found.symbolic or found.network, columns, found.outputs)


def tensors(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """Rows, targets and weights for torch."""
    return torch.tensor(x), torch.tensor(y), None if weight is None else torch.tensor(weight)
