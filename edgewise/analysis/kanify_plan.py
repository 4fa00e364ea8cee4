"""What replacing the layers of a network would cost, before it is done."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgewise._ground.torch_private import tree_map_only
from edgewise.analysis.cost import count_flops
from edgewise.models.kanify import Maker, kanify
from edgewise.models.kanify_layers import ToKAN
from edgewise.models.kanify_select import Filter, layers_of
from edgewise.ops import use_backend

_TITLES = {  # of the costs
    "parameters": "parameters",
    "flops": "operations of a forward pass",
    "saved_bytes": "bytes saved for the backward pass",
}


@dataclass(frozen=True)
class Replaced:
    """One layer that would be replaced: where it stands, what it is and becomes, and how many parameters it has."""

    name: str
    before: str
    after: str
    parameters: tuple[int, int]


@dataclass(frozen=True)
class Cost:
    """Of a network: parameters; operations of the forward pass and bytes that it keeps for the backward pass, if known."""

    parameters: int
    flops: int | None = None
    saved_bytes: int | None = None


@dataclass(frozen=True)
class KanifyPlan:
    """What :func:`kanify_plan` found; printed, it is a table of parameters, operations and bytes."""

    layers: tuple[Replaced, ...]
    before: Cost
    after: Cost

    def __str__(self) -> str:
        rows = [("layer", "from", "to", "before", "after")]
        rows += [(r.name or "(all)", r.before, r.after, *(f"{n:,}" for n in r.parameters)) for r in self.layers]
        for name, title in _TITLES.items():
            old, new = getattr(self.before, name), getattr(self.after, name)
            if old is not None:
                rows.append((title, "", f"x {new / max(old, 1):.2f}", f"{old:,}", f"{new:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        aligned = (zip(row, (str.ljust,) * 3 + (str.rjust,) * 2, widths, strict=True) for row in rows)
        return "\n".join("  ".join(align(cell, width) for cell, align, width in row) for row in aligned)


def kanify_plan(
    model: nn.Module,
    example: Tensor | None = None,
    *,
    linear: Maker | None = ToKAN(),  # noqa: B008 (frozen)
    conv: Maker | None = ToKAN(),  # noqa: B008
    where: Filter | None = None,
    skip: Filter = (),
    warm_start: bool = True,
) -> KanifyPlan:
    """What :func:`edgewise.kanify` would replace, and what the network costs before and after; nothing is allocated.

    Networks and example are copied to the meta device, where tensors have shapes and no numbers. Operations are counted in
    evaluation mode, bytes in training mode, both as the lean backend does its work.

    Args:
        model: The network; it is left as it is.
        example: An input, for operations and bytes, which belong to it whole; None for parameters only.
        linear: As for :func:`edgewise.kanify`, and so are all that follow.
        conv: What replaces convolutions.
        where: Which layers.
        skip: Which of those to leave.
        warm_start: Start as the same function.

    Raises:
        ConfigError: As :func:`edgewise.kanify` does, but for what only numbers tell.

    Example:
        >>> print(kanify_plan(nn.Sequential(nn.Linear(64, 10)), torch.zeros(1, 64)))
        layer                              from    to         before   after
        0                                  Linear  KANLinear     650   5,770
        parameters                                 x 8.88        650   5,770
        operations of a forward pass               x 13.02     1,290  16,796
        bytes saved for the backward pass          x 1.00        256     256
    """
    old = _without_numbers(model)
    new = kanify(old, linear, conv, where=where, skip=skip, warm_start=warm_start)
    after = dict(new.named_modules(remove_duplicate=False))
    replaced = [
        Replaced(name, type(layer).__name__, type(after[name]).__name__, (_count(layer), _count(after[name])))
        for name, layer in layers_of(old)
        if type(after[name]) is not type(layer)
    ]
    return KanifyPlan(tuple(replaced), _cost(old, example), _cost(new, example))


def _without_numbers(model: nn.Module) -> nn.Module:
    """A copy on the meta device, made without copying a number."""
    memo = {id(p): nn.Parameter(p.detach().to("meta"), p.requires_grad) for p in model.parameters()}
    memo |= {id(b): b.detach().to("meta") for b in model.buffers()}
    return copy.deepcopy(model, memo)


def _count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def _cost(model: nn.Module, example: Tensor | None) -> Cost:
    if example is None:
        return Cost(_count(model))
    shapes = tree_map_only(Tensor, lambda t: t.detach().to("meta"), example)
    with torch.no_grad():
        flops = count_flops(model.eval(), shapes)["total"]
    with use_backend("lean"):
        return Cost(_count(model), flops, _saved_bytes(model.train(), shapes))


def _saved_bytes(model: nn.Module, example: Tensor) -> int:
    """As :func:`edgewise.analysis.saved_bytes`, which tells storages apart by where they lie; on meta they lie nowhere."""
    own = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    saved = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            saved[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(example)
    return sum(storage.nbytes() for storage in saved.values())
