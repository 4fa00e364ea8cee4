"""What a step holds of the device's memory: bytes saved for the backward pass, and its peak."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import nn

from benchmarks.gpu.correctness import NUMBERS
from benchmarks.gpu.results import Record
from benchmarks.gpu.running import Unit
from benchmarks.gpu.speed import ATTENTION, GRID, OURS, PICTURES, SCENES, SEGMENTATION, WIDE
from benchmarks.racing import inputs
from edgewise.analysis import saved_bytes
from edgewise.analysis.memory import training_step
from edgewise.bases import BSpline
from edgewise.nn import KANLinear
from edgewise.ops import use_backend

LINEAR = "nn.Linear of the same width"
ROWS, INS, OUTS = WIDE
LAYER = {OURS: partial(KANLinear, INS, OUTS, BSpline(GRID)), LINEAR: partial(nn.Linear, INS, OUTS)}


def measure(
    models: Mapping[str, Callable[[], nn.Module]], shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> Record:
    """Saved bytes and the rise of allocated memory in a step; ours on the lean and the plain backend, too."""
    rows = {name: _row("auto", make, shape, dtype, device) for name, make in models.items()}
    for backend in ("lean", "plain"):
        try:
            rows[backend] = _row(backend, models[OURS], shape, dtype, device)
        except torch.OutOfMemoryError as error:
            rows[backend] = {"note": " ".join(str(error).split())[:160]}
    return {"rows": rows}


def _row(backend: str, make: Callable[[], nn.Module], shape, dtype: torch.dtype, device: torch.device) -> Record:
    with use_backend(backend), NUMBERS["TF32"].chosen(device):
        model, x = make().to(device, dtype), inputs(*shape).to(device, dtype)
        work = training_step(model, x)
        work()  # which compiles, and takes what work space libraries need
        saved = saved_bytes(model, x)
        if device.type != "cuda":
            return {"saved": saved}
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return {"saved": saved, "peak": torch.cuda.max_memory_allocated(device) - before}


def units() -> Iterator[tuple[str, Unit]]:
    """The wide layer in two kinds of numbers, and the two networks."""
    for dtype in (torch.bfloat16, torch.float32):
        name = f"memory: wide layer, {str(dtype).removeprefix('torch.')}"
        yield name, partial(measure, LAYER, (ROWS, INS), dtype)
    yield "memory: ViT-Tiny", partial(measure, ATTENTION, PICTURES, torch.float32)
    yield "memory: ALL U-KAN", partial(measure, SEGMENTATION, SCENES, torch.float32)
