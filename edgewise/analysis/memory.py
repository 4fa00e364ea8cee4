"""What training holds in memory: tensors saved for backward, tensors alive after forward, the peak of a process."""

import ctypes
import gc
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

from edgewise._ground.errors import EdgewiseError
from edgewise._ground.torch_private import TorchDispatchMode, tree_leaves

_STATUS = Path("/proc/self/status")
_M_MMAP_THRESHOLD = -3  # from glibc's malloc.h


def saved_bytes(model: nn.Module, example: Tensor) -> int:
    """Bytes that autograd keeps for the backward pass of one forward pass.

    Each storage counts once and whole, however many views of it are saved; parameters and buffers do not count, the
    example does where it is saved. Only what goes through saved tensors is seen: see :func:`live_bytes`.

    Example:
        >>> saved_bytes(nn.Linear(256, 10), torch.zeros(8, 256)) == 8 * 256 * 4
        True
    """
    own = {_address(tensor) for tensor in (*model.parameters(), *model.buffers())}
    saved = {}

    def pack(tensor: Tensor) -> Tensor:
        if _address(tensor) not in own:
            saved[_address(tensor)] = tensor.untyped_storage()  # held, so that no address is used again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(example)
    return sum(storage.nbytes() for storage in saved.values())


def live_bytes(model: nn.Module, example: Tensor) -> int:
    """Bytes of the tensors that a forward pass makes and that outlive it, its output among them.

    They are found where they are made, so one hidden on ``ctx``, in a closure or in a global counts like one that
    autograd saved. A model that hides nothing stays within ``saved_bytes`` plus its output.

    Example:
        >>> live_bytes(nn.Linear(256, 10), torch.zeros(8, 256)) == 8 * 10 * 4
        True
    """
    with _Births() as births:
        output = model(example)
    gc.collect()
    alive = sum(size for storage, size in births.storages if not storage.expired())
    del output
    return alive


class _Births(TorchDispatchMode):
    """Weak references to the storages of all tensors made inside."""

    def __init__(self):
        super().__init__()
        self.storages: list[tuple[StorageWeakRef, int]] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = _storages((args, kwargs))
        result = function(*args, **(kwargs or {}))
        for address, storage in _storages(result).items():
            if address not in given:
                self.storages.append((StorageWeakRef(storage), storage.nbytes()))
        return result


def _storages(tree: object) -> dict[int, torch.UntypedStorage]:
    return {_address(leaf): leaf.untyped_storage() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)}


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def training_step(model: nn.Module, example: Tensor) -> Callable[[], None]:
    """A function that runs the forward and the backward pass, down to the input, and drops the gradients."""
    leaf = example.detach().requires_grad_()

    def step() -> None:
        model(leaf).sum().backward()
        model.zero_grad(set_to_none=True)
        leaf.grad = None
        if leaf.device.type != "cpu":
            torch.accelerator.synchronize()

    return step


def peak_memory(prepare: Callable[[], Callable[[], object]]) -> int:
    """Bytes by which the resident memory of a fresh process rises, at its highest, while it runs one step.

    A step before the one that is measured loads libraries and lets them take their work space, which no model owes.

    Args:
        prepare: Called in the fresh process, where everything it builds is part of the base line; returns the step.
            A function of a module, or a ``functools.partial`` of one, since it travels by pickle.

    Raises:
        EdgewiseError: The process died (often: out of memory), or the system tells no resident memory (``/proc``).
    """
    if not _STATUS.exists():
        raise EdgewiseError(f"peak memory is read from {_STATUS}, which this system lacks: measure on Linux")
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(prepare, torch.get_num_threads(), sender))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        raise EdgewiseError(
            f"the process that measures memory ended with exit code {process.exitcode} and no result; "
            "its message stands above, and where there is none it was most likely killed for want of memory: "
            "use a smaller size or batch"
        ) from None
    finally:
        process.join()


def _measure(prepare: Callable, threads: int, sender) -> None:
    # From 64 KiB on, what is freed goes back to the system at once, so that no step runs in what another left behind.
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 2**16)
    torch.set_num_threads(threads)
    step = prepare()
    step()
    gc.collect()
    before = _resident("VmRSS")
    _forget_peak()
    step()
    sender.send(max(0, _resident("VmHWM") - before))


def _resident(field: str) -> int:
    """A line of this process's status. ``getrusage`` will not do: there a child inherits the peak of its parent."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def _forget_peak() -> None:
    if os.access("/proc/self/clear_refs", os.W_OK):
        Path("/proc/self/clear_refs").write_text("5")
