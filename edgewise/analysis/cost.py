"""What one forward pass costs in arithmetic: parameters, and operations counted where ATen executes them."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from edgewise.ops import use_backend

# Operations an *output* element for the fused functions, read off their formulas; a plain function is one operation.
# The normalisations subtract, scale, multiply and add; finding mean and variance first is four more.
_PER_ELEMENT = {
    "addcdiv": 2,
    "addcmul": 2,
    "gelu": 4,
    "lerp": 3,
    "mish": 3,
    "silu": 2,
    "softplus": 3,
    "native_dropout": 2,
    "_softmax": 5,
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
}
_ACCUMULATING = {"index_add", "scatter_add", "scatter_reduce"}
# Tagged as element-wise by PyTorch although nothing is computed.
_COPIES = {"clone", "masked_fill", "positive"}


def count_parameters(model: nn.Module) -> int:
    """The number of trainable parameters, a shared one counted once.

    Example:
        >>> count_parameters(nn.Linear(3, 2))
        8
    """
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def count_flops(model: Callable[[Tensor], object], example: Tensor) -> dict[str, int]:
    """Floating-point operations of one forward pass, those inside custom autograd functions included.

    A multiply-add is two operations. Matrix products and convolutions follow PyTorch's own formulas and stand under
    ``matmul``, their bias under ``elementwise``. There also stand all other functions: one operation for each output
    element (``exp`` as much as ``+``), one for each input element of a reduction, and for a fused function those of its
    formula (``silu`` 2, ``softmax`` 5, a normalisation that finds its own statistics 8). Views, copies, indexing and
    allocation are free. KAN layers are counted on the backend ``lean``, as products with all functions of their basis: the
    kernels, of which no counter sees the inside, leave out functions that are zero.

    Args:
        model: The module or function to call; it is called as it stands, in training or in evaluation mode.
        example: Its input.

    Returns:
        ``matmul``, ``elementwise`` and their sum ``total``.

    Example:
        >>> count_flops(nn.Linear(3, 2), torch.zeros(5, 3))
        {'matmul': 60, 'elementwise': 10, 'total': 70}
    """
    with use_backend("lean"), _Counter() as counter:
        model(example)
    return {
        "matmul": counter.matmul,
        "elementwise": counter.elementwise,
        "total": counter.matmul + counter.elementwise,
    }


class _Counter(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.matmul = self.elementwise = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        formula = flop_registry.get(function.overloadpacket)
        if formula is None and _is_composite(function):
            with self:
                return function.decompose(*args, **kwargs)
        result = function(*args, **kwargs)
        if formula is not None:
            self.matmul += formula(*args, **kwargs, out_val=result)
        self.elementwise += _elementwise(function, args, result)
        return result


def _is_composite(function: torch._ops.OpOverload) -> bool:
    """Whether the function is written in others; such a one arrives whole only in inference mode."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(function.name(), "CompositeImplicitAutograd")


def _elementwise(function: torch._ops.OpOverload, args: tuple, result: object) -> int:
    name = function.overloadpacket.__name__
    name = name if name.startswith("_") else name.rstrip("_")  # in place or not
    if name in _COPIES:
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


def _numel(value: object) -> int:
    """Elements of a tensor, or of the first tensor in a tuple of arguments or results."""
    if isinstance(value, Tensor):
        return value.numel()
    return next((item.numel() for item in value if isinstance(item, Tensor)), 0)
