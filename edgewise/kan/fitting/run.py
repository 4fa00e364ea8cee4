"""A fit as it goes: its stages, what it has recorded, and the last state that is worth keeping."""

import copy
import math
import time
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from edgewise._ground.errors import NonFiniteError
from edgewise.bases import BSpline
from edgewise.kan.fitting.columns import cut_still
from edgewise.kan.fitting.data import Loss, Table
from edgewise.kan.fitting.history import History
from edgewise.kan.fitting.lbfgs import LBFGS, Adam
from edgewise.kan.fitting.losses import CurvedLoss
from edgewise.kan.fitting.marquardt import Marquardt
from edgewise.kan.fitting.plan import Plan, Stage
from edgewise.kan.fitting.progress import Progress
from edgewise.kan.network import Network
from edgewise.nn import refine_grid
from edgewise.nn.ranks import alone

PATIENCE_WITHOUT_PROGRESS = 2  # steps that led nowhere, one after the other, before a stage ends


def check_start(value: float) -> None:
    """Raise a NonFiniteError unless the loss before the first step is a number."""
    if not math.isfinite(value):
        raise NonFiniteError(
            f"the loss is {value} before the first step: look for inputs outside the domain of a symbolic edge (log, "
            "sqrt, 1/x) and for targets that are too large to square"
        )


class Run:
    """One fit, or several from other starts.

    Args:
        model: The network; it changes in place.
        train: The rows to fit.
        test: Rows that are measured.
        loss: Of outputs and targets; None for the mean square.
        plan: What is to be done.

    Attributes:
        history: Of the present start.
        score: What decides between starts, at the last state that was kept: with patience the loss on ``test``, if there
            is one, and else loss and penalty.
    """

    def __init__(self, model: Network, train: Table, test: Table | None, loss: Loss | None, plan: Plan):
        self.model, self.train, self.test, self.loss, self.plan = model, train, test, loss, plan
        self.sparsity, self.start = plan.stages[0].sparsity, time.perf_counter()
        self._first, self._done = copy.deepcopy(model) if plan.starts > 1 else model, []
        self._begin()

    def check_finite(self) -> None:
        """Raise a NonFiniteError if there is nothing to start from."""
        with torch.no_grad():
            check_start(float(self.objective()))

    def leave_out_still(self) -> None:
        """Cut the edges from columns that do not vary, in what other starts begin with too."""
        cut_still(self.model, self.train.x, self.train.digit)
        self._first[0].set_mask(self.model[0].mask)
        self._begin()

    def start_again(self) -> None:
        """Set what was fitted aside and draw the parameters anew, but for frozen ones, on the grids as they were."""
        self._done.append((self.score, self.history, [*self.model]))
        for place, layer in enumerate(copy.deepcopy(self._first)):
            frozen = {name: p.detach().clone() for name, p in layer.named_parameters() if not p.requires_grad}
            layer.reset_parameters()
            with torch.no_grad():
                for name, old in frozen.items():
                    layer.get_parameter(name).copy_(old)
            self.model[place] = layer
        self._begin()

    def best(self) -> History:
        """Leave the model with the best of all starts, and give its history."""
        _, history, layers = min([*self._done, (self.score, self.history, [*self.model])], key=lambda done: done[0])
        for place, layer in enumerate(layers):
            self.model[place] = layer
        return history

    def objective(self) -> Tensor:
        """What is made small."""
        if self.sparsity is None:
            return self.train.error(self.model(self.train.x), self.loss)
        trace = self.model.trace(self.train.x)
        return self.train.error(trace.output, self.loss) + self.sparsity(self.model, trace)

    def stage(self, stage: Stage, callback: Callable[[Network, int, History], None] | None, bar: Progress) -> None:
        """Steps on one grid and under one penalty."""
        self.sparsity, plan = stage.sparsity, self.plan
        if stage.grid is not None:
            for layer in self.model:
                refine_grid(layer, stage.grid)
        updates, stepper = self._updates(), None
        best, since, idle = math.inf, 0, 0
        self.history.stopped = "all steps done"
        for step in range(plan.steps):
            if step in updates:
                with alone():
                    self.model.update_grid(self.train.x)
                if stepper is not None:
                    stepper.reset()
            if stepper is None:
                self._keep(math.inf)
                stepper = self._stepper()
            stepper.step()
            score = self._record()
            if plan.patience is None or score < best:
                best, since = min(best, score), 0
                if math.isfinite(self.history.loss[-1]):
                    self._keep(score)
            else:
                since += 1
            if callback is not None:
                callback(self.model, len(self.history) - 1, self.history)
            bar.advance(self.history)
            idle = idle + 1 if stepper.stuck else 0
            if reason := self._reason_to_stop(since, idle if step > max(updates, default=0) else 0):
                self.history.stopped = reason
                break
        if plan.patience is not None or not math.isfinite(self.history.loss[-1]):
            self.restore()

    def restore(self) -> None:
        """Go back to the last state that was kept, unless the grids are about to change: their functions do not."""
        now = self.model.state_dict()
        if {n: t.shape for n, t in now.items()} == {n: t.shape for n, t in self._kept.items()}:
            self.model.load_state_dict(self._kept)

    def _reason_to_stop(self, since: int, idle: int) -> str | None:
        if not math.isfinite(self.history.loss[-1]):
            return f"the loss became {self.history.loss[-1]}; the network is as it was before"
        if idle >= PATIENCE_WITHOUT_PROGRESS:
            return "converged"
        if self.plan.patience is not None and since >= self.plan.patience:
            return f"no lower loss for {self.plan.patience} steps"
        return None

    def _begin(self) -> None:
        self.history = History()
        self._keep(math.inf)

    def _keep(self, score: float) -> None:
        self.score, self._kept = score, {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def _updates(self) -> set[int]:
        """The steps before which the grids move, evenly over the first half of a stage."""
        if not all(isinstance(layer.edge.basis, BSpline) for layer in self.model):
            return set()
        count = self.plan.grid_updates
        return {round(i * self.plan.steps / 2 / count) for i in range(count)}

    def _stepper(self) -> LBFGS | Adam | Marquardt:
        if self.plan.optimizer == "lm":
            return Marquardt(self.model, self.train, self.sparsity, cast("CurvedLoss | None", self.loss))
        kind = LBFGS if self.plan.optimizer == "lbfgs" else Adam
        return kind(self.model, self.objective, *([] if self.plan.lr is None else [self.plan.lr]))

    @torch.no_grad()
    def _record(self) -> float:
        """Note where the fit is; gives what decides when to stop."""
        trace, layers = self.model.trace(self.train.x), list(self.model)
        self.history.append(
            loss=float(self.train.error(trace.output, self.loss)),
            penalty=float(self.sparsity(self.model, trace)) if self.sparsity else 0.0,
            outside=max(layer.fraction_outside(x) for layer, x in zip(layers, trace.inputs, strict=True)),
            grid=getattr(layers[0].edge.basis, "grid_size", None),
            seconds=time.perf_counter() - self.start,
            test=None if self.test is None else float(self.test.error(self.model(self.test.x), self.loss)),
        )
        if self.test is not None and self.plan.patience is not None:
            return self.history.test[-1]
        return self.history.loss[-1] + self.history.penalty[-1]
