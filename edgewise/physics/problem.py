"""A differential equation with its boundary, initial and measured values: terms, each an equation at points."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, DataError
from edgewise.physics.field import Field, Rows
from edgewise.physics.parts import random_signs, trainable

Number = TypeVar("Number", Tensor, float)
PROBES = 8  # random sums of residuals from which the size of a gradient is taken
REDRAWN_FROM = 10  # times as many points as are taken


@dataclass(frozen=True, eq=False)
class Term:
    r"""An equation :math:`L u = f` at points, to hold in the mean square.

    Args:
        name: What it is called in a history.
        points: Where it holds, ``(N, d)``.
        operator: L: from a :class:`~edgewise.physics.Field` to what is asked to equal ``target``, ``(N,)`` or ``(N, m)``;
            at each point from the field at that point only.
        target: f, a number or of the shape that ``operator`` gives.
        weight: What its mean square counts for; None for what brings all terms to one scale, see
            :meth:`Problem.balanced`.
        draw: Draws other points, from how many and a seed, such as ``box.inside``; while the problem is solved its points
            are then drawn anew, see :meth:`redrawn`. None keeps them.

    Raises:
        DataError: Points that are no finite table, or targets that are not finite or not one a point.
        ConfigError: A weight that is not positive, or points to be drawn anew and a target at these ones.

    Example:
        >>> x = torch.linspace(0, 1, 5).unsqueeze(1)
        >>> decay = Term("decay", x, lambda u: u.d(0) + u.value)
        >>> decay.residual(lambda x: torch.exp(-x)).abs().max().item() < 1e-6
        True
    """

    name: str
    points: Tensor
    operator: Callable[[Field], Tensor]
    target: Tensor | float = 0.0
    weight: float | None = None
    draw: Callable[[int, int], Tensor] | None = None

    def __post_init__(self):
        if not isinstance(self.points, Tensor):
            raise DataError(f"the points of {self.name!r} must be a tensor (N, d), got {_described(self.points)}")
        if self.points.dim() != 2 or not len(self.points) or not self.points.isfinite().all():
            raise DataError(f"the points of {self.name!r} must be a finite table (N, d), got {_described(self.points)}")
        try:
            target = torch.as_tensor(self.target, dtype=self.points.dtype, device=self.points.device)
        except (TypeError, ValueError, RuntimeError) as error:
            raise DataError(f"the target of {self.name!r} must be numbers, got {_described(self.target)}") from error
        if not target.isfinite().all() or (target.dim() and len(target) != len(self.points)):
            raise DataError(
                f"the target of {self.name!r} must be finite, a number or one for each of {len(self.points)} points, "
                f"got {_described(target)}"
            )
        object.__setattr__(self, "target", target)
        if self.weight is not None and not 0 < self.weight < float("inf"):
            raise ConfigError(f"the weight of {self.name!r} must be positive and finite, got {self.weight}")
        if self.draw is not None and target.dim():
            raise ConfigError(
                f"the points of {self.name!r} cannot be drawn anew, since its target is known at these only: compute it in "
                "the operator from u.x, or leave out draw"
            )

    @property
    def _targets(self) -> Tensor:
        """The target, which is a tensor once it has been checked."""
        return torch.as_tensor(self.target)

    @property
    def factor(self) -> float:
        """What its mean square counts for now: 1 as long as nobody has said."""
        return 1.0 if self.weight is None else self.weight

    def residual(self, model: Rows) -> Tensor:
        """By how much the equation fails, at each point."""
        found = self.operator(Field(model, self.points))
        if not isinstance(found, Tensor):
            raise ConfigError(f"the operator of {self.name!r} must give a tensor, a row a point, got {_described(found)}")
        target = self._targets
        if target.dim() and found.shape != target.shape:
            raise ConfigError(
                f"the operator of {self.name!r} gives shape {tuple(found.shape)} and its target has "
                f"{tuple(target.shape)}: make them the same, for instance by target.squeeze(1)"
            )
        if found.shape[:1] != self.points.shape[:1]:
            raise ConfigError(f"the operator of {self.name!r} must give {len(self.points)} rows, got {tuple(found.shape)}")
        return found - target

    def split(self, size: int) -> Iterator["Term"]:
        """The same equation at some points at a time."""
        for start in range(0, len(self.points), size):
            rows = slice(start, start + size)
            yield replace(
                self, points=self.points[rows], target=self._targets[rows] if self._targets.dim() else self.target
            )

    def redrawn(self, interest: Callable[["Term"], Tensor], seed: int) -> "Term":
        r"""The same at as many new points, drawn from ten times as many with a probability in proportion to an interest.

        Args:
            interest: A positive number for each point of a term, ``(N,)``.
            seed: Of the points.

        Raises:
            ConfigError: It cannot draw any, or other ones than it was asked for.
        """
        if self.draw is None:
            raise ConfigError(f"the points of {self.name!r} cannot be drawn anew: say how, such as draw=box.inside")
        count = len(self.points)
        found, wanted = self.draw(REDRAWN_FROM * count, seed), (REDRAWN_FROM * count, self.points.shape[1])
        if not isinstance(found, Tensor) or found.shape != wanted:
            raise ConfigError(f"draw of {self.name!r} was asked for points of shape {wanted} and gave {_described(found)}")
        pool = replace(self, points=found.to(self.points))
        chosen = torch.multinomial(interest(pool).cpu(), count, generator=torch.Generator().manual_seed(seed))
        return replace(self, points=pool.points[chosen.to(pool.points.device)])

    def like(self, tensor: Tensor) -> "Term":
        """The same in the type and on the device of ``tensor``."""
        points, target = (t.to(device=tensor.device, dtype=tensor.dtype) for t in (self.points, self._targets))
        return replace(self, points=points, target=target)


class Problem:
    r"""Terms to be fulfilled at once: the loss :math:`\sum_t w_t \langle (L_t u - f_t)^2 \rangle`; weights of None count 1.

    Args:
        terms: The equations, of different names.

    Raises:
        ConfigError: No terms, or two of one name.

    Example:
        >>> x = torch.linspace(0, 1, 5).unsqueeze(1)
        >>> problem = Problem([Term("decay", x, lambda u: u.d(0) + u.value), Term("start", x[:1], lambda u: u.value, 1.0)])
        >>> problem.loss(lambda x: 2 * torch.exp(-x)).item()
        1.0
    """

    def __init__(self, terms: Sequence[Term]):
        self.terms = tuple(terms)
        if not all(isinstance(term, Term) for term in self.terms):
            raise ConfigError(f"a problem is made of Terms, got {', '.join(type(term).__name__ for term in self.terms)}")
        names = [term.name for term in self.terms]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"a problem needs terms of different names, got {names}")

    def mean_squares(self, model: Rows) -> dict[str, Tensor]:
        """The mean square by which each term fails, without its weight."""
        return {term.name: term.residual(model).square().mean() for term in self.terms}

    def loss(self, model: Rows) -> Tensor:
        """What is made small."""
        return self.total(self.mean_squares(model))

    def total(self, mean_squares: Mapping[str, Number]) -> Number:
        """The loss from its parts."""
        total, *others = (term.factor * mean_squares[term.name] for term in self.terms)
        for part in others:
            total = total + part
        return total

    def weighted(self, weights: Mapping[str, float]) -> "Problem":
        """The same with these weights, by the names of the terms; terms that are not named keep theirs.

        Raises:
            ConfigError: There is no term of such a name.
        """
        known = [term.name for term in self.terms]
        if not set(weights) <= set(known):
            raise ConfigError(f"weights are for terms of the problem, {', '.join(known)}; got {', '.join(weights)}")
        return Problem([replace(term, weight=weights.get(term.name, term.weight)) for term in self.terms])

    def balanced(self, model: nn.Module) -> "Problem":
        r"""The same with a weight for each term that has none: one over the size of its gradient at this model.

        :math:`w_t \propto 1 / \tau_t` with :math:`\tau_t` the mean over points of
        :math:`\|\partial r / \partial \theta\|^2`, so that all terms are learned at one pace, whatever their units (Wang,
        Yu and Perdikaris, "When and why PINNs fail to train", arXiv:2007.14527). The geometric mean of these weights is 1.
        """
        free = [term for term in self.terms if term.weight is None]
        sizes = {term.name: _gradient_size(term, model) for term in free}
        least = torch.finfo(self.terms[0].points.dtype).eps ** 1.5 * max(sizes.values(), default=0.0)
        found = [size for size in sizes.values() if size > least]  # less is rounding
        middle = math.exp(sum(map(math.log, found)) / len(found)) if found else 1.0
        return self.weighted({name: middle / size if size > least else 1.0 for name, size in sizes.items()})

    @property
    def points(self) -> Tensor:
        """The points of all terms."""
        return torch.cat([term.points for term in self.terms])

    def like(self, tensor: Tensor) -> "Problem":
        """The same in the type and on the device of ``tensor``."""
        return Problem([term.like(tensor) for term in self.terms])


def _gradient_size(term: Term, model: nn.Module) -> float:
    """The mean square, over residuals, of the gradient by all parameters, from a few random sums of them."""
    parameters = list(trainable(model.named_parameters()).values())
    residual = term.residual(model).flatten()
    if not residual.requires_grad:
        return 0.0
    generator, total = torch.Generator().manual_seed(0), 0.0
    for _ in range(PROBES):
        signs = random_signs(residual, generator)
        found = torch.autograd.grad(residual, parameters, signs, retain_graph=True, allow_unused=True)
        total += sum(float(g.double().square().sum()) for g in found if g is not None)
    return total / PROBES / residual.numel()


def _described(tensor: object) -> str:
    if not isinstance(tensor, Tensor):
        return f"a {type(tensor).__name__}"
    return f"shape {tuple(tensor.shape)}" + ("" if tensor.isfinite().all() else " with a NaN or an infinity")
