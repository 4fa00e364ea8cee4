"""Settings of estimators that cannot be, or that would have no effect."""

from typing import Any, Protocol

from edgewise._ground.device import device_of
from edgewise._ground.errors import ConfigError
from edgewise._ground.numbers import check_seconds, check_whole
from edgewise._ground.registry import unknown
from edgewise.kan.fitting.plan import OPTIMIZERS
from edgewise.kan.width import check_hidden


class Settings(Protocol):
    """What estimators are given; of any type until it is checked."""

    hidden: Any
    grid: Any
    k: Any
    steps: Any
    starts: Any
    max_time: Any
    optimizer: Any
    penalty: Any
    symbolic: bool
    functions: Any
    device: Any


def check_settings(estimator: Settings) -> None:
    """Refuse settings before anything is fitted, as scikit-learn does it, and not where they are made.

    Raises:
        ConfigError: It names the setting and what it may be.
    """
    check_hidden(estimator.hidden)
    check_whole(1, grid=estimator.grid, steps=estimator.steps, starts=estimator.starts)
    check_whole(0, k=estimator.k)
    check_seconds(estimator.max_time)
    if estimator.optimizer not in OPTIMIZERS:
        raise unknown("optimizer", estimator.optimizer, OPTIMIZERS)
    if estimator.device is not None:
        device_of(estimator.device)
    if estimator.symbolic:
        return
    if estimator.functions is not None:
        raise ConfigError("functions= says what formulas may have: give symbolic=True too, or leave it out")
    if estimator.penalty is None and estimator.device not in (None, "cpu"):
        raise ConfigError(
            f"a safe fit compares many small networks on the CPU, got device={estimator.device!r}: give penalty= too for a "
            "single network, or symbolic=True, or leave out device="
        )
    if estimator.penalty is None and estimator.optimizer != "lm":
        raise ConfigError(
            f"a safe fit takes its own steps: give penalty= too for a single network by {estimator.optimizer!r}, or leave "
            "out optimizer="
        )
