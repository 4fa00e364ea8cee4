r"""The loss around a network's weights, over a plane in their space."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, NonFiniteError
from edgewise._ground.figures import PALETTE, figure_of, style
from edgewise.analysis.directions import Weights
from edgewise.analysis.plane import Plane
from edgewise.nn.modes import keeping_modes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Batches = Sequence[tuple[Tensor, Tensor]]
Criterion = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LossLandscape:
    """The loss at the points of a grid; the network's own weights are at (0, 0)."""

    plane: Plane
    loss: np.ndarray
    """(rows, columns) by y and x of the plane; where it overflows, it is not finite."""

    def rows(self) -> list[dict]:
        """A line for each point of the grid."""
        return [
            {"x": float(self.plane.x[column]), "y": float(self.plane.y[row]), "loss": float(loss)}
            for (row, column), loss in np.ndenumerate(self.loss)
        ]

    def summary(self) -> dict:
        """The lowest and highest loss, and how far the surface is from a bowl."""
        finite = np.isfinite(self.loss)
        row, column = np.unravel_index(np.where(finite, self.loss, np.inf).argmin(), self.loss.shape)
        shown = {} if self.plane.path is None else self.plane.path.summary()
        return shown | {
            "points": self.loss.size,
            "points not finite": int((~finite).sum()),
            "lowest loss": float(self.loss[row, column]),
            "lowest at": [float(self.plane.x[column]), float(self.plane.y[row])],
            "highest loss": float(self.loss[finite].max()),
            "roughness": self.roughness,
        }

    @property
    def roughness(self) -> float:
        """Part of the loss's variance over the grid that no quadratic function of the two coordinates explains.

        0 for a bowl, a saddle or a plane; near 1 where the loss jumps from point to point. Points that are not finite are
        left out.
        """
        finite = np.isfinite(self.loss)
        x, y = (part[finite] / (np.abs(part).max() or 1) for part in np.meshgrid(self.plane.x, self.plane.y))
        loss = self.loss[finite] - self.loss[finite].mean()
        if not loss.any():
            return 0.0
        quadratic = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)
        rest = loss - quadratic @ np.linalg.lstsq(quadratic, loss, rcond=None)[0]
        return float((rest**2).sum() / (loss**2).sum())

    def plot(self) -> "Figure":
        """Contours, with the path if there is one, and the surface."""
        loss, x, y, path = np.ma.masked_invalid(self.loss), self.plane.x, self.plane.y, self.plane.path
        xlabel, ylabel = self.plane.labels
        with style():
            figure = figure_of(figsize=(10, 4.4), layout="constrained")
            axes, surface = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="3d")
            filled = axes.contourf(x, y, loss, levels=30, cmap="viridis")
            axes.contour(x, y, loss, levels=np.asarray(filled.levels)[::3], colors="white", linewidths=0.4)
            figure.colorbar(filled, ax=axes, label="loss")
            axes.set(title="Loss", xlabel=xlabel, ylabel=ylabel)
            axes.grid(False)
            if path is None:
                axes.plot(0, 0, color=PALETTE[1], marker="*", markersize=11)
            else:
                path.draw(axes)
            surface.plot_surface(*np.meshgrid(x, y), loss.filled(np.nan), cmap="viridis", linewidth=0)
            # Else the label of the loss is cut off.
            surface.set_box_aspect(None, zoom=0.85)  # pyright: ignore[reportArgumentType] (Matplotlib takes its default's type)
            surface.set(xlabel=xlabel.split(" (")[0], ylabel=ylabel.split(" (")[0], zlabel="loss")
        return figure


def loss_landscape(
    model: nn.Module,
    plane: Plane,
    batches: Batches,
    criterion: Criterion,
    watch: Callable[[Iterable], Iterable] = iter,
) -> LossLandscape:
    r"""The mean loss at :math:`\theta + x d_1 + y d_2` (Li et al., "Visualizing the Loss Landscape", arXiv:1712.09913).

    Evaluation mode, no gradients. The weights are handed to the forward pass and never written into the model, so that it
    is left as it was whatever happens.

    Args:
        model: Its weights are the centre.
        plane: Such as :func:`~edgewise.analysis.principal_plane` (take the last checkpoint's network then) and
            :func:`~edgewise.analysis.random_plane` make.
        batches: Inputs and targets, the same for every point.
        criterion: From outputs and targets to the mean loss of a batch.
        watch: Goes through the points, such as a progress bar.

    Raises:
        ConfigError: No data, or directions of another network.
        NonFiniteError: The loss is not finite anywhere.

    Example:
        >>> model, data = nn.Linear(1, 1, bias=False), [(torch.ones(1, 1), torch.zeros(1, 1))]
        >>> _ = nn.init.zeros_(model.weight)
        >>> directions = ({"weight": torch.ones(1, 1)}, {"weight": torch.full((1, 1), 2.0)})
        >>> plane = Plane(directions, x=np.array([-1, 0, 1]), y=np.array([0, 1]))
        >>> loss_landscape(model, plane, data, nn.functional.mse_loss).loss.tolist()
        [[1.0, 0.0, 1.0], [1.0, 4.0, 9.0]]
    """
    weights = dict(model.named_parameters())
    for name in {name for direction in plane.directions for name in direction}:
        if name not in weights:
            raise ConfigError(f"the directions move {name!r}, which the network does not have: take directions of its own")
    if not len(batches):
        raise ConfigError("a landscape needs data to take the loss on, got none")
    first, second = ({name: d[name].to(weights[name]) for name in d} for d in plane.directions)
    loss = np.empty((len(plane.y), len(plane.x)))
    with evaluating(model):
        for row, column in watch(list(np.ndindex(loss.shape))):
            x, y = float(plane.x[column]), float(plane.y[row])
            moved = {name: w + x * first.get(name, 0) + y * second.get(name, 0) for name, w in weights.items()}
            loss[row, column] = mean_loss(model, moved, batches, criterion)
    if not np.isfinite(loss).any():
        raise NonFiniteError("the loss is not finite at any point of the landscape: look at a smaller part of it")
    return LossLandscape(plane, loss)


def mean_loss(model: nn.Module, weights: Weights, batches: Batches, criterion: Criterion) -> float:
    """The mean over all samples of the loss that the model would have with these weights."""
    like, total, count = next(iter(weights.values())), 0.0, 0
    tensors = {**weights, **{name: buffer.clone() for name, buffer in model.named_buffers()}}
    for inputs, targets in batches:
        outputs = torch.func.functional_call(model, tensors, (inputs.to(like.device, like.dtype),))
        total += criterion(outputs, targets.to(like.device)).item() * len(inputs)
        count += len(inputs)
    return total / count


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards each module is in the mode it was in."""
    with keeping_modes(model), torch.no_grad():
        model.eval()
        yield
