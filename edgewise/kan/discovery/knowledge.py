"""What users know of a formula before it is looked for: units, functions that it has not, its form, how it behaves."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise._ground.registry import unknown
from edgewise.kan.forms.atoms import functions_of
from edgewise.kan.forms.behaviour import WAYS, Behaviour
from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.form_text import names_of, parse_form, read_form
from edgewise.kan.forms.grammar import Grammar
from edgewise.kan.forms.prescribed import Form
from edgewise.kan.functions import Function, select
from edgewise.kan.interpret.names import shorter

NUMBERS = ("", "1", "-")  # how it is written that a column has no unit


@dataclass(frozen=True)
class Knowledge:
    """What is known of a formula.

    Units prune the search: only formulas are offered that add like to like, give functions numbers without units, and are
    of the target's unit. How large a unit is does not matter, so ``"km"`` does as well as ``"m"``. Numbers in a formula
    have no unit, unless ``constants`` names some: then each constant that is fitted may carry any product of powers of
    these. ``constants=("m/s^2",)`` allows g in ``v*t - g*t^2/2``, the square root of 2 g, and no decay rate.

    Args:
        units: Of each column, in their order, as pint reads them, such as ``("m", "s", "kg*m/s^2", "1")``, or as one text,
            ``"m, s, kg*m/s^2, 1"``.
        target: The unit of the target.
        constants: Units that constants may carry; also as one text.
        forbidden: Names of functions that the formula has not.
        longest: So many numbers, variables and operations, at most.
        form: What is known of the formula itself: ``"m*a + f(x, v)"``, where ``f(...)`` stands for an unknown function of
            columns, or of formulas of them, or ``"V*s/(K + s)"``, where names that no column has stand for constants that
            are fitted. All else stays as it is written. A decimal number in it may carry a unit of ``constants``.
        monotone: For columns 1 if the formula rises with them, whatever the others are, or -1 if it falls: in the box of
            the rows and 10 % of their range beyond, up to 0 where a column has one sign.
        even: Names of columns in which the formula is even: the other sign changes nothing.
        odd: Those in which it is odd: the other sign changes its sign.

    Raises:
        ConfigError: A unit that cannot be parsed, units of columns without one of the target or the other way round, an
            unknown function, a length below 1, or a form that cannot be read.

    Example:
        >>> known = Knowledge(units=("m", "s"), target="m/s", forbidden=("tan",))
        >>> known.grammar(None, ["way", "time"], [0, 1]).functions[:3]
        ('0', 'x', 'x^2')
    """

    units: str | Sequence[str] | None = None
    target: str | None = None
    constants: str | Sequence[str] = ()
    forbidden: Sequence[str] = ()
    longest: int | None = None
    form: str | None = None
    monotone: Mapping[str, int] = field(default_factory=dict)
    even: Sequence[str] = ()
    odd: Sequence[str] = ()

    def __post_init__(self):
        for name in ("units", "constants"):
            if isinstance(given := getattr(self, name), str):
                object.__setattr__(self, name, tuple(unit.strip() for unit in given.split(",")))
        for name in ("forbidden", "even", "odd"):
            if isinstance(given := getattr(self, name), str):
                object.__setattr__(self, name, (given,))
        if (self.units is None) != (self.target is None):
            missing = "the target's" if self.target is None else "those of the columns"
            raise ConfigError(f"units say something about a formula only together: give {missing} too, '1' for none")
        if self.constants and self.units is None:
            raise ConfigError("constants name units, which says nothing without the units of columns and target: give them")
        if self.longest is not None and self.longest < 1:
            raise ConfigError(f"a formula has at least 1 number or variable, got {self.longest} as the longest")
        for unit in (*(self.units or ()), *self.constants, *(() if self.target is None else (self.target,))):
            powers(unit)
        select(self.forbidden)
        if self.form is not None:
            parse_form(self.form)
        for name, way in self.monotone.items():
            if way not in WAYS:
                raise ConfigError(
                    f"monotone is 1 for a column with which the formula rises and -1 for one with which it "
                    f"falls, got {way!r} for {name}"
                )
        if both := sorted({*self.even} & {*self.odd}):
            raise ConfigError(f"what is even and odd in {', '.join(both)} is 0: know one of the two")

    @property
    def is_of_form(self) -> bool:
        """Whether something is known that networks do not know."""
        return self.units is not None or self.longest is not None or self.form is not None or self.has_behaviour

    @property
    def takes_away(self) -> bool:
        """Whether it keeps formulas away that are no longer than others."""
        return self.units is not None or bool(self.forbidden) or self.form is not None or self.has_behaviour

    @property
    def has_behaviour(self) -> bool:
        """Whether it is known how the formula rises, falls or mirrors."""
        return bool(self.monotone or self.even or self.odd)

    def behaviour(self, names: Sequence[str], columns: Sequence[int], x: Tensor) -> Behaviour | None:
        """How the formula is known to behave along the columns that it may be of.

        Args:
            names: Of all columns.
            columns: Which of them the formula is to be of.
            x: Rows, ``(N, inputs)``.

        Raises:
            ConfigError: An unknown column, or what :meth:`Behaviour.of` refuses.
        """
        long = {name: name for name in names} | shorter(names)
        for name in (*self.monotone, *self.even, *self.odd):
            if name not in long:
                raise unknown("column", name, names)
        places = {names[column]: place for place, column in enumerate(columns)}
        slopes = {places[long[name]]: way for name, way in self.monotone.items() if long[name] in places}
        signs = [(long[name], sign) for sign, some in ((1, self.even), (-1, self.odd)) for name in some]
        parity = {places[name]: sign for name, sign in signs if name in places}
        return Behaviour.of(list(places), slopes, parity, [x[:, c].double().cpu() for c in columns]) if places else None

    @property
    def names_of_form(self) -> set[str]:
        """All names in the form, of columns and of constants."""
        return set() if self.form is None else {*names_of(parse_form(self.form))}

    def form_of(self, names: Sequence[str]) -> Form | None:
        """The form as one about columns.

        Args:
            names: Of all columns.

        Raises:
            ConfigError: It has what is forbidden, or what :func:`~edgewise.kan.forms.form_text.read_form` refuses.
        """
        if self.form is None:
            return None
        form = read_form(self.form, names)
        forbidden = sorted(functions_of(form.tree) & {function.name for function in select(self.forbidden)})
        if forbidden:
            raise ConfigError(f"{self.form!r} has {', '.join(forbidden)}, which is forbidden: allow it, or mend the form")
        return form

    def beyond(self, functions: Iterable[str | Function] | None) -> Grammar:
        """What a search might offer that heeds neither units nor what is forbidden."""
        return Grammar(tuple(f.name for f in select(functions)), None, math.inf if self.longest is None else self.longest)

    def allowed(self, functions: Iterable[str | Function] | None) -> list[str]:
        """Names of the functions that a formula may have.

        Args:
            functions: Those to choose from; None for the whole library.
        """
        forbidden = {function.formula for function in select(self.forbidden)}
        left = [function.name for function in select(functions) if function.formula not in forbidden]
        if not left:
            raise ConfigError(f"all functions to choose from are forbidden: {', '.join(self.forbidden)}")
        return left

    def grammar(self, functions: Iterable[str | Function] | None, names: Sequence[str], columns: Sequence[int]) -> Grammar:
        """What a search may offer.

        Args:
            functions: Names of functions to choose from; None for the whole library.
            names: Of all columns.
            columns: Which of them the formula is to be of.

        Raises:
            ConfigError: Another number of units than of columns, or no product of powers of the columns has the unit of the
                target.
        """
        longest = math.inf if self.longest is None else self.longest
        return Grammar(tuple(self.allowed(functions)), self._dimensions(names, columns), longest)

    def _dimensions(self, names: Sequence[str], columns: Sequence[int]) -> Dimensions | None:
        if self.units is None or self.target is None:
            return None
        if len(self.units) != len(names):
            raise ConfigError(f"{len(names)} columns ({', '.join(names)}) want {len(names)} units, got {len(self.units)}")
        every = [powers(unit) for unit in (self.target, *self.units, *self.constants)]
        quantities = sorted({quantity for unit in every for quantity in unit}) or ["none"]
        target, *others = ([unit.get(quantity, 0.0) for quantity in quantities] for unit in every)
        dimensions = Dimensions([others[c] for c in columns], target, others[len(names) :])
        if not dimensions.is_within_reach:
            units = ", ".join(f"{names[c]} [{self.units[c]}]" for c in columns)
            raise ConfigError(
                f"no product of powers of {units} has the unit {self.target!r} of the target: name units that constants "
                f"may carry, such as constants=({self.target!r},)"
            )
        return dimensions


def powers(unit: str) -> dict[str, float]:
    """The dimension of a unit: the power of each quantity in it.

    Args:
        unit: As pint reads it; ``"1"`` for none.

    Raises:
        ConfigError: It cannot be parsed.

    Example:
        >>> powers("km/h") == powers("m/s"), powers("1")
        (True, {})
    """
    if not isinstance(unit, str):
        raise ConfigError(f"a unit is a text such as 'm/s^2', got {unit!r}")
    if unit.strip() in NUMBERS:
        return {}
    try:
        return {quantity: float(power) for quantity, power in _registry().parse_units(unit.strip()).dimensionality.items()}
    except Exception as error:  # each wrong text has its own, some of them from Python's tokenizer
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(
            f"{unit!r} is no unit that can be parsed ({reason}): write it such as 'kg*m/s^2', or '1' for none"
        ) from error


@cache
def _registry():
    return require("pint", extra="science").UnitRegistry()
