"""A network that is read, baked into a function that needs neither edgewise nor torch."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.export.c_source import c_source
from edgewise.export.layers import baked_layer, kan_layers
from edgewise.export.names import c_name, python_name
from edgewise.export.numpy_source import numpy_source
from edgewise.export.program import ExportError
from edgewise.export.steps import Layer, run_layers
from edgewise.io import atomic_write
from edgewise.nn import KANLinear

ACCURACY = 1e-6  # of the outputs, relative to the largest; what bake promises
ROUNDING = 4096 * torch.finfo(torch.float64).eps  # what sums of numbers near 1 may be off by, where outputs are hardly any
PROBES = 500


@dataclass(frozen=True)
class Baked:
    """What :func:`bake` gives: a function of rows ``(N, inputs) -> (N, outputs)`` in float64, as NumPy carries it out.

    Attributes:
        layers: What is computed, layer after layer; edges that are cut are not there.
        columns: The columns of the rows that the network looks at.
        error: The largest deviation from the network that was seen.
    """

    layers: tuple[Layer, ...]
    columns: tuple[int, ...]
    error: float

    @property
    def exact(self) -> bool:
        """Whether all functions are what they were; otherwise some are tables, constant beyond the range of ``x``."""
        return all(layer.exact for layer in self.layers)

    @property
    def edges(self) -> int:
        """Number of edges that are left."""
        return sum(layer.edges for layer in self.layers)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The outputs of rows."""
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] <= max(self.columns):
            raise ConfigError(f"expected rows of at least {max(self.columns) + 1} columns, got shape {x.shape}")
        return run_layers(self.layers, x[:, self.columns])

    def numpy_source(self, name: str = "predict") -> str:
        """A Python module that needs NumPy only; its function takes rows and is called ``name``."""
        return numpy_source(self.layers, self.columns, python_name(name))

    def c_source(self, name: str = "predict") -> str:
        """A file of C99 that needs libm only, with ``void name(const double *x, double *y)`` for one row."""
        return c_source(self.layers, self.columns, c_name(name))

    def save(self, path: str | Path, name: str = "predict") -> None:
        """Write the source, in the language that the suffix of ``path`` says.

        Raises:
            ConfigError: The suffix is neither ``.py`` nor ``.c``, C lacks a function of the network, or the language or the
                file itself takes ``name`` for something else.
        """
        sources: dict[str, Callable[[str], str]] = {".py": self.numpy_source, ".c": self.c_source}
        suffix = Path(path).suffix
        if suffix not in sources:
            raise ConfigError(f"{path} has the suffix {suffix!r} and a baked network is written as .py or .c: choose one")
        atomic_write(path, sources[suffix](name).encode())


@torch.no_grad()
def bake(model: nn.Module, x: Tensor | None = None, *, tolerance: float = 1e-9) -> Baked:
    """Bake a network into a function without dependencies, for NumPy or C, and compare it with the network.

    Splines and polynomials become piecewise polynomials, which they are; functions of other bases become tables of pieces
    of degree 5. Base functions, formulas, products, scales and biases are written out. Edges that are cut cost nothing,
    so prune first.

    Args:
        model: A :class:`~edgewise.kan.KAN`, a KAN layer, or an ``nn.Sequential`` of them; it is left as it is.
        x: Rows that the function will be asked about: tables cover their range and are constant beyond it, and the
            comparison is made on them. Needed for bases other than splines and polynomials.
        tolerance: Of tables, relative to the largest function of their layer.

    Returns:
        The function; its source is ``numpy_source()`` and ``c_source()``.

    Raises:
        ConfigError: The network has a part that cannot be baked, or ``x`` is needed or does not fit.
        ExportError: The function deviates from the network by more than 1e-6 of the largest output, or a table would need
            too many pieces.

    Example:
        >>> from edgewise.kan import KAN
        >>> baked = bake(KAN([2, 3, 1]))
        >>> baked(np.zeros((5, 2))).shape, baked.exact, "void predict(" in baked.c_source()
        ((5, 1), True, True)
    """
    model = copy.deepcopy(model).cpu().double().eval()
    layers = kan_layers(model)
    columns = tuple(getattr(model, "inputs", None) or range(layers[0].in_features))
    rows = _probes(layers[0], columns) if x is None else torch.as_tensor(x).detach().cpu().double()
    if rows.dim() != 2 or rows.shape[1] <= max(columns) or not len(rows):
        raise ConfigError(f"x must be rows of at least {max(columns) + 1} columns, got shape {tuple(rows.shape)}")
    baked, inputs = [], rows[:, list(columns)]
    for layer in layers:
        baked.append(baked_layer(layer, None if x is None else inputs, tolerance))
        inputs = layer(inputs)
    return _compared(Baked(tuple(baked), columns, 0.0), rows, inputs)


def _compared(baked: Baked, rows: Tensor, expected: Tensor) -> Baked:
    """The baked network with its largest deviation, unless that is too large."""
    known = expected.isfinite()
    found = torch.from_numpy(baked(rows.numpy()))
    error = (found - expected)[known].abs().amax().item() if known.any() else 0.0
    allowed = max(ACCURACY * (expected[known].abs().amax().item() if known.any() else 0.0), ROUNDING)
    if not error <= allowed:
        raise ExportError(f"the baked network deviates by {error:.2g}, over {allowed:.2g}: ask for a smaller tolerance")
    return Baked(baked.layers, baked.columns, error)


def _probes(layer: KANLinear, columns: tuple[int, ...]) -> Tensor:
    """Rows spread over the domain of the first layer, and a little beyond."""
    lo, hi = layer.edge.basis.bounds(layer.coef.new_zeros(1, layer.in_features), layer.state.tensors())
    share = torch.rand(PROBES, layer.in_features, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = share.new_zeros(PROBES, max(columns) + 1)
    rows[:, list(columns)] = lo + (1.2 * share - 0.1) * (hi - lo)
    return rows
