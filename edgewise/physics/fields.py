"""Fields of rates that conserve something, whatever they are multiplied by and however they are summed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.kan.interpret.evaluate import to_callable
from edgewise.kan.interpret.expression import parse_formula
from edgewise.physics.candidates import Candidates

if TYPE_CHECKING:
    from sympy import Expr, Symbol


@dataclass(frozen=True)
class Fields:
    """Candidates for the rates of all states together.

    Attributes:
        symbols: Of the states.
        labels: What each field follows from, a candidate.
        rates: Of each field, for each state a formula.
    """

    symbols: "tuple[Symbol, ...]"
    labels: "tuple[Expr, ...]"
    rates: "tuple[tuple[Expr, ...], ...]"

    def values(self, x: Tensor) -> Tensor:
        """All of them at states ``(n, d)``, ``(n, d, fields)``."""
        columns = x.unbind(1)
        made = [[to_callable(rate, self.symbols)(*columns) for rate in field] for field in self.rates]
        return torch.stack([torch.stack(field, 1) for field in made], 2)

    def total(self, columns: Sequence[int], coefficients: Sequence[float]) -> "list[Expr]":
        """A sum of some of them, for each state a formula that is multiplied out."""
        sympy = require("sympy", extra="science")
        parts = [[c * rate for rate in self.rates[j]] for j, c in zip(columns, coefficients, strict=True)]
        return [sympy.expand(sympy.Add(*rates)) for rates in zip(*parts, strict=True)]


def candidates_of(count: int, degree: int, functions: Sequence[str]) -> "tuple[tuple[Symbol, ...], list[Expr]]":
    """Symbols of so many states, and products and functions of them."""
    sympy = require("sympy", extra="science")
    names = tuple(f"x_{i + 1}" for i in range(count))
    labels = Candidates(names, degree, tuple(functions)).labels
    return tuple(sympy.Symbol(n, real=True) for n in names), [parse_formula(label, names) for label in labels]


def conserving(quantity: str, names: Sequence[str], degree: int, functions: Sequence[str]) -> "tuple[Fields, Expr]":
    r"""Fields that conserve a known quantity H, :math:`\varphi\,(\partial_k H\, e_i - \partial_i H\, e_k)`; and H.

    Every field with :math:`f \cdot \nabla H = 0` is a sum of such, where :math:`\nabla H` is not zero.

    Args:
        quantity: The formula of H.
        names: Of the states in it.
        degree: Most factors of the products that :math:`\varphi` is of.
        functions: Functions of one state that it may be.

    Raises:
        ConfigError: It depends on no state.
    """
    sympy = require("sympy", extra="science")
    symbols, candidates = candidates_of(len(names), degree, functions)
    known = {sympy.Symbol(name, real=True): symbol for name, symbol in zip(names, symbols, strict=True)}
    energy = cast("Expr", parse_formula(quantity, names).xreplace(known))
    slopes = [sympy.diff(energy, symbol) for symbol in symbols]
    if not any(slopes) or len(symbols) == 1:
        raise ConfigError(
            f"{quantity!r} must depend on some of at least two states ({', '.join(names)}): what one state alone conserves "
            "does not move"
        )
    labels, rates, zero = [], [], sympy.Integer(0)
    for i, k in combinations(range(len(symbols)), 2):
        if slopes[i] == 0 and slopes[k] == 0:
            continue
        for candidate in candidates:
            field = [zero] * len(symbols)
            field[i], field[k] = candidate * slopes[k], -candidate * slopes[i]
            labels.append(candidate)
            rates.append(tuple(field))
    return Fields(symbols, tuple(labels), tuple(rates)), energy


def hamiltonian(count: int, degree: int, functions: Sequence[str]) -> Fields:
    r"""Fields :math:`q' = \partial H / \partial p,\ p' = -\partial H / \partial q`, one for each candidate of H.

    Args:
        count: Of the states, positions first and then as many momenta.
        degree: Most factors of the products that H is of.
        functions: Functions of one state that H may be of.

    Raises:
        ConfigError: An odd number of states.
    """
    sympy = require("sympy", extra="science")
    if count % 2:
        raise ConfigError(f"states must be positions and as many momenta behind them, got {count} states")
    symbols, candidates = candidates_of(count, degree, functions)
    half = count // 2
    labels = [candidate for candidate in candidates if candidate.free_symbols]
    slopes = [[sympy.diff(label, symbol) for symbol in symbols] for label in labels]
    rates = tuple((*row[half:], *(-slope for slope in row[:half])) for row in slopes)
    return Fields(symbols, tuple(labels), rates)
