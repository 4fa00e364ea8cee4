"""A plane in the space of a network's weights, with a grid on it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis.directions import Weights, principal_directions, random_directions
from edgewise.analysis.path import OptimizerPath, path_along


@dataclass(frozen=True, eq=False)
class Plane:
    """Two directions through a network's weights, and how far to go along them."""

    directions: tuple[Weights, Weights]
    """By the names of parameters; what is missing does not move."""
    x: np.ndarray
    """Multiples of the first."""
    y: np.ndarray
    """Multiples of the second."""
    labels: tuple[str, str] = ("first direction", "second direction")
    path: OptimizerPath | None = None
    """The training in this plane, if it is one of its own."""


def principal_plane(
    checkpoints: Mapping[int, Weights], components: tuple[int, int] = (1, 2), margin: float = 0.25, points: int = 25
) -> Plane:
    """Two principal directions of a training, as wide as its path and a margin; the last checkpoint is at (0, 0).

    Args:
        checkpoints: Weights by epoch.
        components: Which directions, 1 being that of the largest variance.
        margin: On each side, as a part of the path's width.
        points: Of the grid, along each direction.

    Raises:
        ConfigError: Too few checkpoints for these directions, or no grid.
    """
    found = principal_directions(checkpoints)
    path = path_along(found, components)
    first, second = (found.vector(checkpoints, component) for component in components)
    x, y = (_line(places.min(), places.max(), margin, points) for places in path.coordinates.T)
    return Plane((first, second), x, y, path.labels(), path)


def random_plane(model: nn.Module, seed: int = 0, radius: float = 1.0, points: int = 25) -> Plane:
    """Two random directions, normalised by filters, from ``-radius`` to ``radius``; see :func:`random_directions`.

    Args:
        model: Stands at (0, 0).
        seed: Of the directions.
        radius: 1 changes each filter by its own norm.
        points: Of the grid, along each direction.

    Raises:
        ConfigError: No grid.

    Example:
        >>> random_plane(nn.Linear(3, 2), points=5).x.tolist()
        [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    line = _line(-radius, radius, 0.0, points)
    names = ("first random direction", "second random direction")
    return Plane(random_directions(model, seed), line, line, names)


def _line(low: float, high: float, margin: float, points: int) -> np.ndarray:
    width = high - low
    if points < 2 or width * (1 + 2 * margin) <= 0:
        raise ConfigError(
            f"a grid needs 2 points at least and some width, got {points} points from {low:.3g} to {high:.3g} with a "
            f"margin of {margin}"
        )
    return np.linspace(low - margin * width, high + margin * width, points)
