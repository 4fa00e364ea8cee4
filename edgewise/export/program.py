"""A network as a graph of plain arithmetic, by ``torch.export``."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from edgewise._ground.errors import ConfigError, EdgewiseError
from edgewise.export.constants import WideConstants
from edgewise.nn.modes import keeping_modes
from edgewise.ops import use_backend

# The reference arithmetic in which a convolution is a convolution; the definitions of ops.reference unfold each window.
BACKEND = "plain"


class ExportError(EdgewiseError, RuntimeError):
    """A network that cannot be carried over to where it was to run."""


def to_program(
    model: nn.Module, example: Tensor | tuple[Tensor, ...] | None = None, *, free: Sequence[int] = (), multiple: int = 1
) -> ExportedProgram:
    """The network in evaluation mode as an ``ExportedProgram`` for batches of any size; no custom op is left in it.

    Args:
        model: The network; it is left in the mode it has.
        example: An input, or several, batch first; by default ``model.example_input()``.
        free: Dimensions beside the batch that may have any size, such as ``(2, 3)`` for height and width.
        multiple: Sizes of free dimensions are multiples of this.

    Raises:
        ConfigError: There is no example, or it is no batch.
        ExportError: The network cannot be traced, or fixes the size of a batch or of a dimension that is to be free.

    Example:
        >>> from edgewise.kan import KAN
        >>> program = to_program(KAN([2, 3, 1]))
        >>> program.module()(torch.zeros(7, 2)).shape
        torch.Size([7, 1])
    """
    examples = tuple(_wide_enough(x, free, multiple) for x in batches_of(model, example))
    sides = {d: Dim.DYNAMIC if multiple == 1 else multiple * Dim(f"side{d}", min=1) for d in free}
    shapes = tuple({0: Dim.DYNAMIC, **sides} for _ in examples)
    try:
        with evaluating(model):
            model(*examples)  # symbolic edges note which functions they are
            with WideConstants():
                return torch.export.export(model, examples, dynamic_shapes=shapes)
    except Exception as error:  # whatever its code raises under tracing
        what = f"batches of any size{' and pictures of any height and width' if free else ''}"
        raise ExportError(f"{type(model).__name__} cannot be exported for {what}: {_first_line(error)}") from error


def _wide_enough(x: Tensor, free: Sequence[int], multiple: int) -> Tensor:
    """The example, repeated until no free size is 1 multiple: where that is divided down to 1, torch takes it for fixed."""
    for d in free:
        x = torch.cat([x] * -(-2 * multiple // x.shape[d]), d)
    return x


def batches_of(model: nn.Module, example: Tensor | tuple[Tensor, ...] | None) -> tuple[Tensor, ...]:
    """The inputs to trace with: at least two samples, for torch takes a single one to be part of the network.

    Raises:
        ConfigError: There is no example, or it is no batch.
    """
    if example is None:
        example = example_of(model)
        if example is None:
            raise ConfigError(f"{type(model).__name__} has no example_input(): give an example of its input")
    examples = (example,) if isinstance(example, Tensor) else tuple(example)
    if not all(isinstance(x, Tensor) and x.dim() and len(x) for x in examples):
        raise ConfigError("an example must be a tensor, or several, whose first dimension is a batch of 1 or more samples")
    return tuple(torch.cat([x, x]) if len(x) == 1 else x for x in (x.detach() for x in examples))


def example_of(model: nn.Module) -> Tensor | tuple[Tensor, ...] | None:
    """``model.example_input()``, if it has that."""
    make: Callable[[], Tensor | tuple[Tensor, ...]] | None = getattr(model, "example_input", None)
    return None if make is None else make()


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The network in evaluation mode, its ops as plain arithmetic, without gradients."""
    with keeping_modes(model), use_backend(BACKEND), torch.no_grad():
        model.eval()
        yield


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    detail = next((line for line in lines if "specialized" in line), lines[0] if lines else type(error).__name__)
    return detail.removeprefix("- ").split(". If you")[0]
