"""Which backend serves each layer of a model, and why not a faster one: seen where the kernels are called."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgewise._ground.torch_private import TorchDispatchMode
from edgewise.nn import GroupRational
from edgewise.nn.attention.operator import AttentionOperator
from edgewise.nn.layer import EdgeLayer
from edgewise.ops.backend import chosen_backend
from edgewise.ops.native.library import obstacle as native_obstacle
from edgewise.ops.triton import obstacle as triton_obstacle

SERVED = (AttentionOperator, EdgeLayer, GroupRational)
KERNELS = {"cpu": "native", "cuda": "triton"}  # the backends with kernels, by the type of their device


@dataclass(frozen=True)
class Served:
    """A layer, and what serves it.

    Attributes:
        name: Of the layer in its model.
        layer: What it is.
        backend: What carried it out.
        reason: Why nothing faster did, in words; None where there is nothing faster.
    """

    name: str
    layer: str
    backend: str
    reason: str | None


def kernel_obstacle(device: torch.device) -> str | None:
    """Why the kernels for a device cannot run here, in words; None if they can. On the CPU they are built for that."""
    match KERNELS.get(device.type):
        case "native":
            return native_obstacle()
        case "triton":
            return triton_obstacle(device)
        case _:
            return f"there are no kernels for {device.type}"


def backends_of(model: nn.Module, example: Tensor) -> list[Served]:
    """Run a model once, and say what served each of its layers of edge functions, in the order in which they ran.

    Args:
        model: The model; it is called as it stands.
        example: Its input, on the device and in the dtype that are asked about.

    Example:
        >>> from edgewise import use_backend
        >>> from edgewise.kan import KAN
        >>> with use_backend("lean"):
        ...     found = backends_of(KAN([2, 3, 1]), torch.zeros(4, 2))
        >>> [(part.name, part.backend, part.reason) for part in found]
        [('0', 'lean', "the backend 'lean' was chosen"), ('1', 'lean', "the backend 'lean' was chosen")]
    """
    layers = dict(_layers(model))
    with ExitStack() as hooks, torch.no_grad(), _Calls() as calls:
        for name, layer in layers.items():
            for hook in (
                layer.register_forward_pre_hook(lambda *_, name=name: calls.enter(name)),
                layer.register_forward_hook(lambda *_: calls.leave()),
            ):
                hooks.callback(hook.remove)
        model(example)
    return [_served(name, layers[name], found, example) for name, found in calls.by_layer.items()]


def _layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers that an op carries out, the functions within an attention operator not counted for themselves."""
    within = ""
    for name, module in model.named_modules():
        if isinstance(module, SERVED) and not (within and name.startswith(within)):
            within = f"{name}." if name else ""
            yield name, module


class _Calls(TorchDispatchMode):
    """The kernels that each layer calls."""

    def __init__(self):
        super().__init__()
        self.by_layer: dict[str, set[str]] = {}
        self._running: list[str] = []

    def enter(self, name: str) -> None:
        self._running.append(name)
        self.by_layer.setdefault(name, set())

    def leave(self) -> None:
        self._running.pop()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.namespace == "edgewise" and self._running:
            kernel = func.name().removeprefix("edgewise::")
            self.by_layer[self._running[-1]].add("triton" if kernel.startswith("triton") else "native")
        return func(*args, **(kwargs or {}))


def _served(name: str, layer: nn.Module, kernels: set[str], example: Tensor) -> Served:
    chosen, fastest = chosen_backend(), KERNELS.get(example.device.type)
    backend = next(iter(kernels), "lean" if chosen in ("auto", "native", "triton") else chosen)
    kind = type(layer).__name__
    if backend == fastest:
        reason = None
    elif chosen not in ("auto", fastest):
        reason = f"the backend {chosen!r} was chosen"
    else:
        reason = kernel_obstacle(example.device) or _no_kernel(kind, layer, example)
    return Served(name, kind, backend, reason)


def _no_kernel(kind: str, layer: nn.Module, example: Tensor) -> str:
    edge = getattr(layer, "edge", None) or getattr(getattr(layer, "form", None), "edge", None)
    functions = "" if edge is None else f" on {edge.basis}"
    if edge is not None and callable(edge.base):
        functions += " with a base function of one's own"
    dtype = str(next((p.dtype for p in layer.parameters()), example.dtype)).removeprefix("torch.")
    return f"no kernel takes {kind}{functions} in {dtype}: docs/kernels.md lists those there are"
