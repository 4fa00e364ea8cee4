"""Polygons with holes, as domains."""

from collections.abc import Sequence

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.physics.domains import Domain, scattered

Corners = Sequence[Sequence[float]]


class Polygon(Domain):
    r"""The points within a closed line of corners, and within none of its holes.

    Its wall joins the distances to all sides, :math:`w = (\sum_i w_i^{-2})^{-1/2}`, each :math:`w_i` normalised on its side
    and positive elsewhere (Rvachev; Sukumar and Srivastava, arXiv:2104.08426).

    Args:
        corners: ``(n, 2)``, in either direction; the last is joined to the first.
        holes: Closed lines of corners within it.

    Raises:
        ConfigError: Fewer than three corners, sides that cross, a hole that is not within, or no interior.

    Example:
        >>> frame = Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], holes=[[(1, 1), (3, 1), (3, 3), (1, 3)]])
        >>> frame.contains(torch.tensor([[0.5, 0.5], [2.0, 2.0]]).double()).tolist()
        [True, False]
    """

    def __init__(self, corners: Corners, holes: Sequence[Corners] = ()):
        lines = [
            torch.tensor([[float(c) for c in corner] for corner in line], dtype=torch.double) for line in (corners, *holes)
        ]
        for line in lines:
            if line.dim() != 2 or line.shape[1:] != (2,) or len(line) < 3 or not line.isfinite().all():
                raise ConfigError(f"a polygon needs at least 3 finite corners (x, y), got {line.tolist()}")
        self.lines = lines
        self.starts = torch.cat(lines)
        self.ends = torch.cat([line.roll(-1, 0) for line in lines])
        outer, *inner = (_area(line) for line in lines)
        if outer <= 1e-12 * float((lines[0].amax(0) - lines[0].amin(0)).square().sum()):
            raise ConfigError(f"{self} has no interior: its corners lie on one line")
        if _cross(self.starts, self.ends):
            raise ConfigError(f"the sides of {self} cross: give the corners one after the other, and holes that keep apart")
        if not all(bool(_within(hole, lines[0]).all()) for hole in lines[1:]) or sum(inner) >= outer:
            raise ConfigError(f"a hole of {self} is not within it")

    def __repr__(self) -> str:
        return f"Polygon of {len(self.lines[0])} corners and {len(self.lines) - 1} holes"

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        return self.lines[0].amin(0), self.lines[0].amax(0)

    def contains(self, x: Tensor) -> Tensor:
        inside = _within(self.rows(x), self.lines[0].to(x.device))
        for hole in self.lines[1:]:
            inside &= ~_within(x, hole.to(x.device))
        return inside

    def edge(self, count: int, seed: int = 0) -> Tensor:
        along = self.ends - self.starts
        lengths = along.norm(dim=1)
        at = scattered(count, 1, seed)[:, 0] * lengths.sum()
        upto = lengths.cumsum(0)
        side = torch.searchsorted(upto, at, right=True).clamp(max=len(upto) - 1)
        share = (at - upto[side] + lengths[side]) / lengths[side]
        return self.starts[side] + share.unsqueeze(1) * along[side]

    def distance(self, x: Tensor) -> Tensor:
        return _distances(self.rows(x).double(), self.starts.to(x.device), self.ends.to(x.device)).amin(1)

    def outward(self, x: Tensor) -> Tensor:
        along = self.ends - self.starts
        across = torch.stack([along[:, 1], -along[:, 0]], 1) / along.norm(dim=1, keepdim=True)
        middle, step = (self.starts + self.ends) / 2, 1e-6 * along.norm(dim=1, keepdim=True)
        outward = torch.where(self.contains(middle + step * across).unsqueeze(1), -across, across)
        nearest = _distances(x.double(), self.starts.to(x.device), self.ends.to(x.device)).argmin(1)
        return outward.to(x)[nearest]

    def wall(self, x: Tensor) -> Tensor:
        starts, ends = self.starts.to(x), self.ends.to(x)
        length = (ends - starts).norm(dim=1)
        away, across = self.rows(x).unsqueeze(1) - starts, (ends - starts) / length.unsqueeze(1)
        line = away[..., 0] * across[:, 1] - away[..., 1] * across[:, 0]  # signed distance to the line of the side
        trim = ((length / 2) ** 2 - (x.unsqueeze(1) - (starts + ends) / 2).square().sum(2)) / length  # 0 where it ends
        beyond = (((trim.square() + line**4).sqrt() - trim) / 2).square()
        square = line.square() + beyond
        tiny = torch.finfo(x.dtype).tiny ** 0.5
        return (square + tiny).reciprocal().sum(1).rsqrt()


def _area(line: Tensor) -> float:
    after = line.roll(-1, 0)
    return abs(float((line[:, 0] * after[:, 1] - after[:, 0] * line[:, 1]).sum())) / 2


def _within(x: Tensor, line: Tensor) -> Tensor:
    """Whether a ray from each point crosses the line an odd number of times."""
    (ax, ay), (bx, by) = line.unbind(1), line.roll(-1, 0).unbind(1)
    px, py = x[:, :1], x[:, 1:]
    height = torch.where(by == ay, 1, by - ay)
    crossing = ((ay > py) != (by > py)) & (px < ax + (py - ay) * (bx - ax) / height)
    return crossing.sum(1) % 2 == 1


def _cross(starts: Tensor, ends: Tensor) -> bool:
    """Whether any two sides cross within both."""

    def side(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return ((b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0]).sign()

    a, b, c, d = starts.unsqueeze(1), ends.unsqueeze(1), starts.unsqueeze(0), ends.unsqueeze(0)
    return bool(((side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)).any())


def _distances(x: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """From points to sides, ``(N, sides)``."""
    along, away = ends - starts, x.unsqueeze(1) - starts
    share = ((away * along).sum(2) / along.square().sum(1)).clamp(0, 1)
    return (away - share.unsqueeze(2) * along).norm(dim=2)
