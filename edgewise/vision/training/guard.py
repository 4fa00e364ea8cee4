"""Finding where a NaN or an infinity came from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def all_finite(tensors: list[Tensor]) -> bool:
    """Whether every number of every tensor is finite, at the cost of one synchronisation with the device."""
    return not tensors or bool(torch.nn.utils.get_total_norm(tensors, norm_type=float("inf")).isfinite())


def blame(network: nn.Module, images: Tensor, ids: list[str], rerun: Callable[[], object] | None = None) -> str:
    """Where a non-finite number first appears when ``network`` runs on ``images`` once more, in words.

    Looks at the images, the parameters, the output of every module in the order they run, and last at the gradients:
    the last module to run whose parameters have a non-finite gradient is the first that the backward pass reached.

    Args:
        network: The network, its gradients as the failed step left them.
        images: The batch of the failed step, (B, C, H, W).
        ids: A name for each image.
        rerun: Runs the network once more; None: on the images alone.
    """
    for image, name in zip(images, ids, strict=True):
        if not image.isfinite().all():
            return f"the input image {name!r} holds it"
    for name, parameter in network.named_parameters():
        if not parameter.isfinite().all():
            return f"the parameter {name!r} holds it"
    with _watch(network) as runs, torch.no_grad():
        rerun() if rerun is not None else network(images)
    for name, module, finite in runs:
        if not finite:
            return f"first made by {name!r} ({type(module).__name__})"
    for name, module, _ in reversed(runs):
        gradients = [parameter.grad for parameter in module.parameters(recurse=False) if parameter.grad is not None]
        if not all_finite(gradients):
            return f"first made by the gradient of {name!r} ({type(module).__name__})"
    return "first made by the loss: every module's output is finite"


@contextmanager
def _watch(network: nn.Module) -> Iterator[list[tuple[str, nn.Module, bool]]]:
    """Record each module as it finishes, with its name and whether its output is finite."""
    runs: list[tuple[str, nn.Module, bool]] = []

    def watch(name: str, module: nn.Module):
        def note(module: nn.Module, inputs: tuple, output: object) -> None:
            outputs = output if isinstance(output, tuple | list) else (output,)
            tensors = [item for item in outputs if isinstance(item, Tensor) and item.is_floating_point()]
            runs.append((name, module, all_finite(tensors)))

        return module.register_forward_hook(note)

    handles = [watch(name or "the network", module) for name, module in network.named_modules()]
    try:
        yield runs
    finally:
        for handle in handles:
            handle.remove()
