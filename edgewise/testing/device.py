"""Another device, on a machine that has none: what runs on it runs on a GPU, as far as devices go."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from edgewise._ground.torch_private import TorchDispatchMode, wrapper_of

AWAY = torch.device("lazy")  # PyTorch knows the name, and nothing of its own lies there
CPU = torch.device("cpu")
_SET_DATA = getattr(Tensor.data, "__set__")  # noqa: B009 (which the stubs leave out)


class OtherDevice(TorchDispatchMode):
    """Within it there is a device ``AWAY`` that computes on the CPU, and refuses tensors of the CPU as a GPU does.

    Tensors are made on it or moved to it as to any device. A tensor of the CPU that meets one from there is an error, but
    for a single number and for indices. It draws the CPU's random numbers, so that results are those of the CPU.

    Attributes:
        waits: The operators so far that moved numbers to or from the device: each makes a GPU and the CPU wait for each
            other, and cannot be part of a CUDA graph.

    Example:
        >>> with OtherDevice() as other:
        ...     x = torch.ones(3, device=AWAY)
        ...     total = (2 * x).sum().item()
        >>> total, other.waits
        (6.0, ['aten::_local_scalar_dense'])
        >>> with OtherDevice():
        ...     torch.ones(3, device=AWAY) + torch.ones(3)
        Traceback (most recent call last):
        RuntimeError: aten::add.Tensor takes tensors of one device, got (3,) there and (3,) on the CPU
    """

    def __init__(self):
        super().__init__()
        self.waits: list[str] = []
        self._python = _PythonSide()

    def __enter__(self):
        self._python.__enter__()
        return super().__enter__()

    def __exit__(self, *failure):
        super().__exit__(*failure)
        self._python.__exit__(*failure)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, func.name()
        given = [*_tensors(args), *_tensors(tuple(kwargs.values()))]
        there = {id(t.numbers): t for t in given if isinstance(t, _There)}
        to = kwargs.get("device")
        moves = name in ("aten::_to_copy", "aten::copy_")
        if there and len(there) < len(given) and not moves:
            _check_together(name, args)
        if kwargs.get("generator") is not None and to == AWAY:
            raise RuntimeError(f"{name} draws numbers there with a generator of the {kwargs['generator'].device}")
        if _waits(name, args, to):
            self.waits.append(name)
        args, kwargs = _inside(args), {key: _inside(value) for key, value in kwargs.items()}
        found = func(*args, **(kwargs if to is None else {**kwargs, "device": CPU}))
        if to != AWAY and (to is not None or not there or (moves and id(args[0]) not in there)):
            return found
        return _wrapped(found, there)


class _There(Tensor):
    """A tensor of the other device, whose numbers lie on the CPU."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor):
        return wrapper_of(cls, numbers, AWAY)

    def __init__(self, numbers: Tensor):
        self.numbers = numbers

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"{self.numbers!r} there"

    def __tensor_flatten__(self) -> tuple[list[str], None]:  # by which torch swaps whole parameters, not their insides
        return ["numbers"], None

    @staticmethod
    def __tensor_unflatten__(inner: dict[str, Tensor], *_) -> Tensor:
        return _There(inner["numbers"])

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func.name()} of a tensor of the other device, outside of OtherDevice")


class _PythonSide(TorchFunctionMode):
    """What PyTorch does with devices before it comes to operators."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        own = isinstance(args[0], _There) if args else False
        device = torch.device(kwargs.get("device") or (AWAY if own else CPU))
        made = func in (torch.tensor, torch.as_tensor) and not isinstance(args[0], Tensor)
        if (made or (func is Tensor.new_tensor and own)) and device == AWAY:
            if func is Tensor.new_tensor:
                kwargs = {"dtype": args[0].dtype, **kwargs}
            data, options = (
                args[-1],
                {key: value for key, value in kwargs.items() if key not in ("device", "requires_grad")},
            )
            return torch.tensor(data, **options).to(AWAY).requires_grad_(kwargs.get("requires_grad", False))
        if func is Tensor.tolist and own:
            return args[0].cpu().tolist()
        if func in (Tensor.__getitem__, Tensor.__setitem__) and own:
            args = (args[0], _by_tensors(args[1]), *args[2:])
        if func is _SET_DATA and own:
            args[0].numbers = args[1].numbers
        return func(*args, **kwargs)


def _by_tensors(index: Any) -> Any:
    """Lists in an index as the tensors that PyTorch makes of them on the device."""
    if isinstance(index, tuple):
        return tuple(_by_tensors(part) for part in index)
    return torch.tensor(index).to(AWAY) if isinstance(index, list) else index


def _tensors(tree: Any) -> list[Tensor]:
    if isinstance(tree, Tensor):
        return [tree]
    return [t for part in tree for t in _tensors(part)] if isinstance(tree, tuple | list) else []


def _inside(tree: Any) -> Any:
    if isinstance(tree, _There):
        return tree.numbers
    return type(tree)(map(_inside, tree)) if isinstance(tree, tuple | list) else tree


def _wrapped(tree: Any, there: dict[int, "_There"]) -> Any:
    if isinstance(tree, Tensor):  # one of the operands, where an operator works in place
        return there[id(tree)] if id(tree) in there else _There(tree)
    return [_wrapped(part, there) for part in tree] if isinstance(tree, tuple | list) else tree


_READS = ("aten::_local_scalar_dense", "aten::nonzero", "aten::equal", "aten::masked_select", "aten::_unique")


def _waits(name: str, args: Sequence, to: torch.device | None) -> bool:
    """Whether it moves numbers, or makes a tensor whose shape is a value of the device."""
    if name == "aten::_to_copy":
        return to is not None and isinstance(args[0], _There) != (to == AWAY)
    if name == "aten::copy_":
        return isinstance(args[0], _There) != isinstance(args[1], _There)
    if name.startswith("aten::index."):
        return any(isinstance(t, _There) and t.dtype in (torch.bool, torch.uint8) for t in args[1])
    return name.startswith(_READS) and isinstance(args[0], _There)


def _check_together(name: str, args: Sequence) -> None:
    if name.startswith(("aten::index.", "aten::index_put", "aten::_index_put", "aten::_unsafe_index")):
        args = (args[0], *args[2:])  # indices may lie on the CPU
    tensors = _tensors(tuple(args))
    there, here = ([t for t in tensors if isinstance(t, _There) is side] for side in (True, False))
    if any(t.dim() for t in here):
        shapes = [" and ".join(str(tuple(t.shape)) for t in some) for some in (there, here)]
        raise RuntimeError(f"{name} takes tensors of one device, got {shapes[0]} there and {shapes[1]} on the CPU")
