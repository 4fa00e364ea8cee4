"""From a formula to the network that computes it."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise._ground.registry import unknown
from edgewise.kan._graph import Edge, Graph, Value
from edgewise.kan.functions import FUNCTIONS
from edgewise.kan.interpret.expression import parse_formula
from edgewise.kan.interpret.rounding import as_written
from edgewise.kan.kan import KAN

if TYPE_CHECKING:
    from sympy import Expr, Symbol

LARGEST_POWER = 5  # of the library


def kanpiler(
    expression: "str | Expr | Sequence[str | Expr]",
    variables: Sequence["str | Symbol"],
    *,
    grid: int = 3,
    k: int = 3,
    noise: float = 0.0,
) -> KAN:
    """A network that computes a formula exactly, and can be trained further (Liu et al., KAN 2.0, arXiv:2408.10205).

    Functions of the library become symbolic edges, with the numbers before and inside them; sums become nodes that add,
    products nodes that multiply. Other powers are composed of those of the library; what no whole or half number is an
    exponent, and ``u**v``, is ``exp(v log u)``: u must be positive there. Equal parts of formulas are computed once.

    Args:
        expression: A formula, a sympy expression, or a list of them, one for each output.
        variables: Names or symbols of the inputs, in their order.
        grid: Intervals of the numeric edges.
        k: Their degree.
        noise: 0 to cut the numeric edges, which are zero; otherwise the standard deviation of their coefficients: with a
            little of it the network can grow new structure as it trains, and computes the formula up to that noise.

    Returns:
        A network in float64, as its constants need; ``.float()`` makes it float32. It keeps the names of its inputs.

    Raises:
        ConfigError: The formula cannot be read, has a variable that is not named, a function that the library has not
            (:func:`~edgewise.kan.register_function` adds it), or a constant that is no real number.

    Example:
        >>> model = kanpiler("exp(sin(pi*x) + y^2)", ["x", "y"])
        >>> model.width, model.symbolic_formula().expressions
        ([2, 1, 1], (exp(y**2 + sin(pi*x)),))
    """
    several = isinstance(expression, (list, tuple))
    compiler = _Compiler(variables)
    outputs = [compiler.value(compiler.read(part)) for part in (expression if several else [expression])]
    if not outputs:
        raise ConfigError("a network needs at least one formula, got none")
    model = compiler.graph.network(outputs, grid, k)
    model.names = list(compiler.columns)
    if noise < 0:
        raise ConfigError(f"noise must not be negative, got {noise}")
    if noise:
        with torch.no_grad():
            for layer in model:
                layer.coef.normal_(std=noise)
                layer.set_mask(torch.ones_like(layer.mask))
    return model


class _Compiler:
    """Turns expressions into values of one graph."""

    def __init__(self, variables: Sequence):
        self.sympy = require("sympy", extra="science")
        names = [variable if isinstance(variable, str) else variable.name for variable in variables]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"a network needs variables of different names, got {names}")
        self.columns = {name: i for i, name in enumerate(names)}
        self.graph, self.done = Graph(len(names)), {}
        self.hole = self.sympy.Dummy("x", real=True)
        self.library = self._library()

    def read(self, expression):
        if isinstance(expression, str):
            return parse_formula(expression, list(self.columns))
        if not isinstance(expression, self.sympy.Expr):
            raise ConfigError(f"a formula is a string or a sympy expression, got {type(expression).__name__}")
        return as_written(expression).xreplace({s: self.sympy.Symbol(s.name, real=True) for s in expression.free_symbols})

    def value(self, e) -> Value:
        """The value of an expression."""
        if e not in self.done:
            self.done[e] = self._value(e)
        return self.done[e]

    def _value(self, e) -> Value:
        if e.is_number:
            return Value((), self._number(e))
        if e.is_Symbol:
            if e.name not in self.columns:
                raise unknown("variable", e.name, self.columns)
            return Value((Edge(self.columns[e.name]),))
        if (found := self._function(e)) is not None:
            name, sign, inner = found
            return self.graph.apply(name, self.value(inner).scaled(sign))
        if e.is_Add:
            return self.graph.add(map(self.value, e.args))
        if e.is_Mul:
            number, rest = e.as_independent(*e.free_symbols, as_Add=False)
            product = self.graph.multiply(map(self.value, self.sympy.Mul.make_args(rest)))
            return product.scaled(self._number(number))
        if e.is_Pow:
            return self._power(e.base, e.exp)
        name = e.func.__name__
        raise ConfigError(f"no function of the library is {name!r}: add it with register_function, formula '{name}(x)'")

    def _power(self, base, exponent) -> Value:
        if base.is_number:
            if not (number := self._number(base)) > 0:
                raise ConfigError(f"a power with a varying exponent needs a positive base, got {number:g}")
            return self.graph.apply("exp", self.value(exponent).scaled(math.log(number)))
        if not exponent.is_number:
            logarithm = self.graph.apply("log", self.value(base))
            return self.graph.apply("exp", self.graph.multiply([self.value(exponent), logarithm]))
        doubled = 2 * self._number(exponent)
        if doubled % 2 == 0:
            return self._whole_power(self.value(base), int(doubled) // 2)
        if doubled % 1 == 0:
            return self._whole_power(self.graph.apply("sqrt", self.value(base)), int(doubled))
        return self.graph.apply("exp", self.graph.apply("log", self.value(base)).scaled(doubled / 2))

    def _whole_power(self, value: Value, n: int) -> Value:
        """The n-th power by those of the library: powers of powers, and otherwise products."""
        if n in (0, 1):
            return value if n else Value((), 1.0)
        size, inverse = abs(n), "1/" * (n < 0)
        if n == -1:
            return self.graph.apply("1/x", value)
        for p in range(LARGEST_POWER, 1, -1):
            if size % p == 0:
                return self.graph.apply(f"{inverse}x^{p}", self._whole_power(value, size // p))
        if n < 0:
            return self.graph.apply("1/x", self._whole_power(value, size))
        fifths, rest = divmod(n, LARGEST_POWER)
        return self.graph.multiply(
            [self._whole_power(self.graph.apply(f"x^{LARGEST_POWER}", value), fifths), self._whole_power(value, rest)]
        )

    def _library(self) -> dict:
        """Formulas of the library in :attr:`hole`, and of what it is with the other sign, with name and sign."""
        shapes = {}
        for name, function in FUNCTIONS.items():
            try:
                shape = parse_formula(function.formula, [self.hole])
            except ConfigError:  # a function of the user's, with a formula for people
                continue
            if shape not in (0, self.hole):
                shapes.setdefault(shape, (name, 1.0))
        return {shape.xreplace({self.hole: -self.hole}): (name, -1.0) for shape, (name, _) in shapes.items()} | shapes

    def _function(self, e) -> tuple[str, float, object] | None:
        """The function of the library that an expression is of a part of it, the smallest such part, and its sign."""
        if e.is_Pow and e.exp.is_Float and (2 * e.exp) % 1 == 0:
            e = e.base ** self.sympy.Rational(int(2 * e.exp), 2)
        if isinstance(e, self.sympy.exp):
            number, rest = e.args[0].as_independent(*e.free_symbols, as_Add=False)
            if rest.is_Pow and rest.exp == 2 and self._number(number) < 0:
                return "gaussian", math.sqrt(-self._number(number)), rest.base
        found, part = None, self._part(e)
        while part is not None:
            if (shape := e.xreplace({part: self.hole})) in self.library:
                found = *self.library[shape], part
            part = self._part(part)
        return found

    @staticmethod
    def _part(e):
        """The first part of an expression in which all its variables are."""
        return next((part for part in e.args if part.free_symbols == e.free_symbols), None)

    def _number(self, e) -> float:
        try:
            number = float(e)
        except TypeError:  # a complex number
            number = math.nan
        if not math.isfinite(number):
            raise ConfigError(f"a constant of a network is a finite real number, got {e}")
        return number
