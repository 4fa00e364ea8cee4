"""Expressions as functions of arrays and tensors."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.optional import require
from edgewise._ground.registry import unknown
from edgewise.kan.interpret.rounding import as_written

if TYPE_CHECKING:
    from sympy import Expr, Symbol


def _elementary(module) -> dict[str, Callable]:
    """The functions whose names numpy and torch share, by their names in sympy; all variables are real."""
    table = {name: getattr(module, name) for name in ("exp", "log", "sign")} | {"Abs": module.abs}
    for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh"):
        table |= {name: getattr(module, name), f"a{name}": getattr(module, f"arc{name}")}
    return table | {"cot": lambda x: 1 / module.tan(x), "re": lambda x: x, "conjugate": lambda x: x}


def _of_scipy(name: str) -> Callable:
    return lambda *values: getattr(require("scipy.special", extra="science"), name)(*values)


class _Bessel(torch.autograd.Function):
    """A Bessel function of whole order by scipy: torch has few orders of them, to six digits and without gradients."""

    NEIGHBOURS: ClassVar = {"jv": (0.5, -0.5), "yv": (0.5, -0.5), "iv": (0.5, 0.5), "kv": (-0.5, -0.5)}  # in the derivative

    @staticmethod
    def forward(ctx, name: str, order: float, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.function = name, order
        return torch.from_numpy(_of_scipy(name)(order, x.detach().cpu().double().numpy())).to(x)

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[None, None, Tensor]:
        (gradient,) = gradients
        name, order = ctx.function
        below, above = (_Bessel.apply(name, n, *ctx.saved_tensors) for n in (order - 1, order + 1))
        weights = _Bessel.NEIGHBOURS[name]
        return None, None, gradient * (weights[0] * below + weights[1] * above)


BESSEL = {"besselj": "jv", "bessely": "yv", "besseli": "iv", "besselk": "kv"}
ON_ARRAYS = _elementary(np) | {name: _of_scipy(of_scipy) for name, of_scipy in {**BESSEL, "erf": "erf"}.items()}
ON_TENSORS = _elementary(torch) | {name: partial(_Bessel.apply, of_scipy) for name, of_scipy in BESSEL.items()}
ON_TENSORS["erf"] = torch.erf


def to_callable(expression: "Expr", variables: Sequence["str | Symbol"]) -> Callable:
    """The function that an expression stands for: of numpy arrays, or of tensors, which keep their gradient.

    A constant takes the shape of the arguments. Where the expression is not defined its value is NaN or infinite.

    Args:
        expression: What :func:`~edgewise.kan.interpret.parse_formula` gives, or another sympy expression in real variables.
        variables: Names or symbols of the arguments, in their order, at least one.

    Raises:
        ConfigError: The expression has another variable, or a function that is not known here.

    Example:
        >>> from edgewise.kan.interpret.expression import parse_formula
        >>> to_callable(parse_formula("x^2 + y"), ["x", "y"])(np.array([1.0, 2.0]), 3.0)
        array([4., 7.])
    """
    expression = as_written(expression)
    names = [variable if isinstance(variable, str) else variable.name for variable in variables]
    for symbol in cast("set[Symbol]", expression.free_symbols):
        if symbol.name not in names:
            raise unknown("variable", symbol.name, names)
    for function in expression.atoms(require("sympy", extra="science").Function):
        if function.func.__name__ not in ON_ARRAYS:
            raise unknown("function", function.func.__name__, ON_ARRAYS)

    def call(*arguments):
        if len(arguments) != len(names):
            raise ConfigError(f"the formula takes {len(names)} arguments ({', '.join(names)}), got {len(arguments)}")
        run = _run_on_tensors if any(isinstance(argument, Tensor) for argument in arguments) else _run_on_arrays
        return run(expression, names, arguments)

    return call


def constant(expression: "Expr") -> float:
    """The value of an expression without variables; NaN or infinite where it is no real number."""
    with np.errstate(all="ignore"):
        return float(_walk(expression, lambda e: None if e.args else np.float64(_number(e)), ON_ARRAYS, {}))


def _number(atom) -> float:
    try:
        return float(atom)
    except OverflowError:
        return math.inf
    except TypeError:  # the imaginary unit, or a complex infinity
        return math.nan


def _run_on_arrays(expression, names: list[str], arguments: tuple) -> np.ndarray:
    arrays = [np.asarray(argument) for argument in arguments]
    arrays = [array if np.issubdtype(array.dtype, np.floating) else array.astype(float) for array in arrays]
    with np.errstate(all="ignore"):
        value = _walk(expression, _leaves(names, arrays), ON_ARRAYS, {})
    return np.broadcast_to(value, np.broadcast_shapes(*(array.shape for array in arrays))).copy()


def _run_on_tensors(expression, names: list[str], arguments: tuple) -> Tensor:
    like = next(argument for argument in arguments if isinstance(argument, Tensor))
    dtype = like.dtype if like.is_floating_point() else torch.get_default_dtype()
    tensors = torch.broadcast_tensors(*(torch.as_tensor(a, device=like.device).to(dtype) for a in arguments))
    value = _walk(expression, _leaves(names, tensors), ON_TENSORS, {})
    return value.clone() if isinstance(value, Tensor) else torch.full_like(tensors[0], value)


def _leaves(names: list[str], values: Sequence) -> Callable:
    known = dict(zip(names, values, strict=True))
    return lambda e: known[e.name] if e.is_Symbol else None if e.free_symbols else constant(e)


def _walk(expression, leaf: Callable, functions: dict[str, Callable], done: dict):
    """The value of an expression: what ``leaf`` knows, and otherwise an operation on the values of its arguments."""
    if expression in done:
        return done[expression]
    value = leaf(expression)
    if value is None:
        value, *others = (_walk(argument, leaf, functions, done) for argument in expression.args)
        if expression.is_Add:
            value = sum(others, start=value)
        elif expression.is_Mul:
            value = math.prod(others, start=value)
        elif expression.is_Pow:
            value = value ** others[0]
        else:
            value = functions[expression.func.__name__](value, *others)
    done[expression] = value
    return value
