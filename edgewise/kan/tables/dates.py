"""Dates in the cells of a table, and the days that they are read as."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from edgewise._ground.errors import DataError

ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")
DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?: (\d{1,2}):(\d{2})(?::(\d{2}))?)?")
SLASHED = re.compile(r"\d{1,4}/\d{1,2}/\d{2,4}( .*)?")
"""Of which nobody knows what is the day and what the month."""
AS = "2024-12-31 or 31.12.2024"


def date_of(cell: str) -> datetime | None:
    """The moment that a cell names, as ISO 8601 writes it or with points, the day first; None if it names none.

    Moments of a time zone are those of UTC.

    Example:
        >>> str(date_of("31.12.2024")), str(date_of("2024-12-31 06:00")), date_of("12/31/2024"), date_of("31.02.2024")
        ('2024-12-31 00:00:00', '2024-12-31 06:00:00', None, None)
    """
    try:
        if ISO.fullmatch(cell):
            found = datetime.fromisoformat(cell)
            return found.astimezone(UTC) if found.tzinfo else found
        if parts := DOTTED.fullmatch(cell):
            day, month, year, hour, minute, second = (int(part or 0) for part in parts.groups())
            return datetime(year, month, day, hour, minute, second)
    except (ValueError, OverflowError):  # such as the 31st of February
        pass
    return None


def first_day(cells: Sequence[str]) -> datetime | None:
    """The day on which the first of some dates is; None if a cell is no date, or there is none.

    Raises:
        DataError: Some have a time zone and others none.

    Example:
        >>> str(first_day(["2024-12-31 18:00", "2024-12-30 06:00"])), first_day(["2024-12-31", "7"])
        ('2024-12-30 00:00:00', None)
    """
    if not cells or date_of(cells[0]) is None:
        return None
    found = [date for date in map(date_of, cells) if date is not None]
    if len(found) < len(cells):
        return None
    if len({date.tzinfo for date in found}) > 1:
        mixed = next(cell for cell, date in zip(cells, found, strict=True) if date.tzinfo != found[0].tzinfo)
        raise DataError(
            f"{cells[0]!r} and {mixed!r} cannot be compared, one has a time zone: give all of them one, or none"
        )
    return min(found).replace(hour=0, minute=0, second=0, microsecond=0)


def days_since(first: datetime, cell: str) -> float | None:
    """Days from one moment to that of a cell; None if it names none, or one has a time zone and the other none.

    Example:
        >>> days_since(datetime(2024, 12, 30), "31.12.2024 12:00")
        1.5
    """
    date = date_of(cell)
    if date is None or (date.tzinfo is None) != (first.tzinfo is None):
        return None
    return (date - first) / timedelta(days=1)
