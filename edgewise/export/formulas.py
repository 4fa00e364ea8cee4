"""Functions of one variable as text: Python with NumPy, or C."""

from functools import cache

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise.kan.interpret import parse_formula

BASES = {  # the base functions of layers
    "identity": "x",
    "silu": "x/(1+exp(-x))",
    "relu": "(x+abs(x))/2",
    "tanh": "tanh(x)",
    "gelu": "x*(1+erf(0.7071067811865476*x))/2",
}


def as_numpy(formula: str) -> str:
    """A formula in ``x`` as an expression for NumPy arrays; ``erf`` is left to a helper of that name.

    Raises:
        ConfigError: NumPy has no such function.

    Example:
        >>> as_numpy("exp(-x**2)")
        'numpy.exp(-x**2)'
    """
    return _printed(_numpy_printer(), formula, "NumPy")


def as_c(formula: str) -> str:
    """A formula in ``x`` as an expression of C99.

    Raises:
        ConfigError: C has no such function.

    Example:
        >>> as_c("exp(-x**2)")
        'exp(-pow(x, 2))'
    """
    settings = {"strict": True, "math_macros": {}}
    return _printed(require("sympy.printing.c", extra="science").C99CodePrinter(settings), formula, "C")


@cache
def _numpy_printer():
    class Printer(require("sympy.printing.numpy", extra="science").NumPyPrinter):
        """Of sympy, but for the error function, which NumPy lacks."""

        def _print_erf(self, expression) -> str:
            return f"erf({self._print(expression.args[0])})"

    return Printer({"strict": True})


def _printed(printer, formula: str, language: str) -> str:
    expression = parse_formula(formula, ["x"])
    constants = expression.atoms(require("sympy", extra="science").NumberSymbol)  # pi, which C does not promise to know
    expression = expression.xreplace({symbol: symbol.evalf(17) for symbol in constants})
    try:
        return printer.doprint(expression)
    except require("sympy.printing.codeprinter", extra="science").PrintMethodNotImplementedError as error:
        raise ConfigError(f"{formula} cannot be written in {language}, which lacks a function of it") from error
