"""The way of the optimiser, seen in two principal directions of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgewise._ground.errors import ConfigError
from edgewise._ground.figures import INK, PALETTE, figure_of, style
from edgewise.analysis.directions import PrincipalDirections, Weights, principal_directions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class OptimizerPath:
    """Where the weights were after each epoch, in two directions, seen from where they ended."""

    components: tuple[int, int]
    """Which principal directions, counted from 1."""
    epochs: tuple[int, ...]
    coordinates: np.ndarray
    """(checkpoints, 2)."""
    distances: np.ndarray
    """(checkpoints,): distances from the end in all directions together."""
    explained: np.ndarray
    """Part of the variance along every principal direction."""

    def rows(self) -> list[dict]:
        """A line for each checkpoint: epoch, both coordinates, distance from the end."""
        names = self.labels(short=True)
        return [
            {"epoch": epoch, **dict(zip(names, map(float, place), strict=True)), "distance": float(distance)}
            for epoch, place, distance in zip(self.epochs, self.coordinates, self.distances, strict=True)
        ]

    def summary(self) -> dict:
        """How much of the movement the two directions show."""
        shown = [float(self.explained[component - 1]) for component in self.components]
        return {
            "components": list(self.components),
            "explained": shown,
            "explained by both": sum(shown),
            "explained by each direction": self.explained.tolist(),
            "checkpoints": len(self.epochs),
            "distance from start to end": float(self.distances[0]),
        }

    def labels(self, short: bool = False) -> tuple[str, str]:
        """Names of the two directions, with the variance that they explain."""
        first, second = (
            f"PC{component}" if short else f"PC{component} ({self.explained[component - 1]:.1%} of the variance)"
            for component in self.components
        )
        return first, second

    def draw(self, axes: "Axes") -> None:
        """Draw the path into axes of matplotlib: a dot for each checkpoint, a star at the end."""
        x, y = self.coordinates.T
        axes.plot(x, y, color=INK, linewidth=1.2, marker="o", markersize=3, zorder=3)
        axes.plot(x[-1:], y[-1:], color=PALETTE[1], marker="*", markersize=11, zorder=4)
        for place in (0, -1):
            axes.annotate(f"{self.epochs[place]}", (x[place], y[place]), (4, 4), textcoords="offset points", fontsize=8)

    def plot(self) -> "Figure":
        """The path, and how the variance is shared among the directions."""
        with style():
            figure = figure_of(figsize=(8.6, 3.6), layout="constrained")
            axes, shares = figure.subplots(1, 2, width_ratios=(1.6, 1))
            self.draw(axes)
            xlabel, ylabel = self.labels()
            axes.set(title="Path of the optimiser, by epoch", xlabel=xlabel, ylabel=ylabel)
            count = min(10, len(self.explained))
            shares.bar(range(1, count + 1), self.explained[:count], color=PALETTE[0])
            shares.set(title="Variance explained", xlabel="principal direction", ylim=(0, 1))
            shares.locator_params(axis="x", integer=True)
        return figure


def optimizer_path(checkpoints: Mapping[int, Weights], components: tuple[int, int] = (1, 2)) -> OptimizerPath:
    """Project the checkpoints of a training on two of its principal directions (Li et al., arXiv:1712.09913).

    Args:
        checkpoints: Weights by epoch.
        components: Which two directions, 1 being that of the largest variance.

    Raises:
        ConfigError: Too few checkpoints for these directions, or twice the same direction.

    Example:
        >>> import torch
        >>> spiral = {epoch: {"w": torch.tensor([2.0, 1.0, 0.5]) ** epoch} for epoch in range(4)}
        >>> path = optimizer_path(spiral)
        >>> f"{path.explained[0]:.3f}", len(path.rows())
        ('0.996', 4)
    """
    return path_along(principal_directions(checkpoints), components)


def path_along(directions: PrincipalDirections, components: tuple[int, int] = (1, 2)) -> OptimizerPath:
    """The same, of directions that were found already."""
    if components[0] == components[1]:
        raise ConfigError(f"a path is seen in two different directions, got component {components[0]} twice")
    places = directions.coordinates[:, [directions.column(component) for component in components]]
    return OptimizerPath(
        (components[0], components[1]), directions.epochs, places, directions.distances, directions.explained
    )
