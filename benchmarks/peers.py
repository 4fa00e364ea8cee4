"""Other people's layers as the layer benchmarks race them: pykan 0.2.8 and inkan 0.5.2, each with our weights.

They are no dependency: ``pip install --no-deps pykan==0.2.8 inkan==0.5.2``, and for pykan also ``pip install pandas``.
Where one is missing, :class:`NoPeer` says so and the rest of a benchmark runs.
"""

import importlib
import os
import shutil
import sys
from contextlib import chdir, redirect_stdout
from io import StringIO
from tempfile import TemporaryDirectory
from types import ModuleType

import torch
from torch import Tensor, nn

from edgewise.kan import KAN
from edgewise.nn import KANLinear

INSTALL = "not installed (pip install --no-deps pykan==0.2.8 inkan==0.5.2)"


class NoPeer(Exception):
    """This peer cannot take part; the message is what its row in a table says."""


class FirstOutput(nn.Module):
    """pykan's layer also returns the functions' values on all edges; the layer's output comes first."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


def inkan_layer(ours: KANLinear) -> nn.Module:
    """inkan's layer with the same functions as ``ours``, compiled where a compiler is found, as is its default.

    Raises:
        NoPeer: inkan is missing, or the degree is not 3, the only one it has.
    """
    if ours.edge.basis.degree != 3:
        raise NoPeer("cubic only")
    inkan = _import("inkan")
    # Its compiled basis lives in a global function: left over from another shape, it would be compiled anew for shapes
    # left open, which is slower, and after a few shapes no more.
    torch.compiler.reset()
    basis = ours.edge.basis
    layer = inkan.KANLayer(
        ours.in_features,
        ours.out_features,
        grid_size=basis.grid_size,
        spline_order=3,
        grid_range=basis.domain,
        compile_basis=can_compile(),
    )
    with torch.no_grad():
        splines = ours.coef.permute(2, 0, 1).flatten(1)  # one row an output: functions of the first input, second, ...
        layer.weight.copy_(torch.cat([splines, ours.base_weight], dim=1))
    return layer


def can_compile() -> bool:
    """Whether ``torch.compile`` finds the C++ compiler it needs."""
    return shutil.which(os.environ.get("CXX", "g++")) is not None


def pykan_layer(ours: KANLinear) -> nn.Module:
    """pykan's layer with the same functions as ``ours``.

    Raises:
        NoPeer: pykan, or what it imports, is missing.
    """
    kan, basis = _import("kan"), ours.edge.basis
    layer = kan.KANLayer(ours.in_features, ours.out_features, num=basis.grid_size, k=basis.degree)
    _copy_to_pykan(ours, layer)
    return FirstOutput(layer)


def pykan_network(ours: KAN) -> nn.Module:
    """pykan's network with the same functions as ``ours``, in its fast mode.

    Raises:
        NoPeer: pykan, or what it imports, is missing.
    """
    kan, basis = _import("kan"), ours[0].edge.basis
    width = [ours[0].in_features, *(layer.out_features for layer in ours)]
    # It prints, and writes checkpoints into ./model unless told not to; it also seeds the global generators.
    with torch.random.fork_rng(), TemporaryDirectory() as folder, chdir(folder), redirect_stdout(StringIO()):
        network = kan.KAN(width=width, grid=basis.grid_size, k=basis.degree, auto_save=False).speed()
    for layer, theirs in zip(ours, network.act_fun, strict=True):
        _copy_to_pykan(layer, theirs)
    return network


def _copy_to_pykan(ours: KANLinear, theirs: nn.Module) -> None:
    with torch.no_grad():
        theirs.coef.copy_(ours.coef.movedim(1, 2))  # (inputs, outputs, K)
        theirs.scale_base.copy_(ours.base_weight.t())
        theirs.scale_sp.fill_(1)


def _import(name: str) -> ModuleType:
    before = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "agg"  # pykan imports pyplot, which without a screen may look for one
    try:
        return importlib.import_module(name)
    except ImportError as error:
        # A failed import leaves parts behind that would make the next one fail differently.
        for module in [module for module in sys.modules if module.split(".")[0] == name]:
            del sys.modules[module]
        missing = getattr(error, "name", None)
        also = f"; it needs {missing} too" if missing and missing.split(".")[0] != name else ""
        raise NoPeer(INSTALL + also) from error
    finally:
        os.environ.pop("MPLBACKEND")
        if before is not None:
            os.environ["MPLBACKEND"] = before
