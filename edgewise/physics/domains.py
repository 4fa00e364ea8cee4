"""Where equations hold: domains with scattered points inside and on the edge, normals, and walls to build in."""

import abc
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.numbers import check_whole

TRIES = 64  # draws of as many points, until enough are inside
ON = 1e-4  # of the size of a domain: points less far from its edge are on it


def scattered(count: int, columns: int, seed: int) -> Tensor:
    """Points of a scrambled Sobol sequence in the unit cube, ``(count, columns)``, float64."""
    check_whole(1, count=count)
    return torch.quasirandom.SobolEngine(columns, scramble=True, seed=seed).draw(count, dtype=torch.double)


class Domain(abc.ABC):
    """A bounded part of space; all its points are float64."""

    @property
    @abc.abstractmethod
    def bounds(self) -> tuple[Tensor, Tensor]:
        """The corners ``(d,)`` of a box around it."""

    @abc.abstractmethod
    def contains(self, x: Tensor) -> Tensor:
        """Which points ``(N, d)`` lie inside, ``(N,)`` bool."""

    @abc.abstractmethod
    def edge(self, count: int, seed: int = 0) -> Tensor:
        """Points on the edge, ``(count, d)``; of an interval, its two ends."""

    @abc.abstractmethod
    def distance(self, x: Tensor) -> Tensor:
        """How far points ``(N, d)`` are from the edge, inside as well as outside, ``(N,)``."""

    @abc.abstractmethod
    def outward(self, x: Tensor) -> Tensor:
        """What :meth:`normals` gives, of points that are known to be on the edge."""

    def normals(self, x: Tensor) -> Tensor:
        """Unit vectors pointing outwards at points on the edge, ``(N, d)``.

        Raises:
            ConfigError: Points that are not on the edge.
        """
        away = self.distance(self.rows(x))
        if not bool((away <= ON * self._size).all()):
            raise ConfigError(
                f"normals are of points on the edge of {self}, got {x[int(away.argmax())].tolist()}, "
                f"{float(away.max()):.3g} away from it: take points of edge()"
            )
        return self.outward(x)

    def beyond(self, x: Tensor) -> Tensor:
        """Which points ``(N, d)`` lie neither inside nor on the edge, ``(N,)`` bool."""
        return ~self.contains(x) & (self.distance(x) > ON * self._size)

    def rows(self, x: Tensor) -> Tensor:
        """The points themselves, if they have as many coordinates as the domain.

        Raises:
            ConfigError: They have not.
        """
        d = len(self.bounds[0])
        if x.dim() != 2 or x.shape[1] != d:
            raise ConfigError(f"points of {self} have {d} coordinates each, shape (N, {d}), got shape {tuple(x.shape)}")
        return x

    @property
    def _size(self) -> float:
        low, high = self.bounds
        return float((high - low).max())

    @abc.abstractmethod
    def wall(self, x: Tensor) -> Tensor:
        """A smooth function ``(N,)`` that is 0 on the edge, with a slope, and positive inside; for :class:`Walled`."""

    def inside(self, count: int, seed: int = 0) -> Tensor:
        """Points scattered evenly inside, ``(count, d)``; the same for the same seed.

        Raises:
            ConfigError: No points are asked for, or there is no inside, or next to none.
        """
        check_whole(1, count=count)
        low, high = self.bounds
        engine = torch.quasirandom.SobolEngine(len(low), scramble=True, seed=seed)
        found, number = [], 0
        for _ in range(TRIES):
            x = low + (high - low) * engine.draw(max(count, 64), dtype=torch.double)
            found.append(x[self.contains(x)])
            number += len(found[-1])
            if number >= count:
                return torch.cat(found)[:count]
        raise ConfigError(f"{self} has next to no interior: of {TRIES * max(count, 64)} points {number} lie inside")


class Box(Domain):
    r"""The points between two corners; ``Box([0], [1])`` is an interval, a column of time is one like others.

    Args:
        low: The least of each coordinate.
        high: The largest of each.

    Raises:
        ConfigError: Corners of different length, or no interior.

    Example:
        >>> Box([0, 0], [1, 2]).inside(100).amax(0).round().tolist()
        [1.0, 2.0]
        >>> Box([0], [3]).edge(2).tolist()
        [[0.0], [3.0]]
    """

    def __init__(self, low: Sequence[float], high: Sequence[float]):
        self.low, self.high = (torch.tensor([float(c) for c in corner], dtype=torch.double) for corner in (low, high))
        fits = len(self.low) == len(self.high) > 0 and all(map(math.isfinite, (*self.low, *self.high)))
        if not fits or not bool((self.low < self.high).all()):
            raise ConfigError(f"{self} has no interior: each coordinate needs a finite low end below its high end")

    def __repr__(self) -> str:
        return f"Box({self.low.tolist()}, {self.high.tolist()})"

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        return self.low, self.high

    def contains(self, x: Tensor) -> Tensor:
        return ((self.rows(x) > self.low.to(x.device)) & (x < self.high.to(x.device))).all(1)

    def face(self, column: int, end: str, count: int, seed: int = 0) -> Tensor:
        """Points on one face, such as ``face(1, "low", 50)`` for those at the start of a time in column 1.

        Raises:
            ConfigError: No such column or end.
        """
        if not 0 <= column < len(self.low) or end not in ("low", "high"):
            raise ConfigError(f"a face is a column below {len(self.low)} and 'low' or 'high', got {column} and {end!r}")
        x = self.low + (self.high - self.low) * scattered(count, len(self.low), seed)
        x[:, column] = (self.low if end == "low" else self.high)[column]
        return x

    def edge(self, count: int, seed: int = 0) -> Tensor:
        d = len(self.low)
        check_whole(1, count=count)
        if d == 1:
            return torch.stack([self.low, self.high])
        width = self.high - self.low
        area = width.prod() / width  # of a face, by its column
        pick = torch.multinomial(area.repeat(2), count, True, generator=torch.Generator().manual_seed(seed))
        faces = zip(range(2 * d), torch.bincount(pick, minlength=2 * d).tolist(), strict=True)
        return torch.cat([self.face(i % d, ("low", "high")[i // d], n, seed + i) for i, n in faces if n])

    def distance(self, x: Tensor) -> Tensor:
        to_faces = torch.minimum(self.rows(x) - self.low.to(x), self.high.to(x) - x)  # below 0 beyond a face
        return torch.where((to_faces > 0).all(1), to_faces.amin(1), to_faces.clamp(max=0).norm(dim=1))

    def outward(self, x: Tensor) -> Tensor:
        d = x.shape[1]
        low, high = self.low.to(x.device), self.high.to(x.device)
        nearest = torch.cat([x - low, high - x], 1).abs().argmin(1)
        return torch.cat([-torch.eye(d), torch.eye(d)]).to(x)[nearest]

    def wall(self, x: Tensor) -> Tensor:
        low, high = self.low.to(x), self.high.to(x)
        return (4 * (self.rows(x) - low) * (high - x) / (high - low) ** 2).prod(1)


class Disc(Domain):
    """The points within a distance of a centre, in the plane or in space.

    Args:
        centre: Its coordinates.
        radius: The distance.

    Raises:
        ConfigError: A radius that leaves no interior.

    Example:
        >>> disc = Disc([0, 0], 2)
        >>> bool((disc.edge(9).norm(dim=1) - 2).abs().max() < 1e-12)
        True
    """

    def __init__(self, centre: Sequence[float] = (0.0, 0.0), radius: float = 1.0):
        self.centre, self.radius = torch.tensor([float(c) for c in centre], dtype=torch.double), float(radius)
        if len(self.centre) < 2 or not 0 < self.radius < math.inf or not self.centre.isfinite().all():
            raise ConfigError(
                f"{self} has no interior: it needs a finite centre of two or more numbers and a radius above 0"
            )

    def __repr__(self) -> str:
        return f"Disc({self.centre.tolist()}, {self.radius})"

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        return self.centre - self.radius, self.centre + self.radius

    def contains(self, x: Tensor) -> Tensor:
        return (self.rows(x) - self.centre.to(x.device)).square().sum(1) < self.radius**2

    def edge(self, count: int, seed: int = 0) -> Tensor:
        at = scattered(count, len(self.centre), seed)
        if len(self.centre) == 2:
            angle = 2 * math.pi * at[:, 0]
            direction = torch.stack([angle.cos(), angle.sin()], 1)
        else:
            direction = torch.special.ndtri(at.clamp(1e-12, 1 - 1e-12))
            direction = direction / direction.norm(dim=1, keepdim=True)
        return self.centre + self.radius * direction

    def distance(self, x: Tensor) -> Tensor:
        return ((self.rows(x) - self.centre.to(x)).norm(dim=1) - self.radius).abs()

    def outward(self, x: Tensor) -> Tensor:
        away = x - self.centre.to(x)
        return away / away.norm(dim=1, keepdim=True)

    def wall(self, x: Tensor) -> Tensor:
        return 1 - (self.rows(x) - self.centre.to(x)).square().sum(1) / self.radius**2
