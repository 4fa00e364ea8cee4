"""A formula as it is used: called with rows, printed, in LaTeX and in Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError
from edgewise._ground.optional import require
from edgewise.kan.interpret.evaluate import to_callable
from edgewise.kan.interpret.names import by_name, check_identifier, identifiers, upright

if TYPE_CHECKING:
    from sympy import Expr, Symbol


@dataclass(frozen=True)
class Formula:
    """The formulas of all outputs of a network, and how far they are from what they stand for.

    Attributes:
        expressions: One sympy expression for each output.
        variables: Their symbols, in the order of the inputs.
        rmse: Root mean square difference from the network on the points checked, rounding included.
        relative: The same over the standard deviation of the network's outputs.
        digits: To how many digits the numbers were rounded.
    """

    expressions: tuple["Expr", ...]
    variables: tuple["Symbol", ...]
    rmse: float
    relative: float
    digits: int

    @property
    def names(self) -> list[str]:
        """What the variables are called."""
        return [variable.name for variable in self.variables]

    @overload
    def __call__(self, x: Tensor) -> Tensor: ...

    @overload
    def __call__(self, x: ArrayLike) -> np.ndarray: ...

    def __call__(self, x: Tensor | ArrayLike) -> Tensor | np.ndarray:
        """The formulas at rows ``(N, inputs)`` of an array, a tensor or a table with named columns, as ``(N, outputs)``.

        Of a DataFrame, or another table with named columns, those are taken that are called as the variables are, whatever
        their order and whatever else it holds; of an array the columns are the variables, in their order.

        Raises:
            ConfigError: A column is missing, or an array has other columns than the formula has variables.
            DataError: A column holds no numbers.
        """
        columns = self._columns(x)
        values = [to_callable(expression, self.variables)(*columns) for expression in self.expressions]
        return torch.stack(values, -1) if isinstance(x, Tensor) else np.stack(values, -1)

    def _columns(self, x: Tensor | ArrayLike) -> list:
        named = by_name(x, self.names)
        if named is not None:
            return [_numbers(column, name) for column, name in zip(named, self.names, strict=True)]
        rows = x if isinstance(x, Tensor) else np.asarray(x)
        if rows.ndim < 1 or rows.shape[-1] != len(self.variables):
            raise ConfigError(
                f"the formula takes the columns {', '.join(self.names)}, in this order, got shape {tuple(rows.shape)}: "
                "choose these columns, or give a DataFrame that names them"
            )
        return [rows[..., i] for i in range(len(self.variables))]

    def latex(self, targets: Sequence[str] | None = None) -> str:
        r"""In LaTeX, one line an output; names that are words stand upright.

        Args:
            targets: What the outputs are called, to be written before equals signs.

        Raises:
            ConfigError: There is not one name for each output.

        Example:
            >>> import sympy
            >>> x = sympy.Symbol("T [K]", real=True)
            >>> print(Formula((2 * x,), (x,), 0.0, 0.0, 3).latex(["p_out"]))
            \mathrm{p\_out} = 2 \cdot \mathrm{T\ [K]}
        """
        if targets is not None and len(targets) != len(self.expressions):
            raise ConfigError(f"{len(self.expressions)} outputs need so many targets, got {list(targets)}")
        sympy = require("sympy", extra="science")
        words = {symbol: text for symbol in self.variables if (text := upright(symbol.name))}
        dot = "dot" if words else None  # between words, a space could be part of a name
        lines = [sympy.latex(expression, symbol_names=words, mul_symbol=dot) for expression in self.expressions]
        if targets is None:
            return "\n".join(lines)
        return "\n".join(f"{upright(target) or target} = {line}" for target, line in zip(targets, lines, strict=True))

    def python(self, name: str = "formula") -> str:
        """As the source of a Python function of numpy arrays, its arguments named as Python allows.

        Where an argument cannot be called as its variable is, a comment says which it stands for.

        Args:
            name: Of the function.

        Raises:
            ConfigError: ``name`` is none that Python takes.

        Example:
            >>> from edgewise.kan import KAN
            >>> model = KAN([1, 1], base=None); model.fix_symbolic(0, 0, 0, "sin", (1.0, 0.0, 2.0, 0.0))
            >>> print(model.symbolic_formula(names=["t [s]"]).python())
            import numpy
            <BLANKLINE>
            def formula(t_s):
                # t_s is 't [s]'
                return 2*numpy.sin(t_s)
        """
        sympy = require("sympy", extra="science")
        from sympy.printing.numpy import NumPyPrinter

        arguments = identifiers(self.names, [check_identifier(name, "a function")])
        symbols = {v: sympy.Symbol(a, real=True) for v, a in zip(self.variables, arguments, strict=True)}
        printer = NumPyPrinter({"fully_qualified_modules": True})
        lines = [str(printer.doprint(expression.xreplace(symbols))) for expression in self.expressions]
        body = lines[0] if len(lines) == 1 else f"({', '.join(lines)})"
        modules = "\n".join(f"import {module}" for module in sorted(printer.module_imports) or ["numpy"])
        said = "".join(f"    # {a} is {n!a}\n" for a, n in zip(arguments, self.names, strict=True) if a != n)
        return f"{modules}\n\ndef {name}({', '.join(arguments)}):\n{said}    return {body}"

    def __str__(self) -> str:
        return "\n".join(str(expression) for expression in self.expressions)


def _numbers(column: ArrayLike, name: str) -> np.ndarray:
    try:
        return np.asarray(column, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"the column {name!r} must be numbers, and is not: {error}") from error
