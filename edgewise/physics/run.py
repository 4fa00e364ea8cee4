"""A solution as it goes: stages of steps, and what is noted of each."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from edgewise._ground.errors import DataError, NonFiniteError, warn
from edgewise.bases import BSpline
from edgewise.kan.fitting.history import History
from edgewise.kan.fitting.lbfgs import LBFGS, Adam
from edgewise.kan.fitting.progress import Progress
from edgewise.kan.network import Network
from edgewise.nn import edge_layers, refine_grid
from edgewise.physics.gauss_newton import GaussNewton
from edgewise.physics.grids import movable, move_grids
from edgewise.physics.operators import grad
from edgewise.physics.problem import Problem
from edgewise.physics.residuals import Residuals
from edgewise.physics.term import Term
from edgewise.physics.unknowns import check_what_is_read
from edgewise.physics.weighed import reached, renewed

PATIENCE_WITHOUT_PROGRESS = 2  # steps that led nowhere, one after the other, before a stage ends


@dataclass(repr=False)
class Course(History):
    """The course of a solution, one entry a step.

    Attributes:
        terms: The mean square by which each term fails, without its weight.
        weights: What the mean square of each term counted for.
        reached: The time that the weights in time of each term that has them have reached. ``loss`` and ``terms`` are
            without these weights.
    """

    terms: dict[str, list[float]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    reached: dict[str, list[float]] = field(default_factory=dict)


class Run:
    """A solution as it goes."""

    def __init__(self, model: nn.Module, problem: Problem, test: tuple[Tensor, Tensor] | None):
        self.model, self.problem, self.test = model, problem, test
        self.start = time.perf_counter()
        self.begin()

    def begin(self) -> None:
        """A course without any step."""
        self.course = Course(terms={term.name: [] for term in self.problem.terms})
        self.course.weights = {term.name: term.factor for term in self.problem.terms}
        self.course.reached = {term.name: [] for term in self.problem.terms if term.causal is not None}

    def stage(
        self,
        grid: int | None,
        optimizer: str,
        steps: int,
        lr: float | None,
        grid_updates: int,
        callback: Callable[[nn.Module, int, Course], None] | None,
        bar: Progress,
    ) -> None:
        """Steps on one grid."""
        if grid is not None:
            for _, layer in edge_layers(self.model):
                refine_grid(layer, grid)
        stepper, idle = self._stepper(optimizer, lr), 0
        self.course.stopped = "all steps done"
        updates = {round(i * steps / 2 / grid_updates) for i in range(grid_updates)} if self._adapts() else set()
        for step in range(steps):
            if step in updates:
                self.redraw()
                move_grids(self.model, self.problem)
                stepper = self._stepper(optimizer, lr)
            self.renew()
            before = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
            try:
                stepper.step()
            except KeyboardInterrupt:
                self.model.load_state_dict(before)
                raise
            self._record()
            if callback is not None:
                callback(self.model, len(self.course) - 1, self.course)
            bar.advance(self.course)
            idle = idle + 1 if stepper.stuck else 0
            if not math.isfinite(self.course.loss[-1]):
                self.model.load_state_dict(before)
                self.course.stopped = f"the loss became {self.course.loss[-1]}; the network is as it was before"
                break
            if idle >= PATIENCE_WITHOUT_PROGRESS and step > max(updates, default=0):
                self.course.stopped = "converged"
                break

    def check_finite(self) -> None:
        """The loss must be a number before the first step; an equation that does not fit the network is found here."""
        for name, value in self.problem.mean_squares(self.model).items():
            if not math.isfinite(value := float(value.detach())):
                raise NonFiniteError(f"the mean square of {name!r} is {value} before the first step: look at its operator")

    def balance(self) -> None:
        """Look at what the equations read, and give them weights that make them equals."""
        check_what_is_read(self.model, self.problem)
        self.problem = self.problem.balanced(self.model)
        self.residuals = Residuals(self.model, self.problem)

    def redraw(self) -> None:
        """Draw points anew, where terms can, and more of them where they fail or the solution is steep."""
        seed = len(self.course)
        terms = [term if term.draw is None else term.redrawn(self._interest, seed) for term in self.problem.terms]
        self.problem = Problem(terms)
        self.residuals = self.residuals.at(self.problem)

    def renew(self) -> None:
        """Let the weights in time of terms follow from how they fail now; they are held within a step."""
        self.problem = self.residuals.problem = renewed(self.problem, self.residuals.all_values())

    def _interest(self, term: Term) -> Tensor:
        failures = self.residuals.values(term).reshape(len(term.points), -1)
        slopes = replace(term, operator=lambda u: grad(u).flatten(1), target=0.0).residual(self.model).detach()
        return 1 + _relative(failures).mean(1) + _relative(slopes).mean(1)

    def _adapts(self) -> bool:
        return bool(movable(self.model)) or any(term.draw is not None for term in self.problem.terms)

    def compare(self, finest: int | None) -> None:
        """Warn where the residuals are fewer than the parameters of the finest grid."""
        residuals = sum(term.residual(self.model).numel() for term in self.problem.terms)
        parameters = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        for _, layer in edge_layers(self.model):
            basis, coef = layer.edge.basis, getattr(layer, "coef", None)
            if finest is not None and isinstance(basis, BSpline) and isinstance(coef, Tensor):
                parameters += coef.numel() * (finest - basis.grid_size) // basis.num_functions
        if parameters > residuals:
            warn(
                f"{parameters} parameters and {residuals} residuals: the equations can hold at their points and nowhere "
                "else; take more points, a coarser grid or fewer nodes"
            )

    def _stepper(self, optimizer: str, lr: float | None) -> LBFGS | Adam | GaussNewton:
        if optimizer == "lm":
            return GaussNewton(self.model, self.problem, self.residuals)
        kind = LBFGS if optimizer == "lbfgs" else Adam
        return kind(self.model, self.residuals.loss, *([] if lr is None else [lr]))

    def _record(self) -> None:
        residuals = self.residuals.all_values()
        found = {name: float(residual.square().mean()) for name, residual in residuals.items()}
        for name, value in found.items():
            self.course.terms[name].append(value)
        for name, end in reached(self.problem, residuals).items():
            self.course.reached[name].append(end)
        first = next((layer for _, layer in edge_layers(self.model)), None)
        self.course.append(
            loss=self.problem.total(found),
            test=self._error(),
            penalty=0.0,
            outside=self._outside(),
            grid=None if first is None else getattr(first.edge.basis, "grid_size", None),
            seconds=time.perf_counter() - self.start,
        )

    @torch.no_grad()
    def _error(self) -> float | None:
        """The mean square by which the solution is missed, if it is known."""
        if self.test is None:
            return None
        points, values = self.test
        return float((self.model(points) - values).square().mean())

    @torch.no_grad()
    def _outside(self) -> float | None:
        if not isinstance(self.model, Network):
            return None
        inputs = self.model.trace(self.problem.points).inputs
        return max(layer.fraction_outside(x) for layer, x in zip(self.model, inputs, strict=True))


def _relative(columns: Tensor) -> Tensor:
    """Sizes in units of their means, ``(N, m)``."""
    sizes = columns.abs()
    return sizes / sizes.mean(0).clamp_min(torch.finfo(sizes.dtype).tiny)


def solution(model: nn.Module, test: tuple[Tensor, Tensor], like: Tensor) -> tuple[Tensor, Tensor]:
    """Points and known values there, as the model gives them."""
    points, values = (torch.as_tensor(t).to(like) for t in test)
    if not points.isfinite().all() or not values.isfinite().all():
        raise DataError("test needs finite points and values, got a NaN or an infinity: leave such rows out")
    with torch.no_grad():
        shape = model(points).shape
    values = values.unsqueeze(1) if values.dim() == 1 else values
    if values.shape != shape:
        raise DataError(f"test needs values of shape {tuple(shape)} at its points, got {tuple(values.shape)}")
    return points, values
