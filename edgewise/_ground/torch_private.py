"""The private names of PyTorch that edgewise uses, all of them, each where no public name does the same.

A new version of PyTorch may take any of them away: the test of this file tries each and says which is gone.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.autograd import forward_ad
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

__all__ = [
    "OpOverload",
    "TorchDispatchMode",
    "constant_in_graphs",
    "decompositions",
    "is_batch_of_gradients",
    "is_composite",
    "members",
    "transformed",
    "tree_leaves",
    "tree_map_only",
    "watched",
    "wrapper_of",
]

_FUNCTORCH = torch._C._functorch  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
AnyFunction = TypeVar("AnyFunction", bound=Callable)


def transformed() -> bool:
    """Whether a transform of ``torch.func`` or a level of forward-mode derivatives is at work.

    They see through PyTorch's own arithmetic, but not through a kernel or a gradient written by hand.
    """
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def is_batch_of_gradients(gradient: torch.Tensor) -> bool:
    """Whether this stands for several gradients at once, as in ``torch.autograd.grad(..., is_grads_batched=True)``."""
    return _FUNCTORCH.is_legacy_batchedtensor(gradient)


def watched() -> bool:
    """Whether the arithmetic is looked at while it runs: :func:`transformed`, or a graph is being made of it."""
    return torch.compiler.is_compiling() or transformed()


def members(t: Tensor) -> Tensor:
    """The values under the transforms of ``torch.func``, ``(n, *shape)``, one for each member that ``vmap`` runs."""
    if not _FUNCTORCH.is_functorch_wrapped_tensor(t):
        return t.unsqueeze(0)
    inner = members(_FUNCTORCH.get_unwrapped(t))
    if not _FUNCTORCH.is_batchedtensor(t):
        return inner
    return inner.movedim(_FUNCTORCH.maybe_get_bdim(t) + 1, 1).flatten(0, 1)


def constant_in_graphs(function: AnyFunction) -> AnyFunction:
    """Mark a function whose result graphs may keep for good, as ``torch.compiler.assume_constant_result`` does.

    That one imports all of Dynamo, which takes seconds.
    """
    setattr(function, "_dynamo_marked_constant", True)  # noqa: B010 (no attribute that a type checker knows)
    return function


def wrapper_of(kind: type[Tensor], inner: Tensor, device: torch.device) -> Tensor:
    """A tensor of another class that looks like ``inner`` and says to lie on ``device``, with no memory of its own."""
    return torch.Tensor._make_wrapper_subclass(
        kind, inner.shape, inner.stride(), inner.storage_offset(), dtype=inner.dtype, layout=inner.layout, device=device
    )


def is_composite(function: OpOverload) -> bool:
    """Whether an operator is written in others; such a one arrives whole only in inference mode."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(function.name(), "CompositeImplicitAutograd")


def decompositions() -> Mapping[OpOverload, Callable]:
    """How operators are written in others."""
    from torch._decomp import decomposition_table  # slow to import

    return decomposition_table
