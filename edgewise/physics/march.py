"""Marching: a solution in windows of time, each of which starts from the values at which the one before ended."""

import copy
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, NonFiniteError, warn
from edgewise.physics.field import Rows
from edgewise.physics.problem import Problem
from edgewise.physics.run import Course
from edgewise.physics.solve import solve
from edgewise.physics.term import Term

SAME = 1e-6  # of all time: times beyond its ends by less are within
FAR = 1e6  # times the loss that windows usually end with: what a window that is not solved leaves
STEPS_TO_STAND_STILL = 5  # to the first guess of the first window


class Marched(nn.Module):
    """A solution in windows of time: each row is given to the network of its window.

    Rows before the first window and after the last go to the nearest one, under a warning: no equation held there.

    Args:
        windows: The networks, one a window.
        ends: The times at which windows begin and end, one more than windows.
        column: That of time.

    Attributes:
        courses: How each window was solved.

    Shape:
        ``(N, d) -> (N, outputs)``

    Warns:
        EdgewiseWarning: Rows at other times than were solved.
    """

    ends: Tensor

    def __init__(self, windows: Sequence[nn.Module], ends: Sequence[float], column: int = -1):
        super().__init__()
        self.windows, self.column, self.courses = nn.ModuleList(windows), column, list[Course]()
        self.register_buffer("ends", torch.tensor(list(ends), dtype=torch.double))

    def forward(self, x: Tensor) -> Tensor:
        inner, times = self.ends[1:-1].to(x), x[:, self.column].detach().contiguous()
        first, last = float(self.ends[0]), float(self.ends[-1])
        off = int(((times < first - SAME * (last - first)) | (times > last + SAME * (last - first))).sum())
        if off:
            warn(f"{off} of {len(x)} rows are at times outside {first:g} to {last:g}, which was solved: no law held there")
        place = torch.bucketize(times, inner)
        rows = [(place == number).nonzero().squeeze(1) for number in range(len(self.windows))]
        parts = [window(x[own]) for window, own in zip(self.windows, rows, strict=True)]
        return torch.cat(parts)[torch.cat(rows).argsort()]


def march(
    model: nn.Module,
    times: Sequence[float] | Tensor,
    problem: Callable[[float, float, Rows], Problem],
    start: Rows,
    *,
    column: int = -1,
    **options: Any,
) -> Marched:
    r"""Solve an equation in windows of time, one after the other.

    A network that must hold an equation at all times at once may settle for a wrong solution, which holds it nearly
    everywhere and forgets how it began (Krishnapriyan et al., arXiv:2109.01050; Wang, Sankaran and Perdikaris,
    arXiv:2203.07404). A window is short, so that its solution is near what it starts from. The first guess of the first
    window stands still, that of each other goes on from the one before along its tangents.

    Args:
        model: The network of a window. It stays as it is: each window gets a copy.
        times: Where windows begin and end, rising, at least two.
        problem: From the begin and the end of a window, and the values at its begin, its problem: a term for the values at
            the begin among others, best with a weight of some hundreds to thousands, so that it holds.
        start: The values at the first time: a function of rows, ``(N, d) -> (N, outputs)`` or ``(N,)``.
        column: That of time in a row.
        options: Of :func:`~edgewise.physics.solve`, for each window.

    Returns:
        The solution; after an interrupt (Ctrl-C) up to the window in which that came.

    Raises:
        ConfigError: Times that do not rise, a column of time that is not there, values at the first time that are not one
            for each output, and what :func:`~edgewise.physics.solve` raises.

    Warns:
        EdgewiseWarning: The equation is no number at the begin of a window; the windows before are kept. Or a window was
            not done with its steps, at a loss a million times that of others.

    Example:
        >>> from edgewise.kan import KAN
        >>> def window(low, high, start):
        ...     t = torch.linspace(low, high, 20).double().unsqueeze(1)
        ...     law = Term("law", t, lambda u: u.d(0) + u.value)
        ...     return Problem([law, Term("start", t[:1], lambda u: u.value, start(t[:1])[:, 0])])
        >>> u = march(KAN([1, 1], k=5).double(), [0, 1, 2], window, lambda x: 1 + 0 * x, steps=5)
        >>> t = torch.tensor([[0.5], [1.5]]).double()
        >>> bool((u(t) - torch.exp(-t)).abs().max() < 1e-6)
        True
    """
    ends = [float(t) for t in times]
    if len(ends) < 2 or not all(low < high < float("inf") for low, high in pairwise(ends)):
        raise ConfigError(f"windows need at least two finite times that rise, got {ends}")
    like, found, courses = next(model.parameters()), list[nn.Module](), list[Course]()
    for low, high in pairwise(ends):
        model = copy.deepcopy(model)
        before = _values(found[-1] if found else start, like)
        window = problem(low, high, before)
        if not isinstance(window, Problem):
            raise ConfigError(f"problem must give the Problem of a window, got a {type(window).__name__}")
        window = window.like(like)
        if not found:
            _stand_still(model, window, low, column, before, {k: options[k] for k in ("optimizer", "lr") if k in options})
        try:
            courses.append(solve(model, window, **options))
        except NonFiniteError as error:
            if not found:
                raise
            warn(f"the solution ends at {low:g}, since the window from there on cannot be solved: {error}")
            break
        found.append(model)
        if courses[-1].stopped == "interrupted":
            break
    marched = Marched(found, ends[: len(found) + 1], column)
    marched.courses = courses
    _tell_of_unsolved(courses, ends)
    return marched


def _tell_of_unsolved(courses: Sequence[Course], ends: Sequence[float]) -> None:
    done = [course.loss[-1] for course in courses if course.loss]
    if not done:  # an interrupt before the first step
        return
    usual = median(done)
    for course, low, high in zip(courses, ends, ends[1:], strict=False):
        if course.stopped == "all steps done" and course.loss[-1] > FAR * usual:
            warn(
                f"the window from {low:g} to {high:g} was not done with its steps, at a loss of {course.loss[-1]:.1g} "
                f"where windows usually end at {usual:.1g}: take more steps or shorter windows"
            )


def _values(function: Rows, like: Tensor) -> Rows:
    """The values of a function as numbers, ``(N, outputs)``, whatever gradients it has."""

    @torch.no_grad()
    def values(x: Tensor) -> Tensor:
        found = function(x.to(like))
        return found.unsqueeze(1) if found.dim() == 1 else found

    return values


def _stand_still(model: nn.Module, problem: Problem, low: float, column: int, start: Rows, options: dict) -> None:
    """Fit the start values at all times: a first guess."""
    points = problem.points
    if not -points.shape[1] <= column < points.shape[1]:
        raise ConfigError(f"time is to be column {column}, and the points have columns 0 to {points.shape[1] - 1}")
    begun = points.clone()
    begun[:, column] = low
    with torch.no_grad():
        wanted, values = model(begun).shape, start(begun)
    if values.shape != wanted or not values.isfinite().all():
        raise ConfigError(
            f"start must give finite values of shape {tuple(wanted)} at {len(begun)} rows, got shape {tuple(values.shape)}"
        )
    still = Problem([Term("still", points, lambda u: u.outputs, values)])
    solve(model, still, steps=STEPS_TO_STAND_STILL, progress=False, **options)
