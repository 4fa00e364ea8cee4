"""Settings that are numbers, checked where they are given."""

from numbers import Integral, Real
from typing import Any

from edgewise._ground.errors import ConfigError


def check_whole(least: int, **settings: Any) -> None:
    """Refuse what is no whole number of at least so much.

    Raises:
        ConfigError: It names the setting.

    Example:
        >>> check_whole(1, steps=20, starts=1)
    """
    for name, value in settings.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise ConfigError(f"{name} is a whole number of at least {least}, got {value!r}")


def check_seconds(max_time: float | None) -> None:
    """Refuse a limit of time that is neither None nor positive.

    Raises:
        ConfigError: It is none.
    """
    if max_time is not None and not (isinstance(max_time, Real) and max_time > 0):
        raise ConfigError(f"max_time is a positive number of seconds, got {max_time!r}")
