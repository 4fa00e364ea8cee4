"""What one forward pass costs in arithmetic: parameters, and operations counted where ATen executes them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import flop_registry

from edgewise._ground.errors import warn
from edgewise._ground.torch_private import TorchDispatchMode, decompositions, is_composite, tree_leaves
from edgewise.analysis.operations import PRODUCTS, elementwise, is_known, name_of
from edgewise.ops import use_backend


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
    allocation are free. What neither PyTorch's tables nor ours hold is counted by its decomposition, or warned of.
    Attention is counted as its two products and a softmax, not by the kernel that a machine has for it. KAN layers are
    counted on the backend ``lean``, as products with all functions of their basis: the kernels, of which no counter sees
    the inside, leave out functions that are zero.

    Args:
        model: The module or function to call; it is called as it stands, in training or in evaluation mode.
        example: Its input.

    Returns:
        ``matmul``, ``elementwise`` and their sum ``total``.

    Example:
        >>> count_flops(nn.Linear(3, 2), torch.zeros(5, 3))
        {'matmul': 60, 'elementwise': 10, 'total': 70}
    """
    with use_backend("lean"), _attention_written_out(), _Counter() as counter:
        model(example)
    for name in sorted(counter.unknown):
        warn(f"what {name} computes is not known here and counted as nothing")
    return {
        "matmul": counter.matmul,
        "elementwise": counter.elementwise,
        "total": counter.matmul + counter.elementwise,
    }


@contextmanager
def _attention_written_out() -> Iterator[None]:
    """Without the fused kernels of attention, of which some have a formula and others none."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


class _Counter(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.matmul = self.elementwise = 0
        self.unknown: set[str] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        formula, name = flop_registry.get(function.overloadpacket), name_of(function)
        if formula is None and is_composite(function):
            with self:
                return function.decompose(*args, **kwargs)
        known = formula is not None or is_known(function)
        if not known and function in decompositions():
            with self:
                return decompositions()[function](*args, **kwargs)
        result = function(*args, **kwargs)
        if not known and any(isinstance(t, Tensor) and t.is_floating_point() for t in tree_leaves(result)):
            self.unknown.add(str(function.overloadpacket))
        if formula is not None:
            self.matmul += formula(*args, **kwargs, out_val=result)
        elif name in PRODUCTS:
            self.matmul += PRODUCTS[name](*args)
        self.elementwise += elementwise(function, args, result)
        return result
