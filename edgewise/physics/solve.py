"""Solving a problem by a network: stages from coarse to fine grids, each of steps of one optimizer."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError, warn
from edgewise._ground.registry import unknown
from edgewise.bases import BSpline
from edgewise.kan.fitting.history import History
from edgewise.kan.fitting.lbfgs import LBFGS, Adam
from edgewise.kan.fitting.plan import check_rates
from edgewise.kan.fitting.progress import Progress
from edgewise.kan.network import Network
from edgewise.nn import edge_layers, refine_grid
from edgewise.nn.grid import check_stages
from edgewise.physics.gauss_newton import GaussNewton, check_derivatives
from edgewise.physics.grids import movable, move_grids
from edgewise.physics.problem import Problem
from edgewise.physics.residuals import Residuals
from edgewise.physics.unknowns import check_what_is_read

OPTIMIZERS = ("lm", "lbfgs", "adam")
PATIENCE_WITHOUT_PROGRESS = 2  # steps that led nowhere, one after the other, before a stage ends


@dataclass(repr=False)
class Course(History):
    """The course of a solution, one entry a step.

    Attributes:
        terms: The mean square by which each term fails, without its weight.
        weights: What the mean square of each term counted for.
    """

    terms: dict[str, list[float]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)


def solve(
    model: nn.Module,
    problem: Problem,
    *,
    test: tuple[Tensor, Tensor] | None = None,
    optimizer: str = "lm",
    steps: int = 50,
    grids: Sequence[int] | None = None,
    lr: float | None = None,
    grid_updates: int = 1,
    callback: Callable[[nn.Module, int, Course], None] | None = None,
    progress: bool | None = None,
) -> Course:
    """Change a network in place until it fulfils the equations of a problem.

    Args:
        model: The network, or a module around networks. Unknown coefficients of the equations are parameters of it, and
            unknown functions networks in it: equations read them there.
        problem: What to fulfil.
        test: Points and what the solution is there, if it is known: only measured, as mean squares.
        optimizer: ``"lm"`` (Levenberg-Marquardt: to the last digit, for up to some thousand parameters), ``"lbfgs"`` (a
            step is 20 iterations) or ``"adam"``. All three fit unknowns.
        steps: Steps, in each stage.
        grids: Stages from coarse to fine: before each, the grid is refined to so many intervals, the function kept.
        lr: Learning rate of Adam (0.01) or first length of L-BFGS along a direction (1).
        grid_updates: How often the grids of all layers of splines move to their inputs, from the start and evenly over the
            first half of a stage; 0 for never. A step after a move starts from a worse solution.
        callback: Called after each step.
        progress: Show a progress bar; by default where the output is a terminal.

    Returns:
        The course of the solution. After an interrupt (Ctrl-C) the network is as it was after the last whole step.

    Raises:
        ConfigError: An unknown optimizer, no steps, an equation that does not fit the network, reads unknowns that are not
            in the model, or cannot be differentiated as ``"lm"`` needs it.
        NonFiniteError: The loss is not finite before the first step.

    Warns:
        EdgewiseWarning: More parameters than residuals, or parameters that no equation reads.

    Example:
        >>> from edgewise.kan import KAN
        >>> from edgewise.physics import Term
        >>> x = torch.linspace(0, 1, 50).unsqueeze(1)
        >>> decay = Term("decay", x, lambda u: u.d(0) + u.value)
        >>> start = Term("start", x[:1], lambda u: u.value, 1.0)
        >>> course = solve(KAN([1, 1]), Problem([decay, start]), test=(x, torch.exp(-x)), steps=5)
        >>> course.test_rmse[-1] < 1e-3
        True
    """
    if optimizer not in OPTIMIZERS:
        raise unknown("optimizer", optimizer, OPTIMIZERS)
    if steps < 1:
        raise ConfigError(f"a solution needs at least 1 step, got steps={steps}")
    check_rates(optimizer, lr, grid_updates)
    like = next(model.parameters())
    run = _Run(model, problem.like(like), None if test is None else _solution(model, test, like))
    run.check_finite()
    run.balance()
    if optimizer == "lm":
        check_derivatives(run.residuals)
    stages = [None] if grids is None else list(grids)
    if grids is not None:
        check_stages((layer for _, layer in edge_layers(model)), grids)
    run.compare(stages[-1])
    with Progress(progress, len(stages) * steps) as bar:
        try:
            for grid in stages:
                run.stage(grid, optimizer, steps, lr, grid_updates, callback, bar)
        except KeyboardInterrupt:
            run.course.stopped = "interrupted"
    return run.course


class _Run:
    """A solution as it goes."""

    def __init__(self, model: nn.Module, problem: Problem, test: tuple[Tensor, Tensor] | None):
        self.model, self.problem, self.test = model, problem, test
        self.course = Course(terms={term.name: [] for term in problem.terms})
        self.start = time.perf_counter()

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
        updates = {round(i * steps / 2 / grid_updates) for i in range(grid_updates)} if movable(self.model) else set()
        for step in range(steps):
            if step in updates:
                move_grids(self.model, self.problem)
                stepper.reset()
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
        self.course.weights = {term.name: term.factor for term in self.problem.terms}

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
        found = {name: float(value) for name, value in self.residuals.mean_squares().items()}
        for name, value in found.items():
            self.course.terms[name].append(value)
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


def _solution(model: nn.Module, test: tuple[Tensor, Tensor], like: Tensor) -> tuple[Tensor, Tensor]:
    """Points and known values there, as the model gives them."""
    points, values = (torch.as_tensor(t).to(like) for t in test)
    with torch.no_grad():
        shape = model(points).shape
    values = values.unsqueeze(1) if values.dim() == 1 else values
    if values.shape != shape:
        raise DataError(f"test needs values of shape {tuple(shape)} at its points, got {tuple(values.shape)}")
    return points, values
