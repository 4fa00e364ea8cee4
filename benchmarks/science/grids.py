"""What moving and refining a grid does to the functions on it, beside pykan: ``python -m benchmarks.science.grids``.

A layer of 4 x 3 edges. Moving: every edge is a random cubic, which any grid of cubic splines can hold, so all change is an
error of the method. Refining: every edge is a random spline on 5 intervals, which 10 and 20 intervals can hold. The change
is the root mean square over 101 points of the samples' range, between the samples too (of [-1, 1] where all samples are
equal), relative to the function's own. pykan: the same functions, its ``update_grid_from_samples`` and
``initialize_grid_from_parent`` on the same samples; an error's name where it ends in one.
"""

import copy
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.peers import FirstOutput
from benchmarks.science import common
from benchmarks.science.pykan import NoPykan, pykan
from edgewise.bases import BSpline
from edgewise.nn import KANLinear, refine_grid, update_grid

INTO, OUT = 4, 3
DTYPES = {"float64": torch.float64, "float32": torch.float32, "bfloat16": torch.bfloat16}


def _rand(rows: int) -> Tensor:
    return torch.rand(rows, INTO, dtype=torch.float64)


SAMPLES: dict[str, Callable[[], Tensor]] = {
    "300 even": lambda: 2 * _rand(300) - 1,
    "300 skewed": lambda: (0.03 + 0.97 * _rand(300)) ** 5,
    "300 of 5 values": lambda: (5 * _rand(300) - 2.5).round() / 3,
    "300 zeros and 3 others": lambda: torch.cat([0 * _rand(300), 2 * _rand(3) - 1]),
    "50 equal": lambda: 0 * _rand(50) + 0.3,
    "3 rows": lambda: 2 * _rand(3) - 1,
}


def cubic_layer() -> KANLinear:
    """Every edge a random cubic, on 6 intervals."""
    layer = KANLinear(INTO, OUT, BSpline(6, knots="per-feature"), base=None, dtype=torch.float64)
    t = torch.linspace(-1, 1, 21, dtype=torch.float64)
    values = layer.edge.basis.evaluate(t.unsqueeze(-1).expand(-1, INTO), layer.state.tensors()).transpose(0, 1)
    powers = t.unsqueeze(-1) ** torch.arange(4)
    target = (powers @ torch.randn(4, INTO * OUT, dtype=torch.float64)).view(21, INTO, OUT).transpose(0, 1)
    with torch.no_grad():
        layer.coef.copy_(torch.linalg.pinv(values) @ target)
    return layer


def random_layer() -> KANLinear:
    layer = KANLinear(INTO, OUT, BSpline(5, knots="per-feature"), base=None, dtype=torch.float64)
    with torch.no_grad():
        layer.coef.normal_()
    return layer


def to_pykan(kan, ours: KANLinear, dtype: torch.dtype) -> FirstOutput:
    layer = kan.KANLayer(INTO, OUT, num=ours.edge.basis.grid_size, k=3)
    with torch.no_grad():
        layer.coef.copy_(ours.coef.movedim(1, 2))
        layer.scale_base.zero_()
        layer.scale_sp.fill_(1)
    return FirstOutput(layer).to(dtype)


def move_pykan(layer: FirstOutput, x: Tensor) -> None:
    layer.layer.update_grid_from_samples(x)


def refine_pykan(kan, layer: FirstOutput, x: Tensor, grid: int) -> None:
    finer = kan.KANLayer(INTO, OUT, num=grid, k=3).to(x.dtype)
    finer.initialize_grid_from_parent(layer.layer, x)
    with torch.no_grad():
        finer.scale_base.zero_()
        finer.scale_sp.fill_(1)
    layer.layer = finer


def change(layer: nn.Module, act: Callable[[], None], x: Tensor) -> float | str:
    """How far ``act`` moves the outputs of a layer, or the error it ends in."""
    low, high = x.double().aminmax(dim=0)
    still = low == high
    low, high = low.where(~still, -1.0), high.where(~still, 1.0)
    points = low + (high - low) * torch.linspace(0, 1, 101, dtype=torch.float64).unsqueeze(-1)
    before = copy.deepcopy(layer).double()(points).detach()
    try:
        act()
        after = copy.deepcopy(layer).double()(points).detach()
    except Exception as error:  # whatever it ends in is its result
        return type(error).__name__
    found = ((after - before).square().mean().sqrt() / before.square().mean().sqrt()).item()
    return found if found == found else "NaN"


def measure(kan, samples: str, dtype: torch.dtype) -> dict[tuple[str, str], tuple]:
    """Ours and pykan's change, first moved, then refined."""
    torch.manual_seed(0)
    x, moved, refined = SAMPLES[samples]().to(dtype), cubic_layer(), random_layer()
    found = {}
    for what, grid in {"moved": None, "5 to 10 intervals": 10, "5 to 20 intervals": 20}.items():
        start = refined if grid else moved
        ours, theirs = copy.deepcopy(start).to(dtype), None if kan is None else to_pykan(kan, start, dtype)
        acts = (
            partial(refine_grid, ours, grid) if grid else partial(update_grid, ours, x),
            partial(refine_pykan, kan, theirs, x, grid) if grid else partial(move_pykan, theirs, x),
        )
        pair = zip((ours, theirs), acts, strict=True)
        found[what, samples] = tuple("" if layer is None else change(layer, act, x) for layer, act in pair)
    return found


def main() -> None:
    options = common.arguments(__doc__)
    common.say_where()
    found: dict[tuple[str, str], tuple] = {}
    for dtype in DTYPES.values():
        # pykan makes helper layers of the default type; of bfloat16 it cannot make any.
        with pykan_or_none(torch.float32 if dtype == torch.bfloat16 else dtype) as kan:
            for samples in SAMPLES:
                for key, pair in measure(kan, samples, dtype).items():
                    found[key] = found.get(key, ()) + pair
    columns = [f"{contender}, {name}" for name in DTYPES for contender in ("ours", "pykan")]
    lines = [(*key, *found[key]) for key in sorted(found, key=lambda key: key[0] != "moved")]
    names = ["grid", "samples", *columns]
    common.write(options.out / "grids.csv", [dict(zip(names, line, strict=True)) for line in lines])
    common.show("Change of the functions, relative to their size", names, lines)


@contextmanager
def pykan_or_none(dtype: torch.dtype):
    with ExitStack() as stack:
        try:
            kan = stack.enter_context(pykan(dtype))
        except NoPykan as reason:
            print(reason)
            kan = None
        yield kan


if __name__ == "__main__":
    main()
