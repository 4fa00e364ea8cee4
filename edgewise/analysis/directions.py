r"""Directions in the space of a network's weights: principal ones of a training, and random ones of the right lengths."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError

Weights = Mapping[str, Tensor]
"""Parameters by name."""
_COLUMNS = 1 << 18  # that are taken to float64 at a time
_NOTHING = 1e-12  # of the largest variance: what rounding leaves of a direction in which nothing moved


@dataclass(frozen=True)
class PrincipalDirections:
    """In which directions the checkpoints of a training moved, and how far; see :func:`principal_directions`."""

    epochs: tuple[int, ...]
    """Of the checkpoints."""
    explained: np.ndarray
    """Part of the variance along each direction, falling; their sum is 1."""
    coordinates: np.ndarray
    """(checkpoints, directions): where each checkpoint is, seen from the last."""
    distances: np.ndarray
    """(checkpoints,): how far each checkpoint is from the last, in all directions together."""
    mixtures: np.ndarray
    """(checkpoints, directions): of which multiples of the checkpoints a direction is the sum."""

    def column(self, component: int) -> int:
        """The index of a component, counted from 1.

        Raises:
            ConfigError: The checkpoints do not move in so many directions.
        """
        if not 1 <= component <= len(self.explained):
            raise ConfigError(
                f"component {component} is asked for and {len(self.epochs)} checkpoints move in {len(self.explained)} "
                "directions: ask for one of those, or keep more epochs (--keep-every 1)"
            )
        return component - 1

    def vector(self, checkpoints: Mapping[int, Weights], component: int) -> dict[str, Tensor]:
        """A direction of length 1, as weights by name.

        Args:
            checkpoints: Those that the directions were found in.
            component: From 1, the direction of the largest variance.
        """
        parts = list(zip(self.mixtures[:, self.column(component)], self.epochs, strict=True))
        return {
            name: reduce(torch.add, [float(m) * checkpoints[epoch][name].double() for m, epoch in parts])
            for name in checkpoints[self.epochs[-1]]
        }


def principal_directions(checkpoints: Mapping[int, Weights]) -> PrincipalDirections:
    r"""Principal components of what lies between checkpoints and the last of them, as in Li et al. (arXiv:1712.09913).

    With the displacements :math:`\theta_e - \theta_E` as rows of D, less their mean, the components are the eigenvectors of
    :math:`D^T D`. They are found through the small matrix :math:`D D^T` (the method of snapshots), so that only one tensor
    of all checkpoints is looked at at a time; a mapping may read them when asked. Signs are such that the first checkpoint
    has no negative coordinate.

    Args:
        checkpoints: Weights by epoch.

    Raises:
        ConfigError: Fewer than two checkpoints, or all of them the same.

    Example:
        >>> found = principal_directions({epoch: {"w": torch.tensor([3.0, 1.0]) * (2 - epoch)} for epoch in range(3)})
        >>> found.explained.round(6).tolist(), found.coordinates.round(3).ravel().tolist()
        ([1.0], [6.325, 3.162, 0.0])
    """
    epochs = tuple(sorted(checkpoints))
    if len(epochs) < 2:
        raise ConfigError(
            f"directions of a training need two checkpoints at least, got {len(epochs)}: keep epochs (--keep-every 1)"
        )
    gram = _gram([checkpoints[epoch] for epoch in epochs])
    centre = np.eye(len(epochs)) - 1 / len(epochs)
    variances, vectors = np.linalg.eigh(centre @ gram @ centre)
    variances, vectors = variances[::-1], vectors[:, ::-1]
    moved = (variances > _NOTHING * variances[0]) & (variances > 0)
    if not moved.any():
        raise ConfigError(f"all {len(epochs)} checkpoints hold the same weights: there is no direction in which they moved")
    mixtures = centre @ vectors[:, moved] / np.sqrt(variances[moved])
    mixtures *= np.where((gram @ mixtures)[0] < 0, -1, 1)
    distances = np.sqrt(np.diag(gram).clip(0))
    return PrincipalDirections(epochs, variances[moved] / variances[moved].sum(), gram @ mixtures, distances, mixtures)


def _gram(checkpoints: list[Weights]) -> np.ndarray:
    """Inner products of all displacements from the last checkpoint."""
    gram = torch.zeros(len(checkpoints), len(checkpoints), dtype=torch.float64)
    for name, last in checkpoints[-1].items():
        rows = torch.stack([weights[name].flatten() for weights in checkpoints])
        for part, end in zip(rows.split(_COLUMNS, 1), last.flatten().split(_COLUMNS), strict=True):
            moved = part.double() - end.double()
            gram += moved @ moved.mT
    return gram.numpy()


def random_directions(model: nn.Module, seed: int = 0) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    r"""Two random directions, filter-normalised: :math:`d_f \leftarrow d_f \, \|\theta_f\| / \|d_f\|` for each filter f.

    Of Li et al., "Visualizing the Loss Landscape of Neural Nets" (arXiv:1712.09913): a step of 1 changes each filter by its
    own norm, so that networks of other scales can be compared. A filter is what has the same first index in a tensor;
    biases, norms and other vectors stay where they are, as there.

    Args:
        model: Gives the sizes and norms.
        seed: Of the draw; the global generator is left alone.
    """
    generator = torch.Generator().manual_seed(seed)
    return _random(model, generator), _random(model, generator)


def _random(model: nn.Module, generator: torch.Generator) -> dict[str, Tensor]:
    direction = {}
    for name, weight in model.named_parameters():
        weight = weight.detach().double().cpu()
        if weight.dim() < 2:
            direction[name] = torch.zeros_like(weight)
            continue
        drawn = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        wanted, length = weight.flatten(1).norm(dim=1), drawn.flatten(1).norm(dim=1)
        direction[name] = drawn * (wanted / length).reshape(-1, *[1] * (weight.dim() - 1))
    return direction
