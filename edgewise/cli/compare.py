"""``edgewise compare``: models side by side."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from edgewise._ground.errors import ConfigError
from edgewise.cli._parse import call
from edgewise.cli._tables import giga, megabytes, print_table

if TYPE_CHECKING:
    from edgewise.analysis import Comparison

_COLUMNS = {
    "model": lambda row: row.label,
    "parameters": lambda row: f"{row.parameters:,}",
    "matmul FLOPs": lambda row: giga(row.matmul_flops),
    "other FLOPs": lambda row: giga(row.elementwise_flops),
    "saved": lambda row: megabytes(row.saved_bytes),
    "alive": lambda row: megabytes(row.live_bytes),
    "peak": lambda row: megabytes(row.peak_bytes),
    "s a step": lambda row: f"{row.step_seconds:.3f} ± {row.step_spread / 2:.3f}",
    "IoU": lambda row: "-" if row.iou is None else f"{row.iou:.3f}",
    "F1": lambda row: "-" if row.f1 is None else f"{row.f1:.3f}",
    "top-1": lambda row: "-" if row.top1 is None else f"{row.top1:.4f}",
}
_SCORES = {"IoU": "iou", "F1": "f1", "top-1": "top1"}


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise compare")


def command(
    models: Annotated[tuple[str, ...], arg(metavar="MODEL...")] = (),
    /,
    *,
    runs: Annotated[tuple[Path, ...], arg(metavar="DIR...")] = (),
    size: Annotated[int, arg(metavar="PIXELS")] = 64,
    batch: int = 2,
    channels: int = 3,
    rounds: int = 5,
    backend: str = "auto",
    out: Annotated[Path | None, arg(metavar="FILE")] = None,
) -> None:
    """Put models side by side: parameters, operations, memory, time; for trained runs also
    IoU and F1, or top-1, on their test images.

    Operations are those of a forward pass of one image: in matrix products and
    convolutions, and all other work. "saved" is what autograd keeps for backward,
    "alive" is what the forward pass leaves behind wherever it is kept, "peak" is the
    rise of a fresh process's memory over one training step of the batch, and the
    seconds are of that step, median and half of the middle half's range.

    examples:
      edgewise compare unet ukan all_ukan --size 128
      edgewise compare --runs runs/demo/ukan runs/demo/all_ukan --out costs.csv
      edgewise compare --runs runs/digits runs/digits/baseline --size 28 --channels 1

    Args:
        models: Registered models (`edgewise models` lists them), at their defaults.
        runs: Folders of finished runs; each adds its model, with the options and input of its recipe.
        size: Height and width of the input, for models and runs alike.
        batch: Images a step.
        channels: Colour channels of the models' input.
        rounds: How often each is timed.
        backend: How edge functions are computed: reference, plain, lean or auto.
        out: Also write the table, as .csv or .json.
    """
    from edgewise.analysis.compare import compare, maker_of, table_format, write_comparison
    from edgewise.ops import use_backend
    from edgewise.vision import evaluate

    if out is not None:
        table_format(out)  # rather now than after minutes of measuring
    shape = (batch, channels, size, size)
    makers = {name: maker_of(name, shape) for name in models}
    makers |= {str(run): _maker_of(run, channels, size) for run in runs}
    if not makers:
        raise ConfigError("nothing to compare: name models, or give folders with --runs")
    scores = {str(run): evaluate(run).scores for run in runs}
    with use_backend(backend):
        rows = compare(makers, shape, rounds, scores)
    if out is not None:
        write_comparison(rows, out)
    _print(rows)


def _maker_of(run: Path, channels: int, size: int) -> partial:
    from edgewise.vision import RunFolder
    from edgewise.vision.training.tasks import task_of

    recipe = RunFolder(run).read_recipe()
    task, data = task_of(recipe), recipe.data
    if data.channels != channels:
        raise ConfigError(f"{run} takes {data.channels} channels and --channels is {channels}: compare inputs of one shape")
    if not task.any_size and data.size != (size, size):
        raise ConfigError(f"{run} takes pictures of {data.size} pixels and --size is {size}: compare inputs of one shape")
    return partial(task.network, recipe)


def _print(rows: "list[Comparison]") -> None:
    empty = {column for column, field in _SCORES.items() if all(getattr(row, field) is None for row in rows)}
    columns = [name for name in _COLUMNS if name not in empty]
    print_table(columns, [[_COLUMNS[name](row) for name in columns] for row in rows])
