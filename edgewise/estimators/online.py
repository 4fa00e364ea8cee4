r"""A network that learns from chunks of rows and keeps none of them.

After each chunk the loss of all rows so far is held as a parabola about where the parameters then stood,
:math:`2 g^T (\theta - \theta_0) + (\theta - \theta_0)^T A\, (\theta - \theta_0)`, with A the sum of the chunks'
Gauss-Newton matrices; the next is fitted by its own loss plus that (online Laplace: H. Ritter et al., NeurIPS 31, 2018).
Without hidden nodes and for squares nothing is approximate: these are recursive least squares (R. Plackett, Biometrika 37,
1950).
"""

import math
import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.estimators.penalised import bends_of
from edgewise.estimators.smooth import places_of
from edgewise.kan.fitting.damped import Expansion
from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.jacobian import jacobian
from edgewise.kan.fitting.losses import CurvedLoss
from edgewise.kan.fitting.marquardt import Marquardt
from edgewise.kan.kan import KAN

MOST_NUMBERS = 3000  # parameters; their matrix then has 72 MB
RIDGE = 1e-3  # rows: a little on the square of each number, since constants may stand on any edge
MOVES = 4  # of the grids, while the first chunk is fitted
SURE = 1e-9  # the first damping of later chunks, which begin near their end
CLOSE, IDLE = 1e-7, 2  # a step that gains less, relatively, is as good as none; a fit ends after so many of them


class Chunk(Marquardt):
    """Damped Gauss-Newton steps on the sum of the losses of a chunk, and the parabola of what came before.

    Args:
        model: The network; it changes in place.
        table: The rows of the chunk.
        loss: What is made small.
        before: The parabola; its ``parameters`` are the numbers about which it is known.
    """

    def __init__(self, model: KAN, table: Table, loss: CurvedLoss, before: Expansion):
        super().__init__(model, table, None, loss)
        self.before, self.total = before, float(table.counts.sum())
        self.numbers = numbers_of(model)

    def expansion(self) -> Expansion:
        around, before = super().expansion(), self.before
        gradient = self.total * around.gradient + before.gradient + before.curvature @ self._away()
        return replace(around, curvature=self.total * around.curvature + before.curvature, gradient=gradient)

    @torch.no_grad()
    def value(self) -> float:
        away, before = self._away(), self.before
        return self.total * super().value() + float(2 * before.gradient @ away + away @ before.curvature @ away)

    def run(self, steps: int, until: float) -> None:
        """So many steps at most, and none begun after ``until``, by :func:`time.monotonic`."""
        last, idle = self.value(), 0
        for _ in range(steps):
            if idle >= IDLE or self.stuck or time.monotonic() > until:
                break
            self.step()
            now = self.value()
            idle = 0 if last - now > CLOSE * abs(last) else idle + 1
            last = now

    def after(self) -> Expansion:
        """The parabola of all rows so far, about where the parameters stand."""
        around = self.expansion()
        return replace(around, parameters=[p.detach().clone() for p in around.parameters])

    def _away(self) -> Tensor:
        return torch.cat([(p - b).detach().flatten() for p, b in zip(self.numbers, self.before.parameters, strict=True)])


@dataclass
class Course:
    """What is kept from chunk to chunk.

    Args:
        model: The network.
        loss: What is made small.
        past: The parabola of all rows so far.
    """

    model: KAN
    loss: CurvedLoss
    past: Expansion

    @classmethod
    def begun(
        cls, model: KAN, table: Table, loss: CurvedLoss, strength: float, steps: int, until: float = math.inf
    ) -> "Course":
        """After the first chunk, which decides where the grids lie.

        Args:
            model: The network; it changes in place.
            table: The first chunk.
            loss: What is made small.
            strength: Of the penalty, in rows: it counts less and less as rows come.
            steps: On the last grids, at most.
            until: When no other step is begun.
        """
        check_size(model)
        for _ in range(MOVES - 1 if len(model) > 1 else 0):
            model.update_grid(table.x)
            Chunk(model, table, loss, penalty_of(model, strength)).run(-(-steps // MOVES), until)
        model.update_grid(table.x)
        model.keep_rows(table.x)
        chunk = Chunk(model, table, loss, penalty_of(model, strength))
        chunk.run(steps, until)
        return cls(model, loss, chunk.after())

    def go_on(self, table: Table, steps: int, until: float = math.inf) -> None:
        """Learn from a further chunk, in so many steps at most."""
        chunk = Chunk(self.model, table, self.loss, self.past)
        chunk.damping = SURE
        chunk.run(steps, until)
        self.past = chunk.after()


def numbers_of(model: KAN) -> list[Tensor]:
    """The parameters in the order of the derivatives."""
    return jacobian(model, next(model.parameters()).new_zeros(1, model[0].in_features))[2]


def penalty_of(model: KAN, strength: float) -> Expansion:
    """The parabola before any row: bends of edges, and a little of the squares of all numbers, about 0."""
    numbers = numbers_of(model)
    places = places_of(numbers)
    count = sum(p.numel() for p in numbers)
    curvature = torch.zeros(count, count, dtype=torch.double)
    for layer in model:
        index = places(layer)
        block = (bends_of(layer, layer.base_weight is not None) * strength).unsqueeze(1)
        block = block * layer.mask.t().to(block)[..., None, None]
        curvature.index_put_((index.unsqueeze(-1), index.unsqueeze(-2)), block, accumulate=True)
    curvature.diagonal().add_(RIDGE)
    return Expansion(curvature, curvature.new_zeros(count), [torch.zeros_like(p) for p in numbers])


def check_size(model: KAN) -> None:
    """Raise an error if the matrix of a network would be too large.

    Raises:
        ConfigError: It has too many parameters.
    """
    count = sum(p.numel() for p in model.parameters())
    if count > MOST_NUMBERS:
        raise ConfigError(
            f"partial_fit keeps a matrix of all pairs of parameters, of which there may be {MOST_NUMBERS}, and the network "
            f"has {count}: take fewer hidden nodes or columns, or a coarser grid"
        )
