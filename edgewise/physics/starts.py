"""Several starts: the same problem from networks drawn anew, of which the best goes on."""

import copy
import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from edgewise.nn import EdgeLayer

Course = TypeVar("Course")


def best_of(model: nn.Module, starts: int, attempt: Callable[[], tuple[float, Course]]) -> Course:
    """Leave a model as the attempt of least loss left it.

    Args:
        model: The model; the first attempt is made with it as it is, each other with its layers of edges drawn anew.
            What is in no such layer, such as an unknown, is each time as it was.
        starts: Number of attempts.
        attempt: Changes the model, and says with which loss and by which course.

    Returns:
        The course of the best attempt. After Ctrl-C the best so far counts.
    """
    if starts == 1:
        return attempt()[1]
    first = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    layers = {name: part for name, part in model.named_modules() if isinstance(part, EdgeLayer)}
    found: list[tuple[float, dict, Course]] = []
    for start in range(starts):
        if start:
            _as_at_first(model, first, tuple(f"{name}." if name else "" for name in layers))
            for layer in layers.values():
                layer.reset_parameters()
        loss, course = attempt()
        found.append((loss if math.isfinite(loss) else math.inf, copy.deepcopy(model.state_dict()), course))
        if getattr(course, "stopped", "") == "interrupted":
            break
    _, state, course = min(found, key=lambda one: one[0])
    model.load_state_dict(state)
    return course


@torch.no_grad()
def _as_at_first(model: nn.Module, first: dict[str, torch.Tensor], drawn: tuple[str, ...]) -> None:
    for name, tensor in model.state_dict().items():
        if not name.startswith(drawn):
            tensor.copy_(first[name])
