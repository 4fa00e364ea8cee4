"""What is asked of an estimator's predictions: to rise or to fall with some columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown

Ways = Mapping[str, int] | Sequence[int] | None


def ways_of(given: Ways, count: int, names: Sequence[str] | None) -> list[int]:
    """For each column 1 if predictions must rise with it, -1 if they must fall, 0 for others.

    Args:
        given: A number for each column, or a dictionary of names.
        count: Of columns.
        names: Theirs, if they have any.

    Raises:
        ConfigError: Other numbers, another number of them than of columns, or an unknown name.

    Example:
        >>> ways_of({"age": 1}, 2, ["dose", "age"])
        [0, 1]
    """
    if given is None:
        return [0] * count
    if isinstance(given, Mapping):
        if names is None:
            raise ConfigError("monotonic_cst names columns, and the rows have no names: give one number for each column")
        for name in given:
            if name not in names:
                raise unknown("column", name, names)
        ways = [given.get(name, 0) for name in names]
    else:
        ways = list(given)
    if len(ways) != count:
        raise ConfigError(f"monotonic_cst has one number for each of {count} columns, got {len(ways)}")
    for way in ways:
        if way not in (-1, 0, 1):
            raise ConfigError(f"monotonic_cst is 1, -1 or 0 for each column, got {way!r}")
    return [int(way) for way in ways]


def check_ways(hidden: Any, penalty: Any, outputs: int) -> None:
    """Refuse settings with which predictions do not rise or fall as they must.

    Args:
        hidden: Of the estimator.
        penalty: The same.
        outputs: How many targets there are.

    Raises:
        ConfigError: Hidden nodes, a penalty, or several targets.
    """
    if hidden is not None and len(hidden):
        raise ConfigError(f"with monotonic_cst a fit is a sum of a line and curves, without hidden nodes, got {hidden!r}")
    if penalty is not None:
        raise ConfigError(
            f"monotonic_cst is of a safe fit, and penalty={penalty!r} asks for a single network: leave it out"
        )
    if outputs > 1:
        raise ConfigError(f"monotonic_cst is of one target, got {outputs}: fit an estimator for each")
