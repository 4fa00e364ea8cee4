"""A formula as text for LaTeX and Python, whatever its variables are called."""

import keyword
import re
from dataclasses import replace

from edgewise._ground.optional import require
from edgewise.kan.interpret import Formula

SHORT = re.compile(r"[A-Za-z](_?[0-9]+)?")
SPECIAL = re.compile(r"([\\{}$&#^_%~])")


def latex(formula: Formula, target: str | None = None) -> str:
    """The first formula in LaTeX, names that are words upright.

    Args:
        formula: The formula.
        target: What it gives; written before an equals sign.
    """
    sympy = require("sympy", extra="science")
    names = {symbol: _upright(str(symbol)) for symbol in formula.variables}
    words = {symbol: name for symbol, name in names.items() if name}
    text = sympy.latex(formula.expressions[0], symbol_names=words, mul_symbol="dot" if words else None)
    return text if target is None else f"{_upright(target) or target} = {text}"


def _upright(name: str) -> str | None:
    r"""A name in upright letters; None if sympy writes it well.

    Example:
        >>> _upright("x_1"), _upright("mass (kg)")
        (None, '\\mathrm{mass\\ (kg)}')
    """
    if SHORT.fullmatch(name):
        return None
    return r"\mathrm{" + SPECIAL.sub(r"\\\1", name.replace("\\", "/")).replace(" ", r"\ ") + "}"


def python(formula: Formula) -> str:
    """The formula as a function of numpy arrays, its arguments named as Python allows.

    Example:
        >>> import sympy
        >>> x = sympy.Symbol("mass (kg)", real=True)
        >>> print(python(Formula((2 * x,), (x,), 0.0, 0.0, 3)))
        import numpy
        <BLANKLINE>
        def formula(mass_kg):
            return 2*mass_kg
    """
    sympy = require("sympy", extra="science")
    names = {}
    for symbol in formula.variables:
        name = identifier = _identifier(str(symbol))
        while identifier in names.values():
            identifier = f"{name}_{len(names) + 1}"
        names[symbol] = identifier
    symbols = {symbol: sympy.Symbol(name, real=True) for symbol, name in names.items()}
    expressions = tuple(expression.xreplace(symbols) for expression in formula.expressions)
    return replace(formula, expressions=expressions, variables=tuple(symbols.values())).python()


def _identifier(name: str) -> str:
    """A name that Python takes.

    Example:
        >>> _identifier("mass (kg)"), _identifier("2nd"), _identifier("lambda")
        ('mass_kg', 'x_2nd', 'lambda_')
    """
    name = re.sub(r"\W+", "_", name).strip("_") or "x"
    name = f"x_{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) or name in ("numpy", "formula") else name
