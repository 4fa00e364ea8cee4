"""The losses that a regressor knows by name."""

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.registry import unknown
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.fitting.losses import CurvedLoss, Huber, Poisson, Squares

NORMAL_QUARTILE = 0.6745  # the median distance of a normal variable from its mean, in deviations
HUBER = 1.345  # deviations of the noise: 95 % as good as squares where it is normal
MUCH_NOISE = 0.9  # of the targets' own deviation: a smaller one is worth another fit
LOSSES: dict[str, CurvedLoss] = {"squares": Squares(), "huber": Huber(HUBER), "poisson": Poisson()}


def check_loss(name: str, targets: np.ndarray, symbolic: bool, first: bool = True) -> None:
    """Raise an error unless a loss suits the targets.

    Args:
        name: Of the loss.
        targets: ``(N, outputs)``.
        symbolic: Whether a formula is sought.
        first: Whether they must decide where to begin: then not all are 0.

    Raises:
        ConfigError: There is no such loss, or it seeks no formulas.
        DataError: Targets that it cannot take.
    """
    if name not in LOSSES:
        raise unknown("loss", name, LOSSES)
    if symbolic and name != "squares":
        raise ConfigError(f"formulas are sought by mean squares: leave out loss={name!r}, or symbolic=True")
    if name == "poisson" and (targets.min() < 0 or (first and not targets.any(0).all())):
        raise DataError(f"loss='poisson' needs targets that are at least 0 and not all 0, the least is {targets.min():g}")


def robust_scale(targets: Tensor) -> Scale:
    """Median and median distance from it, as a deviation, of each target ``(N, outputs)``: outlying ones do not move them.

    Example:
        >>> scale = robust_scale(torch.tensor([[0.0], [1.0], [2.0], [1000.0], [1.0]]))
        >>> scale.mean.item(), round(scale.deviation.item(), 2)
        (1.0, 1.48)
    """
    middle = targets.median(0).values
    distance = (targets - middle).abs().median(0).values / NORMAL_QUARTILE
    usual = Scale.of(targets)
    return Scale(middle, torch.where(distance > 0, distance, usual.deviation))
