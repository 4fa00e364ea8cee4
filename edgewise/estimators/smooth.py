r"""Networks under a penalty that costs next to nothing: sizes and bends of edges, of which both are known beforehand.

An edge is linear in its functions, so the variance of what it gives is :math:`w^T V w`, and the mean square of its second
derivative :math:`w^T B w`. The penalty sums :math:`a \sqrt{w^T V w} + b\, w^T B w` over edges: whole edges vanish (M. Yuan
and Y. Lin, J. R. Stat. Soc. B 68, 2006), the others bend no more than they must.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise.estimators.penalised import bends_of, sizes_of
from edgewise.kan.fitting.damped import WORKING_NUMBERS, Damped, Expansion, least_squares
from edgewise.kan.fitting.data import Table
from edgewise.kan.fitting.jacobian import jacobian
from edgewise.kan.fitting.losses import CurvedLoss
from edgewise.kan.kan import KAN
from edgewise.kan.layer import KANLayer
from edgewise.nn.grid import update_grid

NOTHING = 1e-3  # an edge of less deviation is held as one of so much
CLOSE = 1e-4  # a step that gains less, relatively, is as good as the last
IDLE = 2  # such steps, after which a fit ends
TINY = 1e-8
CONSTANT = 0.05  # of the outputs' size, a deviation that is none


@dataclass(frozen=True)
class Strength:
    """Of a penalty.

    Args:
        size: The factor a of the deviations of edges.
        bend: The factor b of their bends.
    """

    size: float
    bend: float


class SmoothFit(Damped):
    """Damped Gauss-Newton steps for a network on grids that move seldom.

    Args:
        model: The network; it changes in place.
        table: Its rows.
        loss: What is made small.
        strength: Of the penalty; it may be changed between steps.
    """

    def __init__(self, model: KAN, table: Table, loss: CurvedLoss, strength: Strength):
        super().__init__()
        self.model, self.table, self.loss, self.strength = model, table, loss, strength
        self.share = table.counts / table.counts.sum()
        some = self.share > 0
        self.used, self.share = table.some(some), self.share[some]
        self.first: Tensor | None = None
        self.until = math.inf  # when no other step is begun, by time.monotonic
        self.blocks: list[tuple[Tensor, Tensor]] = []

    def run(self, steps: int, moves: int) -> None:
        """So many steps at most; grids move to their inputs before the first of ``moves`` equal parts."""
        parts = max(moves, 1)
        for _ in range(parts):
            if moves:
                self.move()
            last, idle = self.value(), 0
            for _ in range(-(-steps // parts)):
                self.step()
                now = self.value()
                idle = 0 if last - now > CLOSE * abs(last) else idle + 1
                last = now
                if idle >= IDLE or self.stuck or time.monotonic() > self.until:
                    break

    @torch.no_grad()
    def move(self) -> None:
        """Move the grids of hidden layers to their inputs; that of the first layer once."""
        x = self.model.select(self.table.x)
        if self.first is None:
            update_grid(self.model[0], x)
            self.first = self.model[0].edge_features(self.model.select(self.used.x))
            self.rows_first = self.model[0].edge_features(x)
        hidden = self._after_first(self.rows_first)
        for layer in list(self.model)[1:]:
            update_grid(layer, hidden)
            hidden = layer(hidden)
        self.measure()
        self.reset()

    @torch.no_grad()
    def stay(self) -> None:
        """Leave all grids where they are."""
        self.first = self.model[0].edge_features(self.model.select(self.used.x))
        self.measure()

    @torch.no_grad()
    def measure(self) -> None:
        """The sizes and bends of all functions, for inputs of layers as they are now."""
        x, blocks = self.used.x, []
        for place, layer in enumerate(self.model):
            features = layer.edge_features(x) if place else self._features()
            sizes = self.blocks[0][0] if self.blocks and not place else sizes_of(features, self.share)
            blocks.append((sizes, bends_of(layer, True) * layer.mask.any(0)[:, None, None]))
            x = self._after_first(features) if not place else layer(x)
        self.blocks = blocks

    def _features(self) -> Tensor:
        assert self.first is not None
        return self.first

    def _after_first(self, features: Tensor) -> Tensor:
        layer = self.model[0]
        return layer.join(features.flatten(1) @ layer.edge_weights().flatten(0, 1))

    @torch.no_grad()
    def output(self) -> Tensor:
        """What the network gives for the rows that count."""
        x = self._after_first(self._features())
        for layer in list(self.model)[1:]:
            x = layer(x)
        return x

    def is_constant(self) -> bool:
        """Whether the penalty has made all outputs constant, nearly."""
        output = self.output()
        return bool(output.std(0).max() <= CONSTANT * max(1.0, float(output.abs().max()))) if len(output) > 1 else False

    @torch.no_grad()
    def value(self) -> float:
        total = self.share @ self.loss.rows(self.output(), self.used.y)
        for layer, (size, bend) in zip(self.model, self.blocks, strict=True):
            w = layer.edge_weights()
            variance, bent = ((w * torch.einsum("ikl,ils->iks", block, w)).sum(1) for block in (size, bend))
            total = total + self.strength.size * self._rooted(variance).sum() + self.strength.bend * bent.sum()
        return float(total)

    @staticmethod
    def _rooted(variance: Tensor) -> Tensor:
        """The deviation, below NOTHING the parabola that touches it there."""
        deviation = variance.clamp_min(0).sqrt()
        return torch.where(deviation > NOTHING, deviation, variance / (2 * NOTHING) + NOTHING / 2)

    @torch.no_grad()
    def expansion(self) -> Expansion:
        self.measure()
        around = least_squares(self._parts())
        curvature, gradient = around.curvature, around.gradient
        places = places_of(around.parameters)
        for layer, (size, bend) in zip(self.model, self.blocks, strict=True):
            self._add(curvature, gradient, layer, size, bend, places(layer))
        curvature.diagonal().add_(TINY)
        return replace(around, curvature=curvature, gradient=gradient)

    def _add(self, curvature: Tensor, gradient: Tensor, layer: KANLayer, size: Tensor, bend: Tensor, index: Tensor) -> None:
        # shape: curvature (P, P), gradient (P,), size and bend (in, F, F), index (in, S, F)
        w = layer.edge_weights().movedim(2, 1)  # (in, S, F)
        deviation = torch.einsum("isk,ikl,isl->is", w, size, w).clamp_min(0).sqrt().clamp_min(NOTHING)
        there = layer.mask.t().to(w)  # (in, S)
        block = (there * self.strength.size / (2 * deviation))[..., None, None] * size.unsqueeze(1)
        block = block + (there * self.strength.bend)[..., None, None] * bend.unsqueeze(1)
        curvature.index_put_((index.unsqueeze(-1), index.unsqueeze(-2)), block, accumulate=True)
        gradient.index_put_((index,), (block @ w.unsqueeze(-1)).squeeze(-1), accumulate=True)

    def _parts(self) -> Iterator[tuple[Tensor, Tensor, list[Tensor]]]:
        size = sum(p.numel() for p in self.model.parameters()) * self.used.y.shape[1]
        for rows in torch.arange(len(self.used)).split(max(1, WORKING_NUMBERS // size)):
            whole = len(rows) == len(self.used)
            first = self._features() if whole else self._features()[rows]
            part = self.used if whole else self.used.some(rows)
            output, derivatives, parameters = jacobian(self.model, part.x, first)
            residual, derivatives = self.loss.whitened(output, part.y, derivatives)
            root = ((self.share if whole else self.share[rows]) / 2).sqrt().unsqueeze(1)
            yield (derivatives * root.unsqueeze(2)).flatten(0, 1), (residual * root).flatten(), parameters


def places_of(parameters: Sequence[Tensor]) -> Callable[[KANLayer], Tensor]:
    """For layers of a network where the numbers of each edge stand among all those of ``parameters``, ``(in, S, F)``."""
    places, count = {}, 0
    for parameter in parameters:
        places[id(parameter)] = torch.arange(count, count + parameter.numel()).view_as(parameter)
        count += parameter.numel()

    def of_layer(layer: KANLayer) -> Tensor:
        index = places[id(layer.coef)].movedim(2, 1)
        if layer.base_weight is None:
            return index
        return torch.cat([places[id(layer.base_weight)].t().unsqueeze(2), index], 2)

    return of_layer
