"""Python's numbers in a graph of float64: ONNX reads them as float32, which costs half of the digits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_POINTWISE = {"add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "pow", "where", "clamp", "clip"}
_POINTWISE |= {f"__{side}{name}__" for side in ("", "r", "i") for name in ("add", "sub", "mul", "truediv", "pow")}
_POINTWISE |= {"clamp_min", "clamp_max", "maximum", "minimum", "rsub"}


class WideConstants(TorchFunctionMode):
    """While a graph is made: a number that float32 does not hold becomes a tensor where it meets one of float64.

    Example:
        >>> with WideConstants():
        ...     y = 0.1 * torch.ones(1, dtype=torch.float64)
        >>> y.item()
        0.1
    """

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in _POINTWISE:
            given = (*args, *kwargs.values())
            wide = next((t for t in given if isinstance(t, Tensor) and t.dtype == torch.float64), None)
            if wide is not None:
                args = tuple(_held(value, wide) for value in args)
                kwargs = {name: _held(value, wide) for name, value in kwargs.items()}
        return func(*args, **kwargs)


def _held(value: object, like: Tensor) -> object:
    if type(value) is not float or value != value or _is_short(value):
        return value
    return torch.tensor(value, dtype=like.dtype, device=like.device)


def _is_short(value: float) -> bool:
    with np.errstate(over="ignore"):
        return value == float(np.float32(value))
