"""How long layers and networks take on the device, beside others that do the same: medians of interleaved rounds.

Seconds are those between two events on the device, so that waits of the device for Python count, as they do in training.
Contestants of our own have to run; another one that cannot says why, and the race goes on.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from benchmarks.gpu.correctness import NUMBERS, Numbers
from benchmarks.gpu.results import Record
from benchmarks.gpu.running import Unit
from benchmarks.peers import inkan_layer, pykan_layer
from benchmarks.racing import Work, dense_matmuls, forward, inputs, noise, on_backend, race, step
from edgewise.bases import BSpline, Fourier
from edgewise.models import create_model
from edgewise.nn import KANLinear
from edgewise.ops import use_backend

OURS = "edgewise"
GRID, PER_EDGE = 5, 9  # cells; coefficients of an edge, and the weight of its base function
ROUNDS = 15
WIDE, SMALL = (4096, 1024, 1024), (256, 784, 64)  # rows, inputs, outputs
PICTURES, SCENES = (32, 3, 224, 224), (8, 3, 256, 256)
MATMULS, MATMUL = "three matmuls of equal parameters", "a matmul of equal parameters"

Mode = Callable[[nn.Module, Tensor], Work]


class Moment:
    """A moment on the device; one minus an earlier one is the seconds between them, for which both have to pass."""

    def __init__(self):
        self.event = torch.cuda.Event(enable_timing=True)
        self.event.record()

    def __sub__(self, other: "Moment") -> float:
        self.event.synchronize()
        return other.event.elapsed_time(self.event) / 1e3


def timed(makers: Mapping[str, Callable[[], Work]], rounds: int = ROUNDS) -> Record:
    """Milliseconds of each contestant: median, and range of the middle half; or why it did not take part."""
    rows: dict[str, Record] = {}
    ready = {}
    for name, make in makers.items():
        try:
            ready[name] = make()
            ready[name]()  # which may compile
        except Exception as error:
            ready.pop(name, None)
            if name.startswith(OURS):
                raise
            rows[name] = {"note": f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"}
    for name, timing in race(ready, rounds, cast(Callable[[], float], Moment)).items():
        rows[name] = {"ms": timing.median * 1e3, "spread": timing.spread * 1e3}
    return {"rows": {name: rows[name] for name in makers}}


def layer_race(shape: tuple[int, int, int], mode: Mode, numbers: Numbers, device: torch.device) -> Record:
    """A cubic layer beside all that could be used in its place."""
    batch, into, out = shape
    torch.manual_seed(0)
    drawn = KANLinear(into, out, BSpline(GRID))  # peers take its weights on the CPU
    ours = KANLinear(into, out, BSpline(GRID)).to(device, numbers.dtype)
    x = inputs(batch, into).to(device, numbers.dtype)

    def peer(make: Callable[[KANLinear], nn.Module]) -> Work:
        return mode(make(drawn).to(device, numbers.dtype), x)

    def compiled() -> Work:
        torch.compiler.reset()
        return mode(torch.compile(ours), x)

    makers = {
        OURS: lambda: mode(ours, x),
        **products(shape, mode, numbers.dtype, device),
        "nn.Linear of the same width": lambda: mode(nn.Linear(into, out).to(device, numbers.dtype), x),
        "lean": on("lean", lambda: mode(ours, x)),
        "plain, by torch.compile": on("plain", compiled),
        "inkan": lambda: peer(inkan_layer),
        "pykan": lambda: peer(pykan_layer),
    }
    if mode is forward:
        makers["a CUDA graph of edgewise"] = lambda: in_graph(forward(ours, x))
    if shape == WIDE:
        makers["pykan"] = too_large  # it holds a number for each row and edge, and several copies
    with numbers.chosen(device):
        return timed(makers)


def on(backend: str, make: Callable[[], Work]) -> Callable[[], Work]:
    """Makes the same work on the backend of that name, where it also is prepared."""

    def made() -> Work:
        with use_backend(backend):
            work = make()
        return on_backend(backend, work)

    return made


def products(shape: tuple[int, int, int], mode: Mode, dtype: torch.dtype, device: torch.device) -> dict:
    """The matrix products of cuBLAS with as many parameters."""
    batch, into, out = shape
    if mode is step:
        return {MATMULS: lambda: dense_matmuls(batch, into * PER_EDGE, out, device, dtype)}
    x, weight = (t.to(device, dtype) for t in (inputs(batch, into * PER_EDGE), noise(into * PER_EDGE, out)))
    return {MATMUL: lambda: lambda: x @ weight}


def too_large() -> Work:
    raise MemoryError("not at this size: it holds several numbers for each row and edge")


def in_graph(work: Work) -> Work:
    """The work as one launch of what it launched once."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        work()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def softmax(fused: bool) -> nn.Module:
    """ViT-Tiny as timm has it, with attention written out or fused."""
    model = create_model("vit_tiny")
    for block in model.blocks:
        block.attn.fused_attn = fused
    return model


def learned() -> nn.Module:
    return create_model("vit_tiny_karat", basis=Fourier(3))


ATTENTION = {
    OURS: learned,
    "softmax, written out": partial(softmax, fused=False),
    "softmax, fused": partial(softmax, fused=True),
}
SEGMENTATION = {OURS: partial(create_model, "all_ukan"), "ukan": partial(create_model, "ukan")}


def model_race(models: Mapping[str, Callable[[], nn.Module]], shape: tuple[int, ...], device: torch.device) -> Record:
    """A step of networks in float32, products in TF32; ours on the lean backend, too."""
    x = inputs(*shape).to(device)
    makers = {name: lambda make=make: step(make().to(device), x) for name, make in models.items()}
    makers["lean"] = on("lean", makers[OURS])
    with NUMBERS["TF32"].chosen(device):
        return timed(makers, rounds=7)


def units() -> Iterator[tuple[str, Unit]]:
    """The races, those of the goals first."""
    for numbers in ("bfloat16", "TF32"):
        yield f"speed: wide layer, step, {numbers}", partial(layer_race, WIDE, step, NUMBERS[numbers])
    for numbers in ("bfloat16", "TF32"):
        yield f"speed: small layer, forward, {numbers}", partial(layer_race, SMALL, forward, NUMBERS[numbers])
    yield "speed: ViT-Tiny, step", partial(model_race, ATTENTION, PICTURES)
    yield "speed: ALL U-KAN, step", partial(model_race, SEGMENTATION, SCENES)
    yield "speed: small layer, step, float32", partial(layer_race, SMALL, step, NUMBERS["float32"])
