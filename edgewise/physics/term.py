"""One equation at points: what a problem is made of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError
from edgewise.physics.causal import Causal
from edgewise.physics.field import Field, Rows
from edgewise.physics.parts import described

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
        causal: Weights in time, renewed before each step of a solution; None for the same weight at all times.

    Raises:
        DataError: Points that are no finite table, or targets that are not finite or not one a point.
        ConfigError: A weight that is not positive, points to be drawn anew and a target at these ones, or weights in time
            and points without several times.

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
    causal: Causal | None = None

    def __post_init__(self):
        if not isinstance(self.points, Tensor):
            raise DataError(f"the points of {self.name!r} must be a tensor (N, d), got {described(self.points)}")
        if self.points.dim() != 2 or not len(self.points) or not self.points.isfinite().all():
            raise DataError(f"the points of {self.name!r} must be a finite table (N, d), got {described(self.points)}")
        try:
            target = torch.as_tensor(self.target, dtype=self.points.dtype, device=self.points.device)
        except (TypeError, ValueError, RuntimeError) as error:
            raise DataError(f"the target of {self.name!r} must be numbers, got {described(self.target)}") from error
        if not target.isfinite().all() or (target.dim() and len(target) != len(self.points)):
            raise DataError(
                f"the target of {self.name!r} must be finite, a number or one for each of {len(self.points)} points, "
                f"got {described(target)}"
            )
        object.__setattr__(self, "target", target)
        if self.weight is not None and not 0 < self.weight < float("inf"):
            raise ConfigError(f"the weight of {self.name!r} must be positive and finite, got {self.weight}")
        if self.draw is not None and target.dim():
            raise ConfigError(
                f"the points of {self.name!r} cannot be drawn anew, since its target is known at these only: compute it in "
                "the operator from u.x, or leave out draw"
            )
        if self.causal is not None:
            self.causal.times(self.points)

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
            raise ConfigError(f"the operator of {self.name!r} must give a tensor, a row a point, got {described(found)}")
        target = self._targets
        if target.dim() and found.shape != target.shape:
            raise ConfigError(
                f"the operator of {self.name!r} gives shape {tuple(found.shape)} and its target has "
                f"{tuple(target.shape)}: make them the same, for instance by target.squeeze(1)"
            )
        if found.shape[:1] != self.points.shape[:1]:
            raise ConfigError(f"the operator of {self.name!r} must give {len(self.points)} rows, got {tuple(found.shape)}")
        return found - target

    def counted(self, rows: Tensor) -> Tensor:
        """Residuals or their derivatives, ``(R, ...)``, times the root of what the square at each point counts for."""
        return rows

    def mean_square(self, residual: Tensor) -> Tensor:
        """The mean square of residuals, each as it counts."""
        return self.counted(residual.flatten()).square().mean()

    def split(self, size: int) -> Iterator["Term"]:
        """The same equation at some points at a time."""
        for start in range(0, len(self.points), size):
            rows = slice(start, start + size)
            target = self._targets[rows] if self._targets.dim() else self.target
            yield replace(self, points=self.points[rows], target=target, causal=None)

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
            raise ConfigError(f"draw of {self.name!r} was asked for points of shape {wanted} and gave {described(found)}")
        pool = replace(self, points=found.to(self.points))
        chosen = torch.multinomial(interest(pool).cpu(), count, generator=torch.Generator().manual_seed(seed))
        return replace(self, points=pool.points[chosen.to(pool.points.device)])

    def like(self, tensor: Tensor) -> "Term":
        """The same in the type and on the device of ``tensor``."""
        points, target = (t.to(device=tensor.device, dtype=tensor.dtype) for t in (self.points, self._targets))
        return replace(self, points=points, target=target)
