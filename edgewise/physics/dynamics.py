r"""From measured motions to the laws behind them: :math:`x' = f(x)` as short formulas."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError, warn
from edgewise.physics.candidates import Candidates
from edgewise.physics.subsets import Choice, best_choices
from edgewise.physics.weak import NOISY, Windows, noise, smoothed, windows

MOST_TERMS = 8
EXPLAINED = 1.5  # times the squares that noise leaves on average: what no further term needs to explain
EXACT = 1e-10  # of the squares of the motion itself: what the quadrature leaves where there is no noise
FEWEST = 40  # states of a series, below which no window fits


@dataclass(frozen=True)
class Law:
    """The formula of one rate, such as ``x' = 1.5 x - x y``.

    Args:
        state: The name of the state whose rate it is.
        terms: What is summed, as :attr:`Candidates.labels` writes it.
        coefficients: Before each term.
        errors: Standard errors of the coefficients that follow from the noise of the states.
        rest: The root of what is left over, relative to the motion.
        front: For each number of terms, the formula found and what it leaves over in the same units.
    """

    state: str
    terms: tuple[str, ...]
    coefficients: tuple[float, ...]
    errors: tuple[float, ...]
    rest: float
    front: tuple[tuple[str, float], ...]

    @property
    def formula(self) -> str:
        """The right side, which is valid Python."""
        return written(self.terms, self.coefficients)


@dataclass(frozen=True)
class Dynamics:
    """Laws of motion, one for each state.

    Example:
        >>> t = torch.linspace(0, 10, 400).double()
        >>> swing = torch.stack([torch.cos(2 * t), -2 * torch.sin(2 * t)], 1)
        >>> found = discover_dynamics(t, swing, names=("x", "v"), functions=())
        >>> print(found)
        x' = v
        v' = -4*x
    """

    laws: tuple[Law, ...]
    candidates: Candidates

    def rates(self, x: Tensor) -> Tensor:
        """The formulas at states ``(n, d)``, ``(n, d)``."""
        values, labels = self.candidates.values(x), self.candidates.labels
        columns = []
        for law in self.laws:
            places = [labels.index(term) for term in law.terms]
            columns.append(values[:, places] @ values.new_tensor(law.coefficients))
        return torch.stack(columns, 1)

    def __str__(self) -> str:
        return "\n".join(f"{law.state}' = {law.formula}" for law in self.laws)


def discover_dynamics(
    times: Tensor | Sequence[Tensor],
    states: Tensor | Sequence[Tensor],
    *,
    names: Sequence[str] | None = None,
    degree: int = 3,
    functions: Sequence[str] = ("sin", "cos"),
) -> Dynamics:
    r"""Find the laws :math:`x' = f(x)` of measured motions, without derivatives of what was measured.

    In weak form, :math:`-\int \psi'\, x\, dt = \int \psi\, f(x)\, dt`, the unknown f is a sum of candidates, and their
    coefficients are linear. Of all sums the shortest is taken that leaves no more over than the noise does, whose size is
    read off the states (V. Morozov's principle of discrepancy).

    Args:
        times: Rising times ``(n,)``, or a list of them, one for each motion.
        states: ``(n, d)``, or a list of them.
        names: Of the states, ``x_1, x_2, ...`` by default.
        degree: Most factors of the products that are tried.
        functions: Functions of one state that are tried, by their names in :data:`edgewise.kan.FUNCTIONS`.

    Raises:
        DataError: Times that do not rise, fewer than 40 of them, or states that do not fit them or are not finite.
        ConfigError: Names that are not as many as states, or a function that is not there or not finite at the states.

    Warns:
        EdgewiseWarning: No sum of up to 8 candidates explains a rate.
    """
    motions = motions_of(times, states)
    names = names_of_states(names, motions[0][1].shape[1])
    candidates = Candidates(names, degree, tuple(functions))
    spread = torch.cat([x for _, x in motions]).std(0)
    size = torch.stack([noise(x).square() for _, x in motions]).mean(0).sqrt()
    noisy = bool((size > NOISY * spread).any())
    parts = [_Motion(windows(t), x, smoothed(t, x) if noisy else x, candidates) for t, x in motions]
    return Dynamics(tuple(_law(state, parts, size, candidates) for state in range(len(names))), candidates)


class _Motion:
    """One series: its windows, and the candidates under them."""

    def __init__(self, psi: Windows, x: Tensor, smooth: Tensor, candidates: Candidates):
        self.psi, self.smooth = psi, smooth
        values = candidates.values(smooth)
        if not values.isfinite().all():
            label = candidates.labels[int((~values.isfinite()).any(0).nonzero()[0])]
            raise ConfigError(f"{label} is not finite at some states: leave its function out")
        self.table = psi.values @ values  # (rows, candidates)
        self.target = -psi.slopes @ x  # (rows, d)

    def spread(self, state: int, choice: Choice, size: Tensor, candidates: Candidates) -> Tensor:
        """How the noise of each measured number moves the rows: ``(rows, n * d)``."""
        x = self.smooth.detach().requires_grad_()
        with torch.enable_grad():
            rate = candidates.values(x)[:, list(choice.columns)] @ choice.coefficients
            slopes = torch.autograd.grad(rate.sum(), x, materialize_grads=True)[0]
        moved = -self.psi.values.unsqueeze(2) * slopes  # (rows, n, d)
        moved[:, :, state] -= self.psi.slopes
        return (moved * size).flatten(1)


def _law(state: int, parts: list[_Motion], size: Tensor, candidates: Candidates) -> Law:
    table, target = torch.cat([p.table for p in parts]), torch.cat([p.target[:, state] for p in parts])
    whole = float(target.square().sum())
    choices = best_choices(table, target, MOST_TERMS)

    def moved(choice: Choice) -> Tensor:
        return torch.block_diag(*(p.spread(state, choice, size, candidates) for p in parts))

    enough = (c for c in choices if c.rest <= EXPLAINED * float(moved(c).square().sum()) + EXACT * whole)
    choice = next(enough, None)
    if choice is None:
        choice = choices[-1]
        name = candidates.names[state]
        warn(f"no sum of up to {len(choices)} terms explains {name}': try other functions, or a higher degree")
    errors = (torch.linalg.pinv(table[:, list(choice.columns)]) @ moved(choice)).norm(dim=1)
    labels = candidates.labels

    def told(choice: Choice) -> tuple[str, float]:
        formula = written([labels[i] for i in choice.columns], choice.coefficients.tolist())
        return formula, (choice.rest / whole) ** 0.5 if whole else 0.0

    terms, coefficients = tuple(labels[i] for i in choice.columns), tuple(choice.coefficients.tolist())
    front = tuple(map(told, choices))
    return Law(candidates.names[state], terms, coefficients, tuple(errors.tolist()), told(choice)[1], front)


def written(terms: Sequence[str], coefficients: Sequence[float]) -> str:
    """A sum, its numbers to six digits.

    Example:
        >>> written(["1", "x*y", "sin(x)"], [2.0, -1.0, 0.25])
        '2 - x*y + 0.25*sin(x)'
    """
    parts = []
    for term, number in zip(terms, coefficients, strict=True):
        size = f"{abs(number):.6g}"
        body = size if term == "1" else term if size == "1" else f"{size}*{term}"
        parts.append(("- " if number < 0 else "+ ") + body)
    text = " ".join(parts).removeprefix("+ ")
    return "-" + text[2:] if text.startswith("- ") else text or "0"


def names_of_states(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """As they are given, ``x_1, x_2, ...`` by default."""
    names = tuple(f"x_{i + 1}" for i in range(count)) if names is None else tuple(names)
    if len(names) != count or len(set(names)) < count:
        raise ConfigError(f"names must be {count} different ones, one for each state, got {list(names)}")
    return names


def motions_of(times: Tensor | Sequence[Tensor], states: Tensor | Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Times and states of each motion, checked."""
    several = isinstance(times, Sequence) and isinstance(states, Sequence) and torch.as_tensor(states[0]).dim() == 2
    if several and len(times) != len(states):
        raise DataError(f"each motion has times and states, got {len(times)} and {len(states)} of them")
    pairs = zip(times, states, strict=True) if several else [(times, states)]
    motions = [(_plain(t), _plain(x)) for t, x in pairs]
    for t, x in motions:
        if t.dim() != 1 or x.dim() != 2 or len(t) != len(x) or x.shape[1] != motions[0][1].shape[1]:
            raise DataError(f"times (n,) and states (n, d) must fit, got shapes {tuple(t.shape)} and {tuple(x.shape)}")
        if len(t) < FEWEST or not x.isfinite().all() or not (t.diff() > 0).all():
            raise DataError(f"a motion needs at least {FEWEST} finite states at rising times, got {len(t)}: see its rows")
    return motions


def _plain(numbers: Tensor | Sequence[Tensor]) -> Tensor:
    return torch.as_tensor(numbers).detach().cpu().double()
