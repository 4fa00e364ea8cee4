"""Formulas that people write, read by a whitelist: nothing in the text is run."""

import ast
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise._ground.registry import unknown
from edgewise.kan.interpret.evaluate import constant, to_callable

if TYPE_CHECKING:
    from sympy import Expr, Symbol

MAX_LENGTH = 10_000  # characters
MAX_DEPTH = 50  # operations inside operations
MAX_EXPONENT = 10_000
MAX_BITS = 64  # of an exact number; beyond it is a float
MAX_PARTS = 12  # of an exact constant such as sqrt(2)/3; sympy may need forever for more, so it becomes a float
MAX_ORDER = 100
BESSEL = ("besselj", "bessely", "besseli", "besselk")
SPECIAL = (*BESSEL, "erf")


def parse_formula(text: str, variables: Sequence["str | Symbol"] | None = None, unknowns: Sequence[str] = ()) -> "Expr":
    """A formula as a sympy expression.

    Numbers, variables, ``+ - * / ** ^``, parentheses, the constants ``pi`` and ``E``, and functions: sin, cos, tan, their
    hyperbolic and inverse ones (``asin`` or ``arcsin``), exp, log or ln (both natural), sqrt, abs, sign or sgn, gaussian
    (``exp(-x^2)``), erf, and besselj, bessely, besseli, besselk of an order and an argument.

    Args:
        text: The formula, at most 10 000 characters.
        variables: Names or sympy symbols of what may vary, which may be ``E`` or ``pi`` too; by default all names. A name
            becomes a symbol that is ``real``, so that ``sqrt(x^2)`` is ``Abs(x)``.
        unknowns: Names of functions, of any arguments, of which nothing is known but that they are there.

    Raises:
        ConfigError: It is no formula, has an unknown variable or function (the message names the nearest), something that
            formulas do not have, or a constant that is not a finite real number, or it is too long or too deep.

    Example:
        >>> parse_formula("2*sin(pi*x)^2 + y/3")
        y/3 + 2*sin(pi*x)**2
    """
    if not isinstance(text, str):
        raise ConfigError(f"a formula is a string such as '2*sin(x) + y^2', got {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise ConfigError(f"a formula has at most {MAX_LENGTH} characters, got {len(text)}")
    try:
        return _Reader(text, variables, unknowns).expression()
    except ConfigError:
        raise
    except RecursionError as error:
        raise _too_deep(text) from error
    except Exception as error:  # sympy works out constants as they arise, and fails on some, such as atan(tan(10^300))
        raise ConfigError(
            f"a constant in {_short(text)} is beyond sympy ({type(error).__name__}); write its value"
        ) from error


def formula_functions() -> dict[str, Callable]:
    """What formulas may call."""
    sympy = require("sympy", extra="science")
    table = {name: getattr(sympy, name) for name in ("exp", "log", "sqrt", "sign", "erf", "Abs", *BESSEL)}
    table |= {"ln": sympy.log, "abs": sympy.Abs, "sgn": sympy.sign, "gaussian": lambda x: sympy.exp(-(x**2))}
    for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh"):
        inverse = getattr(sympy, f"a{name}")
        table |= {name: getattr(sympy, name), f"a{name}": inverse, f"arc{name}": inverse}
    return table


class _Reader:
    """Walks the syntax tree of one formula."""

    def __init__(self, text: str, variables: Sequence | None, unknowns: Sequence[str]):
        self.unknowns = unknowns
        self.sympy, self.functions = require("sympy", extra="science"), formula_functions()
        self.text = " ".join(text.split()).replace("^", "**")
        self.variables = None if variables is None else {getattr(v, "name", v): v for v in variables}
        self.dummy = self.sympy.Dummy(real=True)
        self.constants = {"pi": self.sympy.pi, "E": self.sympy.E}

    def expression(self):
        found = self.read(_tree(self.text))
        if found.has(self.sympy.I, self.sympy.nan, self.sympy.zoo, self.sympy.oo):
            raise self.not_finite()
        return found

    def read(self, node: ast.expr, depth: int = 0):
        if depth > MAX_DEPTH:
            raise _too_deep(self.text)
        match node:
            case ast.Constant() if type(node.value) in (int, float):
                number = self.sympy.Integer if isinstance(node.value, int) else self.sympy.Float
                return self.checked(number(node.value))
            case ast.Name():
                return self.name(node.id)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.read(node.operand, depth + 1)
            case ast.UnaryOp(op=ast.USub()):
                return -self.read(node.operand, depth + 1)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                terms = [(op, self.read(term, depth + 1)) for op, term in _chain(node, ast.Add, ast.Sub)]
                return self.checked(self.sympy.Add(*(-term if op is ast.Sub else term for op, term in terms)))
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                factors = [(op, self.read(factor, depth + 1)) for op, factor in _chain(node, ast.Mult, ast.Div)]
                return self.checked(self.sympy.Mul(*(1 / factor if op is ast.Div else factor for op, factor in factors)))
            case ast.BinOp(op=ast.Pow()):
                return self.power(self.read(node.left, depth + 1), self.read(node.right, depth + 1))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.call(name, [self.read(argument, depth + 1) for argument in arguments])
        part = _short(ast.get_source_segment(self.text, node) or self.text)
        raise ConfigError(f"a formula has numbers, variables, + - * / ^, parentheses and functions, and not {part}")

    def name(self, name: str):
        if self.variables is not None and name in self.variables:
            given = self.variables[name]
            return self.sympy.Symbol(given, real=True) if isinstance(given, str) else given
        if name in self.constants:
            return self.constants[name]
        if name in self.functions:
            raise ConfigError(f"{name} is a function: write what it is of, such as {name}(x)")
        if self.variables is not None:
            raise unknown("variable", name, self.variables)
        return self.sympy.Symbol(name, real=True)

    def power(self, base, exponent):
        number = exponent if exponent.is_number else exponent.as_coeff_Add()[0]
        if not abs(constant(number)) <= MAX_EXPONENT:
            raise ConfigError(f"a number in an exponent is at most {MAX_EXPONENT}, got {_short(str(number))}")
        if base.is_number and exponent.is_number:
            root = exponent.q if exponent.is_Rational else 1
            simple = root <= MAX_PARTS and (base.is_Rational or abs(constant(exponent)) <= MAX_PARTS)
            if not simple or self.inexact(base) or self.inexact(exponent):
                return self.checked(self.value(self.sympy.Float(constant(base)) ** self.dummy, exponent))
        return self.checked(base**exponent)

    def call(self, name: str, arguments: list):
        if name in self.unknowns:
            return self.sympy.Function(name, real=True)(*arguments)
        if name not in self.functions:
            raise unknown("function", name, self.functions)
        wanted = 2 if name in BESSEL else 1
        if len(arguments) != wanted:
            raise ConfigError(f"{name} takes {wanted} argument{'s' * (wanted > 1)}, got {len(arguments)}")
        *order, argument = arguments
        if order and not (order[0].is_Integer and abs(order[0]) <= MAX_ORDER):
            raise ConfigError(f"the order of {name} is a whole number of at most {MAX_ORDER}, got {_short(str(order[0]))}")
        if argument.is_number and (self.inexact(argument) or name in SPECIAL):
            return self.checked(self.value(self.functions[name](*order, self.dummy), argument))
        return self.functions[name](*arguments, evaluate=False) if order else self.checked(self.functions[name](argument))

    def inexact(self, number) -> bool:
        return number.has(self.sympy.Float)

    def value(self, function, number):
        """A function of :attr:`dummy` at a number, as a float: sympy may work on its digits forever."""
        return self.sympy.Float(float(to_callable(function, [self.dummy])(constant(number))))

    def checked(self, found):
        """The expression if its constant factor is a finite real number, which becomes a float if it is long."""
        number, rest = (found, self.sympy.Integer(1)) if found.is_number else found.as_coeff_Mul()
        value = constant(number)
        if not abs(value) < math.inf:
            raise self.not_finite()
        long = (value == 0 and number != self.sympy.S.Zero) or len(list(self.sympy.preorder_traversal(number))) > MAX_PARTS
        return self.sympy.Float(value) * rest if long or (number.is_Rational and _bits(number) > MAX_BITS) else found

    def not_finite(self) -> ConfigError:
        return ConfigError(f"{_short(self.text)} has a part that is no finite real number, such as 1/0 or sqrt(-1)")


def _bits(number) -> int:
    return max(number.p.bit_length(), number.q.bit_length())


def _chain(node: ast.expr, *operators: type) -> Iterator[tuple[type | None, ast.expr]]:
    """Operators that follow one another, such as in a + b - c, with what stands behind each: long sums are not deep."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, operators):
        yield type(node.op), node.right
        node = node.left
    yield None, node


def _tree(text: str) -> ast.expr:
    if "#" in text:
        raise ConfigError(f"{_short(text)} is no formula: what stands behind # would not be read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of literals such as 1if, which are refused anyway
            return ast.parse(text, mode="eval").body
    except (RecursionError, MemoryError) as error:
        raise _too_deep(text) from error
    except (SyntaxError, ValueError) as error:  # a null byte is a ValueError
        raise ConfigError(
            f"{_short(text)} is no formula such as '2*sin(x) + y^2': {getattr(error, 'msg', error)}"
        ) from error


def _too_deep(text: str) -> ConfigError:
    return ConfigError(f"the formula {_short(text)} has too many operations inside one another; at most {MAX_DEPTH}")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
