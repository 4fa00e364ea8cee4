"""What a model is made of, as its equations ask: trainable numbers, and the networks in it that are in no other."""

from collections.abc import Callable, Iterable
from typing import TypeGuard, TypeVar

import torch
from torch import Tensor, nn

Part = TypeVar("Part", bound=nn.Module)


def trainable(named: Iterable[tuple[str, nn.Parameter]]) -> dict[str, nn.Parameter]:
    """Those that want a gradient, by name.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> _ = layer.bias.requires_grad_(False)
        >>> list(trainable(layer.named_parameters()))
        ['weight']
    """
    return {name: p for name, p in named if p.requires_grad}


def is_within(name: str, prefix: str) -> bool:
    """Whether a dotted name is that of a module, or of something in it; the model itself has the name ``""``."""
    return prefix == "" or name == prefix or name.startswith(prefix + ".")


def outermost(model: nn.Module, wanted: Callable[[nn.Module], TypeGuard[Part]]) -> dict[str, Part]:
    """The modules of one kind that are in no other of that kind, by name."""
    found: dict[str, Part] = {}
    for name, module in model.named_modules():
        if wanted(module) and not any(is_within(name, outer) for outer in found):
            found[name] = module
    return found


def random_signs(residual: Tensor, generator: torch.Generator) -> Tensor:
    """One or minus one for each residual, in its type and on its device."""
    return torch.randint(2, residual.shape, generator=generator).to(residual) * 2 - 1


def described(found: object) -> str:
    """What somebody gave, in an error.

    Example:
        >>> described(torch.tensor([1.0, torch.nan])), described(3.5), described([1])
        ('shape (2,) with a NaN or an infinity', '3.5', 'a list')
    """
    if isinstance(found, Tensor):
        return f"shape {tuple(found.shape)}" + ("" if found.isfinite().all() else " with a NaN or an infinity")
    return repr(found) if isinstance(found, int | float) else f"a {type(found).__name__}"
