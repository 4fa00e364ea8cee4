"""What one call of an ATen function costs in arithmetic, beside its matrix products."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from edgewise._ground.torch_private import OpOverload

# Operations an *output* element for the fused functions, read off their formulas; a plain function is one operation.
# The normalisations subtract, scale, multiply and add; finding mean and variance first is four more.
_PER_ELEMENT = {
    "abs": 1,
    "addcdiv": 2,
    "addcmul": 2,
    "gelu": 4,
    "lerp": 3,
    "mish": 3,
    "silu": 2,
    "softplus": 3,
    "native_dropout": 2,
    "_softmax": 5,
    "_safe_softmax": 5,
    "_log_softmax": 5,
    "native_layer_norm": 8,
    "native_group_norm": 8,
    "upsample_linear1d": 3,
    "upsample_bilinear2d": 7,
    "upsample_trilinear3d": 15,
    "cumsum": 1,
}
# The same where they depend on the arguments: a bias, a normalisation that uses running statistics, a window.
_BY_ARGUMENTS: dict[str, Callable[..., int]] = {
    "addmm": lambda *args: 1,
    "baddbmm": lambda *args: 1,
    "convolution": lambda x, weight, bias, *args: int(bias is not None),
    "native_batch_norm": lambda x, weight, bias, mean, variance, training, *args: 8 if training else 4,
    "max_pool2d_with_indices": lambda x, window, *args: _area(window, 2),
    "max_pool3d_with_indices": lambda x, window, *args: _area(window, 3),
    "avg_pool2d": lambda x, window, *args: _area(window, 2),
    "avg_pool3d": lambda x, window, *args: _area(window, 3),
}
# Operations an *input* element, where that is not the one of a plain reduction.
_PER_INPUT = {
    "logsumexp": 4,
    "var": 4,
    "std": 4,
    "var_mean": 4,
    "std_mean": 4,
    "_adaptive_avg_pool2d": 1,
    "_adaptive_avg_pool3d": 1,
    "col2im": 1,
}
_ACCUMULATING = {"index_add", "scatter_add", "scatter_reduce"}
# Matrix products of which PyTorch has no formula.
PRODUCTS: dict[str, Callable[..., int]] = {
    "mv": lambda matrix, *args: 2 * matrix.numel(),
    "addmv": lambda given, matrix, *args: 2 * matrix.numel(),
    "dot": lambda vector, *args: 2 * vector.numel(),
}
# Nothing is computed, whatever PyTorch's tags say: numbers are moved, made or chosen.
_NAMES = """
_to_copy _unsafe_index _unsafe_view arange as_strided cat clone constant_pad_nd copy embedding empty
empty_like eye flip full full_like gather im2col index index_put index_select masked_fill new_empty new_full
new_zeros ones ones_like positive rand randn reflection_pad1d reflection_pad2d reflection_pad3d repeat
replication_pad1d replication_pad2d replication_pad3d roll scalar_tensor scatter select_scatter slice_scatter
sort stack topk unfold upsample_nearest1d upsample_nearest2d upsample_nearest3d zeros zeros_like
"""
_FREE = frozenset(_NAMES.split())


def name_of(function: OpOverload) -> str:
    """Its name, the same whether it works in place or not."""
    return function.overloadpacket.__name__.rstrip("_")


def is_known(function: OpOverload) -> bool:
    """Whether a table or one of PyTorch's tags says what it costs."""
    tables = (_FREE, PRODUCTS, _BY_ARGUMENTS, _PER_ELEMENT, _PER_INPUT, _ACCUMULATING)
    tagged = {torch.Tag.reduction, torch.Tag.pointwise} & set(function.tags)
    return bool(tagged) or function.is_view or any(name_of(function) in table for table in tables)


def elementwise(function: OpOverload, args: tuple, result: Tensor | Iterable[object]) -> int:
    """Operations outside matrix products."""
    name = name_of(function)
    if name in _FREE:
        return 0
    if name in _BY_ARGUMENTS:
        return _BY_ARGUMENTS[name](*args) * _numel(result)
    if name in _PER_ELEMENT:
        return _PER_ELEMENT[name] * _numel(result)
    if name in _PER_INPUT:
        return _PER_INPUT[name] * _numel(args)
    if name in _ACCUMULATING:
        return _numel(args[-1])
    if torch.Tag.reduction in function.tags:
        return _numel(args)
    return _numel(result) if torch.Tag.pointwise in function.tags else 0


def _area(window: list[int], dimensions: int) -> int:
    return math.prod(window) if len(window) > 1 else window[0] ** dimensions


def _numel(value: Tensor | Iterable[object]) -> int:
    """Elements of a tensor, or of the first tensor in a tuple of arguments or results."""
    if isinstance(value, Tensor):
        return value.numel()
    return next((item.numel() for item in value if isinstance(item, Tensor)), 0)
