"""Models side by side: what each costs, and how well it did where it was trained."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis.cost import count_flops, count_parameters
from edgewise.analysis.memory import live_bytes, peak_memory, saved_bytes, training_step
from edgewise.analysis.timing import compare_times
from edgewise.io import atomic_write
from edgewise.models.registry import MODELS, create_model, takes_of
from edgewise.models.takes import Pictures
from edgewise.ops import backend_in_use, use_backend


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What one model costs. Bytes and seconds are of one training step on the whole batch."""

    label: str
    """The model."""
    parameters: int
    """Trainable parameters."""
    matmul_flops: int
    """Operations in matrix products and convolutions, forward, one image."""
    elementwise_flops: int
    """All other operations, forward, one image."""
    saved_bytes: int
    """Saved for backward."""
    live_bytes: int
    """Made by the forward pass and alive after it."""
    peak_bytes: int
    """Rise of the resident memory of a fresh process."""
    step_seconds: float
    """Forward and backward, median."""
    step_spread: float
    """Range of the middle half of those seconds."""
    iou: float | None = None
    """Over all test pixels, of a trained run."""
    f1: float | None = None
    """The same."""
    top1: float | None = None
    """Part of the test pictures named right, of a trained classifier."""


def maker_of(name: str, shape: Sequence[int]) -> Callable[[], nn.Module]:
    """What makes a registered model, at its defaults, for a batch of pictures of this shape; it pickles.

    Raises:
        ConfigError: There is no such model, or it does not take such pictures.

    Example:
        >>> maker_of("cnn", (2, 1, 28, 28))().example_input().shape
        torch.Size([2, 1, 32, 32])
    """
    takes = takes_of(name)
    if not isinstance(takes, Pictures) or len(shape) != 4:
        known = MODELS.that(lambda takes: isinstance(takes, Pictures))
        raise ConfigError(
            f"model {name!r} {takes.what} and the batch has shape {tuple(shape)}: choose among {', '.join(known)}"
        )
    if takes.side is not None and shape[2] != shape[3]:
        raise ConfigError(f"model {name!r} takes square pictures, got shape {tuple(shape)}: make both sides equal")
    return partial(_create, MODELS[name].__module__, name, takes.options_for(shape[1], side=shape[2]))


def _create(home: str, name: str, options: dict[str, int]) -> nn.Module:
    """The model by its name, in a process that may not have met it yet."""
    MODELS.visit(home)
    given: dict[str, Any] = dict(options)
    return create_model(name, **given)


def compare(
    models: Mapping[str, Callable[[], nn.Module]],
    shape: Sequence[int],
    rounds: int = 5,
    scores: Mapping[str, Mapping[str, float]] | None = None,
) -> list[Comparison]:
    """Measure models beside each other, on the backend in use and on random numbers.

    Operations are counted in evaluation mode and on one backend, see :func:`edgewise.analysis.count_flops`; everything else
    is measured in training mode. Peak memory is taken in a process of its own for each model; times are taken in
    interleaved rounds.

    Args:
        models: What makes each model, by label; it must pickle (see :func:`edgewise.analysis.peak_memory`).
            :func:`maker_of` is that for registered models.
        shape: Of the batch, such as ``(2, 3, 256, 256)``.
        rounds: How often each model is timed.
        scores: ``iou`` and ``f1``, or ``top1``, by label, for models that were trained.
    """
    example = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    built = {label: make() for label, make in models.items()}
    times = compare_times({label: training_step(model, example) for label, model in built.items()}, rounds)
    rows = []
    for label, model in built.items():
        score = (scores or {}).get(label, {})
        rows.append(
            Comparison(
                label=label,
                parameters=count_parameters(model),
                **_operations(model, example[:1]),
                saved_bytes=saved_bytes(model, example),
                live_bytes=live_bytes(model, example),
                peak_bytes=peak_memory(partial(prepare_step, models[label], tuple(shape), backend_in_use())),
                step_seconds=times[label].median,
                step_spread=times[label].spread,
                iou=score.get("iou"),
                f1=score.get("f1"),
                top1=score.get("top1"),
            )
        )
    return rows


def _operations(model: nn.Module, image: torch.Tensor) -> dict[str, int]:
    with torch.no_grad():
        counted = count_flops(model.eval(), image)
    model.train()
    return {"matmul_flops": counted["matmul"], "elementwise_flops": counted["elementwise"]}


def prepare_step(make: Callable[[], nn.Module], shape: tuple[int, ...], backend: str) -> Callable[[], None]:
    """A training step of the model that ``make`` makes, for :func:`edgewise.analysis.peak_memory` in its process."""
    use_backend(backend)
    return training_step(make(), torch.randn(shape))


def write_comparison(rows: Sequence[Comparison], path: str | Path) -> None:
    """Write the rows as CSV or JSON, as the suffix of ``path`` says.

    Raises:
        ConfigError: The suffix is another one.
    """
    write = table_format(path)
    atomic_write(path, write([asdict(row) for row in rows]).encode())


def table_format(path: str | Path) -> Callable[[list[dict]], str]:
    """What turns records into the text of a file of this suffix.

    Raises:
        ConfigError: The suffix is neither ``.csv`` nor ``.json``.
    """
    formats = {".csv": _as_csv, ".json": lambda records: json.dumps(records, indent=2) + "\n"}
    suffix = Path(path).suffix
    if suffix not in formats:
        raise ConfigError(f"{path} has the suffix {suffix!r} and a table is written as .csv or .json: choose one")
    return formats[suffix]


def _as_csv(records: list[dict]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [field.name for field in fields(Comparison)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue()
