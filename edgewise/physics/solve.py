"""Solving a problem by a network: stages from coarse to fine grids, each of steps of one optimizer."""

import math
from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.types import Device

from edgewise._ground.device import computing_on
from edgewise._ground.errors import ConfigError
from edgewise._ground.numbers import check_whole
from edgewise._ground.registry import unknown
from edgewise.kan.fitting.plan import check_rates
from edgewise.kan.fitting.progress import Progress
from edgewise.nn import edge_layers
from edgewise.nn.grid import check_stages
from edgewise.physics.gauss_newton import check_derivatives
from edgewise.physics.parts import trainable
from edgewise.physics.problem import Problem
from edgewise.physics.reach import check_reach
from edgewise.physics.run import Course, Run, solution
from edgewise.physics.starts import best_of
from edgewise.physics.weighed import tell_of_unreached

OPTIMIZERS = ("lm", "lbfgs", "adam")


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
    starts: int = 1,
    callback: Callable[[nn.Module, int, Course], None] | None = None,
    progress: bool | None = None,
    device: Device = None,
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
            first half of a stage; 0 for never. A step after a move starts from a worse solution. Terms that can draw points
            do so before each move: evenly in part, in part where they fail, and where the solution is steep.
        starts: Solve the first stage so often, each time but the first from layers drawn anew, and go on from the least
            loss. One start may end in a wrong solution, such as a diffusion of 0 of something that stays as it is.
        callback: Called after each step.
        progress: Show a progress bar; by default where the output is a terminal.
        device: Where to compute, such as ``"cuda"``: the model and the points go there, and the model comes back
            afterwards; by default where the model is.

    Returns:
        The course of the solution. After an interrupt (Ctrl-C) the network is as it was after the last whole step.

    Raises:
        ConfigError: An unknown optimizer, no steps, an equation that does not fit the network, reads unknowns that are not
            in the model, or cannot be differentiated as ``"lm"`` needs it; a walled network that is asked outside its
            domain.
        NonFiniteError: The loss is not finite before the first step.

    Warns:
        EdgewiseWarning: More parameters than residuals, parameters that no equation reads, points beyond grids that do
            not move, or weights in time (``causal`` of a term) that have not reached the end.

    Example:
        >>> import torch
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
    check_whole(1, steps=steps, starts=starts)
    check_rates(optimizer, lr, grid_updates)
    with computing_on(device, model):
        like = next(iter(trainable(model.named_parameters()).values()), None)
        if like is None:
            raise ConfigError("a solution changes the numbers of a network, and this model has none that want a gradient")
        run = Run(model, problem.like(like), None if test is None else solution(model, test, like))
        run.check_finite()
        run.balance()
        check_reach(model, run.problem, grid_updates > 0)
        if optimizer == "lm":
            check_derivatives(run.residuals)
        stages = [None] if grids is None else list(grids)
        if grids is not None:
            check_stages((layer for _, layer in edge_layers(model)), grids)
        run.compare(stages[-1])
        with Progress(progress, (len(stages) + starts - 1) * steps) as bar:

            def stage(grid: int | None) -> bool:
                try:
                    run.stage(grid, optimizer, steps, lr, grid_updates, callback, bar)
                except KeyboardInterrupt:
                    run.course.stopped = "interrupted"
                return run.course.stopped != "interrupted"

            def attempt() -> tuple[float, Course]:
                run.begin()
                stage(stages[0])
                return run.course.loss[-1] if run.course.loss else math.inf, run.course

            run.course = best_of(model, starts, attempt)
            if run.course.stopped != "interrupted":
                all(stage(grid) for grid in stages[1:])
        if run.course.stopped != "interrupted":
            tell_of_unreached(run.problem, run.residuals.all_values())
        return run.course
