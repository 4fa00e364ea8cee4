"""Functions with names: what a symbolic edge may compute, ``c f(a x + b) + d``."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown

MAX_NAME = 16  # bytes: names are stored in the state of a layer


@dataclass(frozen=True)
class Function:
    """A function of one variable.

    Args:
        name: What it is called, at most 16 bytes of UTF-8.
        evaluate: Pointwise and differentiable; NaN or infinite where the function is not defined.
        complexity: How much it costs to write, on the scale of ``x`` 1, ``sin`` 2, ``arctan`` 4.
        formula: The same in sympy's words with the variable ``x``, such as ``"exp(-x**2)"``.
    """

    name: str
    evaluate: Callable[[Tensor], Tensor]
    complexity: int
    formula: str

    def __call__(self, x: Tensor) -> Tensor:
        return self.evaluate(x)


def _power(n: float) -> Callable[[Tensor], Tensor]:
    return lambda x: x**n


def _table() -> dict[str, Function]:
    """Names and complexities as in pykan's library, so that its models can be read; the better known come first."""
    rows = [
        ("0", lambda x: x * 0, 0, "0"),
        ("x", lambda x: x, 1, "x"),
        *((f"x^{n}", _power(n), complexity, f"x**{n}") for n, complexity in ((2, 2), (3, 3), (4, 3), (5, 3))),
        ("1/x", _power(-1), 2, "1/x"),
        *((f"1/x^{n}", _power(-n), n, f"1/x**{n}") for n in (2, 3, 4, 5)),
        ("sqrt", torch.sqrt, 2, "sqrt(x)"),
        ("x^0.5", torch.sqrt, 2, "sqrt(x)"),
        ("x^1.5", _power(1.5), 4, "x**(3/2)"),
        ("1/sqrt(x)", torch.rsqrt, 2, "1/sqrt(x)"),
        ("1/x^0.5", torch.rsqrt, 2, "1/sqrt(x)"),
        ("exp", torch.exp, 2, "exp(x)"),
        ("log", torch.log, 2, "log(x)"),
        ("sin", torch.sin, 2, "sin(x)"),
        ("cos", torch.cos, 2, "cos(x)"),
        ("tan", torch.tan, 3, "tan(x)"),
        ("tanh", torch.tanh, 3, "tanh(x)"),
        ("gaussian", lambda x: torch.exp(-x.square()), 3, "exp(-x**2)"),
        ("abs", torch.abs, 3, "Abs(x)"),
        ("sgn", torch.sign, 3, "sign(x)"),
        ("arcsin", torch.arcsin, 4, "asin(x)"),
        ("arccos", torch.arccos, 4, "acos(x)"),
        ("arctan", torch.arctan, 4, "atan(x)"),
        ("arctanh", torch.arctanh, 4, "atanh(x)"),
    ]
    return {row[0]: Function(*row) for row in rows}


FUNCTIONS: dict[str, Function] = _table()


def function(name: str) -> Function:
    """The function of that name.

    Raises:
        ConfigError: There is none; the message names the nearest.

    Example:
        >>> function("gaussian")(torch.tensor(0.0)).item()
        1.0
    """
    if name not in FUNCTIONS:
        raise unknown("function", name, FUNCTIONS)
    return FUNCTIONS[name]


def register_function(name: str, evaluate: Callable[[Tensor], Tensor], complexity: int, formula: str) -> Function:
    """Add a function to the library; from then on every symbolic fit may choose it.

    Args:
        name: What it is called, at most 16 bytes of UTF-8.
        evaluate: Pointwise and differentiable.
        complexity: How much it costs to write; ``sin`` costs 2.
        formula: The same in sympy's words with the variable ``x``.

    Raises:
        ConfigError: The name is taken, empty or too long, or the complexity negative.

    Example:
        >>> f = register_function("besselj0", torch.special.bessel_j0, 4, "besselj(0, x)")
        >>> FUNCTIONS.pop("besselj0") is f
        True
    """
    if not 0 < len(name.encode()) <= MAX_NAME:
        raise ConfigError(f"the name of a function must have 1 to {MAX_NAME} bytes, got {name!r}")
    if name in FUNCTIONS:
        raise ConfigError(f"function {name!r} is already registered; choose another name")
    if complexity < 0:
        raise ConfigError(f"complexity must not be negative, got {complexity}")
    FUNCTIONS[name] = Function(name, evaluate, complexity, formula)
    return FUNCTIONS[name]


def select(names: Iterable[str | Function] | None) -> list[Function]:
    """The functions of these names, or all of the library; of two that are the same function, the first.

    Raises:
        ConfigError: A name or a function that is not in the library.

    Example:
        >>> [f.name for f in select(["sqrt", "sin", "x^0.5"])]
        ['sqrt', 'sin']
    """
    names = FUNCTIONS if names is None else [names] if isinstance(names, str) else names
    chosen = {}
    for f in (name if isinstance(name, Function) else function(name) for name in names):
        if FUNCTIONS.get(f.name) is not f:
            raise ConfigError(f"{f.name!r} is not in the library: edges find functions by name, so call register_function")
        chosen.setdefault(f.formula, f)
    return list(chosen.values())
