"""What is used of PyTorch beyond its public interface, in one place; its test names what an upgrade takes away."""

import torch
from torch import Tensor


def is_watched() -> bool:
    """Whether a compiler or a transform of ``torch.func`` looks on, so that tensors have no values to look at."""
    return torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()


def members(t: Tensor) -> Tensor:
    """The values under the transforms of ``torch.func``, ``(n, *shape)``, one for each member that ``vmap`` runs."""
    functorch = torch._C._functorch
    if not functorch.is_functorch_wrapped_tensor(t):
        return t.unsqueeze(0)
    inner = members(functorch.get_unwrapped(t))
    if not functorch.is_batchedtensor(t):
        return inner
    return inner.movedim(functorch.maybe_get_bdim(t) + 1, 1).flatten(0, 1)
