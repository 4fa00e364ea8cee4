"""What variables are called where not every name can be: in Python, in LaTeX, in diagrams."""

import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence

from edgewise._ground.errors import ConfigError

SHORT = re.compile(r"[A-Za-z](_?[0-9]+)?")  # what LaTeX sets well as it is: a letter, with or without a number
MODULES = ("numpy", "scipy", "math")  # that the source of a formula may use
IN_LATEX = {
    **{sign: rf"\{sign}" for sign in "{}$&#_%"},
    "\\": r"\backslash ",
    "^": r"\wedge ",
    "~": r"\sim ",
    "'": r"{}^{\prime}",
    " ": r"\ ",
}


def identifiers(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Names that Python takes, all different, as near as can be to those given.

    Args:
        names: Any texts, such as the heads of a table's columns.
        taken: What none may be called, beside Python's keywords and the modules that formulas use.

    Example:
        >>> identifiers(["mass (kg)", "mass-kg", "2nd", "lambda", "", "x_1"])
        ['mass_kg', 'mass_kg_2', 'x_2nd', 'lambda_', 'x', 'x_1']
    """
    found: list[str] = []
    blocked = {*taken, *MODULES}
    for name in names:
        cleaned = _cleaned(str(name))
        cleaned = f"{cleaned}_" if keyword.iskeyword(cleaned) or cleaned in blocked else cleaned
        new, number = cleaned, 1
        while new in found or new in blocked:
            number += 1
            new = f"{cleaned.rstrip('_')}_{number}"
        found.append(new)
    return found


def shorter(names: Sequence[str]) -> dict[str, str]:
    """What columns may be called for short, where that means one column and no other: without the unit, and as in Python.

    Example:
        >>> shorter(["S [mM]", "speed (m/s)", "speed [km/h]", "x"])
        {'S_mM': 'S [mM]', 'speed_m_s': 'speed (m/s)', 'speed_km_h': 'speed [km/h]', 'S': 'S [mM]'}
    """
    found = dict(zip(identifiers(names), names, strict=True))
    bare = [re.split(r"[\[(]", name, maxsplit=1)[0].strip() for name in names]
    found |= {
        short: name for short, name in zip(bare, names, strict=True) if short.isidentifier() and bare.count(short) == 1
    }
    return {short: name for short, name in found.items() if short not in names}


def _cleaned(name: str) -> str:
    """A name of letters, digits and underscores that starts with none of the last two."""
    name = unicodedata.normalize("NFKC", name)  # as Python reads source: two signs for micro are one
    name = "".join(sign if f"x{sign}".isidentifier() else " " for sign in name)
    name = re.sub(r"[ _]*\s[ _]*", "_", name).strip("_") or "x"
    return name if name.isidentifier() else f"x_{name}"


def check_identifier(name: str, what: str) -> str:
    """A name that Python takes as it is.

    Raises:
        ConfigError: It is none, is a keyword, or the name of a module that formulas use.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name in MODULES:
        raise ConfigError(
            f"{what} cannot be called {name!r} in Python: use letters, digits and underscores, such as 'formula'"
        )
    return name


def upright(name: str) -> str | None:
    r"""A name in upright letters of LaTeX's mathematics; None if it is as short as a variable, and set well as it is.

    Example:
        >>> upright("x_1"), upright("mass (kg)")
        (None, '\\mathrm{mass\\ (kg)}')
    """
    if SHORT.fullmatch(name):
        return None
    name = re.sub(r"\s", " ", name) or " "
    return r"\mathrm{" + "".join(IN_LATEX.get(sign, sign) for sign in name) + "}"


def by_name(table: object, names: Sequence[str]) -> list | None:
    """The columns of these names of a table that has names, such as a DataFrame, wherever they are in it; None of an array.

    A table whose columns are numbered and not named counts as an array.

    Raises:
        ConfigError: A column is missing, or there several times.
    """
    heads: list = list(getattr(table, "columns", ()))
    if not any(isinstance(head, str) for head in heads):
        return None
    if missing := [name for name in names if name not in heads]:
        raise ConfigError(
            f"the table lacks the columns {', '.join(map(repr, missing))}: it has {', '.join(map(repr, heads))}"
        )
    if twice := [name for name in names if heads.count(name) > 1]:
        raise ConfigError(f"the table has several columns called {twice[0]!r}: leave one")
    return [table[name] for name in names]  # pyright: ignore[reportIndexIssue] (of whichever library it is)
