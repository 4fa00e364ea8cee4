"""Whether the kernels are right on the device: outputs and all gradients, against the definition in float64.

An error is the largest one over the largest value. It may be as large as is said here for the numbers, or twice that of
the plain backend in the same numbers. A second run has to give the same bits, and each pass has to launch a kernel.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.gpu.results import Record
from benchmarks.gpu.running import Unit
from edgewise import nn as layers
from edgewise.bases import BSpline, Chebyshev, Fourier
from edgewise.bases.basis import BASES
from edgewise.ops import EdgeFunction, use_backend
from edgewise.ops.kan.triton import has_kernel


@dataclass(frozen=True)
class Numbers:
    """How a layer computes: the dtype of its parameters and input, what products are made in, and the largest error."""

    dtype: torch.dtype
    most: float
    autocast: torch.dtype | None = None
    tf32: bool = False

    @contextmanager
    def chosen(self, device: torch.device) -> Iterator[None]:
        """TF32 allowed or forbidden, and autocast where it is asked for."""
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high" if self.tf32 else "highest")
        try:
            with self.casting(device):
                yield
        finally:
            torch.set_float32_matmul_precision(before)

    def casting(self, device: torch.device) -> AbstractContextManager:
        return nullcontext() if self.autocast is None else torch.autocast(device.type, self.autocast)


NUMBERS = {
    "float32": Numbers(torch.float32, 1e-6),
    "TF32": Numbers(torch.float32, 2e-3, tf32=True),
    "bfloat16": Numbers(torch.bfloat16, 2e-2),
    "float16": Numbers(torch.float16, 2e-3),
    "float64": Numbers(torch.float64, 1e-10),
    "autocast": Numbers(torch.float32, 2e-2, autocast=torch.bfloat16),
}


class SelfAttention(nn.Module):
    """An attention operator whose queries, keys and values are different functions of one input."""

    def __init__(self, operator: nn.Module):
        super().__init__()
        self.operator = operator

    def forward(self, x: Tensor) -> Tensor:
        return self.operator(x, x.sin(), x.cos())


OWN_KNOTS = BSpline(5, knots="per-feature")
Made = tuple[Callable[[], nn.Module], tuple[int, ...]]  # what makes a layer, and the shape of its input
SIZES: tuple[int, int, int] = (300, 70, 130)  # rows, inputs and outputs: several tiles, the last ones not full
LAYERS: dict[str, Made] = {
    "KANLinear": (lambda: layers.KANLinear(70, 130, BSpline(5), scale=True, bias=True), (300, 70)),
    "KANLinear, wide": (lambda: layers.KANLinear(512, 1100, BSpline(5)), (4224, 512)),  # the largest tiles
    "KANLinear, own knots": (lambda: layers.KANLinear(70, 130, OWN_KNOTS), (300, 70)),
    "KANConv2d": (lambda: layers.KANConv2d(20, 36, 3, padding=1, groups=2), (3, 20, 17, 15)),
    "SaKANLinear": (lambda: layers.SaKANLinear(70, 130), (300, 70)),
    "SaKANConv2d": (lambda: layers.SaKANConv2d(20, 36, 3, padding=1), (3, 20, 17, 15)),
    "GroupRational": (lambda: layers.GroupRational(96), (5, 197, 96)),
    "LowRankAttention, Fourier": (lambda: SelfAttention(layers.LowRankAttention(197, 3, Fourier(3))), (2, 3, 197, 64)),
    "LowRankAttention, Chebyshev": (lambda: SelfAttention(layers.LowRankAttention(50, 2, Chebyshev(3))), (2, 2, 50, 32)),
    "KANConv1d": (lambda: layers.KANConv1d(20, 36, 3, stride=2), (3, 20, 65)),
    "KANConv3d": (lambda: layers.KANConv3d(6, 10, 2), (2, 6, 7, 6, 5)),
    "SaKANConv1d": (lambda: layers.SaKANConv1d(20, 36, 3), (3, 20, 65)),
    "SaKANConv3d": (lambda: layers.SaKANConv3d(6, 10, 2), (2, 6, 7, 6, 5)),
}


def check(make: Callable[[], nn.Module], shape: tuple[int, ...], numbers: Numbers, device: torch.device) -> Record:
    """Compare a layer with its definition; the record says the errors, and fails where one is too large."""
    torch.manual_seed(0)
    layer = make()
    with torch.no_grad():
        for p in layer.parameters():  # so that none is zero
            p.add_(0.1 * torch.randn_like(p))
    layer, x = layer.to(device, numbers.dtype), torch.randn(shape).to(device, numbers.dtype)
    exact = copy.deepcopy(layer).double()
    with use_backend("reference"):
        weight = torch.randn_like(exact(x.double())).to(numbers.dtype)  # the gradient of the output
        expected = outputs_and_gradients(exact, x.double(), weight)
    with numbers.chosen(device):
        with use_backend("triton"), Launches() as launches:
            found = outputs_and_gradients(layer, x, weight, launches)
            again = outputs_and_gradients(layer, x, weight)
        with use_backend("plain"):
            plain = outputs_and_gradients(layer, x, weight)
    errors, plainly = (_errors(values, expected) for values in (found, plain))
    record: Record = {"errors": errors, "plain": plainly, "most": numbers.most}
    too_large = [name for name, error in errors.items() if not error <= max(numbers.most, 2 * plainly[name])]
    bits = [name for name, value in found.items() if not torch.equal(value, again[name])]
    wrong = [f"{n}: error {errors[n]:.1e}, plain has {plainly[n]:.1e}, allowed {numbers.most:.0e}" for n in too_large]
    wrong += [f"{name}: other bits in a second run" for name in bits]
    wrong += [f"the {name} pass launched no kernel" for name, count in launches.counts.items() if not count]
    return record | ({"failed": "; ".join(wrong)} if wrong else {})


class Launches:
    """Counts how often Triton launches a kernel, forward and backward."""

    def __init__(self):
        self.counts = {"forward": 0, "backward": 0}
        self.which = "forward"

    def __enter__(self) -> "Launches":
        from triton.runtime.jit import KernelInterface

        self._launcher = launcher = KernelInterface.__getitem__

        def counted(kernel, grid):
            self.counts[self.which] += 1
            return launcher(kernel, grid)

        KernelInterface.__getitem__ = counted
        return self

    def __exit__(self, *_) -> None:
        from triton.runtime.jit import KernelInterface

        KernelInterface.__getitem__ = self._launcher


def outputs_and_gradients(
    layer: nn.Module, x: Tensor, weight: Tensor, launches: Launches | None = None
) -> dict[str, Tensor]:
    """Of the sum of the outputs times ``weight``, by name."""
    x = x.detach().requires_grad_()
    named = {"x": x} | dict(layer.named_parameters())
    y = layer(x)
    if launches is not None:
        launches.which = "backward"
    found = torch.autograd.grad(y, list(named.values()), weight.to(y), materialize_grads=True)
    return {"output": y.detach()} | dict(zip(named, found, strict=True))


def _errors(found: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, float]:
    return {
        name: ((found[name].double() - value).abs().max() / value.abs().max().clamp_min(1e-30)).item()
        for name, value in expected.items()
    }


def units() -> Iterator[tuple[str, Unit]]:
    """All layers in all numbers, then the other bases of fully connected ones in float32."""
    for layer, (make, shape) in LAYERS.items():
        for numbers in NUMBERS:
            if numbers in ("TF32", "autocast") and layer.startswith(("GroupRational", "LowRankAttention")):
                continue  # their kernels compute in float32 all the same
            yield f"right: {layer}, {numbers}", partial(check, make, shape, NUMBERS[numbers])
    rows, ins, outs = SIZES
    for name in BASES:
        if BASES[name] is not BSpline and has_kernel(EdgeFunction(name)):
            make = partial(layers.KANLinear, ins, outs, name)
            yield f"right: KANLinear on {name}, float32", partial(check, make, (rows, ins), NUMBERS["float32"])
