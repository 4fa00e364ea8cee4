"""Terms whose points count differently, and the weights that follow from what a model leaves over."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from edgewise._ground.errors import warn
from edgewise.physics.problem import Problem
from edgewise.physics.term import Term


@dataclass(frozen=True, eq=False, kw_only=True)
class Weighed(Term):
    """A term in which the square at each point counts for something of its own.

    Args:
        counts: For what, ``(N,)``.

    Example:
        >>> import torch
        >>> x = torch.tensor([[1.0], [2.0]])
        >>> term = Weighed("value", x, lambda u: u.value, counts=torch.tensor([1.0, 0.5]))
        >>> term.mean_square(term.residual(lambda x: x)).item()  # (1 + 0.5 * 4) / 2
        1.5
    """

    counts: Tensor

    def counted(self, rows: Tensor) -> Tensor:
        roots = self.counts.to(rows).sqrt().repeat_interleave(len(rows) // len(self.counts))
        return rows * roots.view(-1, *[1] * (rows.dim() - 1))

    def split(self, size: int) -> Iterator[Term]:
        parts = zip(super().split(size), self.counts.split(size), strict=True)
        return (replace(part, counts=counts) for part, counts in parts)


def renewed(problem: Problem, residuals: Mapping[str, Tensor]) -> Problem:
    """The same with the weights in time of its terms as they follow from these residuals, by name."""
    return Problem([_renewed(term, residuals[term.name]) for term in problem.terms])


def reached(problem: Problem, residuals: Mapping[str, Tensor]) -> dict[str, float]:
    """For each term with weights in time, by name, the time that they have reached."""
    with_weights = [(term, term.causal) for term in problem.terms if term.causal is not None]
    return {
        term.name: causal.reached(causal.times(term.points), _squares(term, residuals[term.name]))
        for term, causal in with_weights
    }


def tell_of_unreached(problem: Problem, residuals: Mapping[str, Tensor]) -> None:
    """Warn of terms whose weights in time have not reached their last point."""
    found = reached(problem, residuals)
    for term in problem.terms:
        if term.causal is None:
            continue
        last = float(term.causal.times(term.points).max())
        if (end := found[term.name]) < last:
            warn(
                f"the weights in time of {term.name!r} have reached {end:.4g} of {last:.4g}: later the equation hardly "
                "counted, and the network solves nothing there; take more steps, a finer grid or a smaller epsilon"
            )


def _renewed(term: Term, residual: Tensor) -> Term:
    if term.causal is None:
        return term
    times = term.causal.times(term.points)
    counts = term.causal.weights(times, _squares(term, residual))[term.causal.places(times)]
    known: dict[str, Any] = vars(term) | {"counts": counts}
    return Weighed(**known)


def _squares(term: Term, residual: Tensor) -> Tensor:
    # shape: (N,) or (N, m) -> (N,)
    return residual.reshape(len(term.points), -1).square().mean(1)
