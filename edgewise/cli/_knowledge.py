"""What a command line says of a formula before it is looked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from edgewise._ground.errors import ConfigError

if TYPE_CHECKING:
    from edgewise.kan.discovery.knowledge import Knowledge
    from edgewise.kan.tables import DataTable


class Behaviour(NamedTuple):
    """Columns with which a formula rises or falls, and in which it is even or odd."""

    increasing: Sequence[str] = ()
    decreasing: Sequence[str] = ()
    even: Sequence[str] = ()
    odd: Sequence[str] = ()


def known_of(
    data: "DataTable",
    units: str | None,
    target_unit: str | None,
    constant_units: Sequence[str],
    forbidden: Sequence[str],
    longest: int | None,
    form: str | None,
    behaviour: Behaviour,
) -> "Knowledge":
    """The words of a command line as knowledge about the columns that vary.

    Args:
        data: The table.
        units: Of all columns asked for, in their order, with commas between them.
        target_unit: Of the target.
        constant_units: Units that constants may carry.
        forbidden: Names of functions.
        longest: Numbers, variables and operations, at most.
        form: What is known of the formula itself.
        behaviour: How it rises, falls or mirrors.

    Raises:
        ConfigError: Another number of units than of columns, a form with a column that does not vary, or what
            :class:`~edgewise.kan.discovery.Knowledge` refuses.
    """
    from edgewise.kan.discovery.knowledge import Knowledge

    given = None if units is None else [unit.strip() for unit in units.split(",")]
    if given is not None and len(given) != len(data.asked):
        raise ConfigError(
            f"{len(data.asked)} columns ({', '.join(data.asked)}) want {len(data.asked)} units, got {len(given)} in "
            f"--units {units!r}: put commas between them, and 1 where a column has none"
        )
    varying = None if given is None else [unit for unit, name in zip(given, data.asked, strict=True) if name in data.names]
    if both := sorted({*behaviour.increasing} & {*behaviour.decreasing}):
        raise ConfigError(f"what rises and falls with {', '.join(both)} does not depend on it: tell one of the two")
    still = {*data.asked} - {*data.names}
    rising, falling, even, odd = ([name for name in names if name not in still] for names in behaviour)
    ways = {"monotone": dict.fromkeys(rising, 1) | dict.fromkeys(falling, -1), "even": even, "odd": odd}
    known = Knowledge(varying, target_unit, constant_units, forbidden, longest, form, **ways)
    if told := sorted(known.names_of_form & still):
        raise ConfigError(f"{', '.join(told)} in --form {form!r} does not vary in the table: write its value")
    return known
