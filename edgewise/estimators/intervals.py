"""How far predictions are off, by rows that were held back."""

import math

import numpy as np

from edgewise._ground.errors import ConfigError, DataError


class Spread:
    """What was left of targets when their rows were held back.

    Args:
        left: Targets less predictions, ``(N, outputs)``.

    Example:
        >>> spread = Spread(np.linspace(-1, 1, 201)[:, None])
        >>> spread.reach(0.9).round(2).tolist(), spread.deviation().round(2).tolist()
        ([0.91], [0.58])
    """

    def __init__(self, left: np.ndarray):
        self.left = left

    def deviation(self) -> np.ndarray:
        """The root mean square, ``(outputs,)``."""
        return np.sqrt(np.square(self.left).mean(0))

    def reach(self, coverage: float) -> np.ndarray:
        """Within what distance a new row lies with at least this probability, ``(outputs,)``.

        It is the k-th smallest distance of the n rows, k = (n + 1) coverage rounded up: a new row is as likely to be at any
        of n + 1 places among them (V. Vovk, cross-conformal predictors, 2015; there for the fits of each fold).

        Raises:
            ConfigError: The coverage is not between 0 and 1.
            DataError: There are too few rows for it.
        """
        if not 0 < coverage < 1:
            raise ConfigError(f"coverage is a share of rows between 0 and 1, such as 0.9, got {coverage}")
        count = len(self.left)
        place = math.ceil(round((count + 1) * coverage, 9))
        if place > count:
            least = math.ceil(round(coverage / (1 - coverage), 9))
            raise DataError(
                f"an interval that covers {coverage:g} needs at least {least} training rows, got {count}: "
                "fit to more rows, or ask for less coverage"
            )
        return np.sort(np.abs(self.left), 0)[place - 1]
