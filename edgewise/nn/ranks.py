"""One decision in all processes of a distributed training: what one of them knows of the data, all take into account."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
import torch.distributed as dist
from torch import Tensor

_alone: ContextVar[bool] = ContextVar("edgewise_alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """Within it this process asks no other, as a fit in its own memory must: the others may be doing something else."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def several() -> bool:
    """Whether there are other processes to agree with."""
    return not _alone.get() and dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def rows_of_all(rows: Tensor) -> Tensor:
    """The rows of all processes, in the order of their ranks; each must call this, with any number of rows.

    Shape:
        ``(n, *) -> (n_0 + n_1 + ..., *)``
    """
    if not several():
        return rows
    count = torch.tensor([len(rows)], device=rows.device)
    counts = [torch.zeros_like(count) for _ in range(dist.get_world_size())]
    dist.all_gather(counts, count)
    most = int(max(counts))
    padded = torch.cat([rows, rows.new_zeros(most - len(rows), *rows.shape[1:])])  # all ranks send equally many
    parts = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(parts, padded)
    return torch.cat([part[: int(n)] for part, n in zip(parts, counts, strict=True)])


def as_on_first(tensors: Iterable[Tensor]) -> None:
    """Give all processes the numbers of the first, in place, to the bit: their arithmetic may round differently."""
    if several():
        for tensor in tensors:
            dist.broadcast(tensor.detach(), src=0)
