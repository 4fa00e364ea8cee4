"""The network itself: KAN layers one after the other, what it computes on the way, and what rebuilds it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, overload

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.bases import Basis
from edgewise.kan.layer import KANLayer
from edgewise.kan.width import DEFAULT_BASIS, Width, nearest_pairs, parse_bases, parse_width
from edgewise.models.registry import ExampleInput, to_plain
from edgewise.nn.grid import update_grid
from edgewise.nn.init import INITS, Init
from edgewise.nn.settings import HasSettings, settings_text

MOST_ROWS = 1000  # that a network remembers of its last fit


@dataclass(frozen=True)
class Trace:
    """What a network computed on the way: the inputs of each layer, its subnodes, and the output."""

    inputs: tuple[Tensor, ...]
    subnodes: tuple[Tensor, ...]
    output: Tensor


class Network(HasSettings, nn.Sequential):
    """A stack of KAN layers; it needs no activation between them. :class:`~edgewise.kan.KAN` adds what is done with it.

    Args:
        width: Nodes from input to output, at least two entries, such as ``[2, 5, 1]``. An entry ``[n, m]`` has n nodes that
            add and m that multiply; ``[n, [2, 3]]`` two that multiply, of those arities.
        basis: The functions on the edges, or one basis for each layer; by default B-splines that go on along their tangents
            beyond the grid (``outside="linear"``; of degrees below 2, which have none, at their last value).
        base: The base function of each edge, or None.
        grid: Short for a basis with so many intervals: a number, or one for each layer.
        k: Short for a basis of that degree.
        mult_arity: How many subnodes a multiplication node of ``[n, m]`` multiplies: one number, or for each entry of
            ``width`` a list of one number a node, such as ``[[], [2, 3], []]``.
        scale: Give each spline a scale of its own.
        affine: Give subnodes and nodes a learnable scale and bias.
        sparse: Start with about one edge a node: the nearest pairs.
        symbolic: Make room for symbolic edges at once, in all layers or for each said so.
        frozen: Names of parameters that are not trained: ``"coef"``, ``"base_weight"``, ``"scale"``.
        inputs: Which columns of the data the network looks at; all by default.
        names: What its inputs are called in formulas and pictures; ``x_1, x_2, ...`` by default.
        init: Draws the parameters: ``"balanced"``, ``"efficient_kan"``, or an object such as ``Balanced(noise=0.1)``.

    Shape:
        ``(*, width[0]) -> (*, nodes of width[-1])``; with ``inputs``, any last dimension that has those columns.

    Raises:
        ConfigError: Fewer than two widths, an impossible one, lists whose lengths do not fit, or a name in ``frozen`` or a
            column in ``inputs`` that cannot be, or names that are not as many as inputs.

    Example:
        >>> Network([2, 5, 1])(torch.zeros(3, 2)).shape
        torch.Size([3, 1])
        >>> Network([6, [0, 2], 1], grid=3, mult_arity=3)
        Network([6, [0, [3, 3]], 1], grid=[3, 3], 266 parameters)
    """

    def __init__(
        self,
        width: Width,
        basis: Basis | Sequence[Basis] = DEFAULT_BASIS,
        base: str | None = "silu",
        *,
        grid: int | Sequence[int] | None = None,
        k: int | None = None,
        mult_arity: int | Sequence[Sequence[int]] = 2,
        scale: bool = False,
        affine: bool = False,
        sparse: bool = False,
        symbolic: bool | Sequence[bool] = False,
        frozen: Sequence[str] = (),
        inputs: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
        init: Init | str = "balanced",
    ):
        if isinstance(init, str):
            if init not in INITS:
                raise unknown("initialisation", init, INITS)
            init = INITS[init]
        nodes = parse_width(width, mult_arity)
        bases = parse_bases(basis, grid, k, len(nodes) - 1)
        into = [sums + len(arities) for sums, arities in nodes]
        options = {"base": base, "scale": scale, "affine": affine, "init": init}
        rooms = list(symbolic) if isinstance(symbolic, Sequence) else [symbolic] * len(bases)
        if len(rooms) != len(bases):
            raise ConfigError(f"symbolic must be one answer, or one for each of {len(bases)} layers, got {rooms}")
        layers = zip(into[:-1], nodes[1:], bases, rooms, strict=True)
        super().__init__(*(KANLayer(n, *out, b, symbolic=room, **options) for n, out, b, room in layers))
        if inputs is not None and (len(inputs) != into[0] or min(inputs) < 0):
            raise ConfigError(f"inputs must name {into[0]} columns, one for each input of the network, got {list(inputs)}")
        self.inputs = None if inputs is None else list(map(int, inputs))
        if names is not None and (isinstance(names, str) or len(names) != into[0] or len(set(names)) != into[0]):
            raise ConfigError(f"names must be {into[0]} different ones, one for each input of the network, got {names!r}")
        self.names = None if names is None else list(map(str, names))
        self.rows: Tensor | None = None
        self.base, self.scale, self.affine, self.frozen = base, scale, affine, tuple(frozen)
        for layer in self:
            for name in frozen:
                if not isinstance(parameter := getattr(layer, name, None), nn.Parameter):
                    raise ConfigError(f"frozen names {name!r}, which the layers have not: coef, base_weight or scale")
                parameter.requires_grad_(False)
            if sparse:
                layer.set_mask(nearest_pairs(layer.in_features, layer.out_features))

    @property
    def width(self) -> list:
        """Nodes from input to output, in the form the constructor takes."""
        rest = [[layer.sums, list(layer.arities)] if layer.arities else layer.sums for layer in self]
        return [self[0].in_features, *rest]

    def weight_settings(self) -> str:
        """The columns that the network looks at; its layers know their own settings."""
        return settings_text(inputs=self.inputs)

    @property
    def config(self) -> dict:
        """What rebuilds the network as it stands, after refinement and pruning too, but for its numbers."""
        options = {
            "width": self.width,
            "basis": [to_plain(layer.edge.basis) for layer in self],
            "base": self.base,
            "scale": self.scale,
            "affine": self.affine,
            "symbolic": [layer.symbolic is not None for layer in self],
            "frozen": list(self.frozen),
            "inputs": self.inputs,
            "names": self.names,
        }
        return {"name": "kan", "options": options}

    def keep_rows(self, x: Tensor) -> None:
        """Remember rows of the data, ``(N, inputs)``, at most 1,000 of them, evenly chosen: what the network is read on.

        They are those of the last fit, in no file and no state dict, and lie on the CPU; copies and pickles have them.
        """
        self.rows = x.detach()[:: max(1, -(-len(x) // MOST_ROWS))].clone().cpu()

    def select(self, x: Tensor) -> Tensor:
        """The columns of ``x`` that the network looks at."""
        if self.inputs is None:
            return x
        if x.shape[-1] <= max(self.inputs):
            raise ConfigError(f"the network looks at columns {self.inputs}, and the data has {x.shape[-1]}")
        return x[..., self.inputs]

    def example_input(self, batch_size: int = 2) -> Tensor:
        """Rows that the network takes; see :class:`edgewise.models.registry.ExampleInput`."""
        columns = self[0].in_features if self.inputs is None else max(self.inputs) + 1
        return ExampleInput(self, (columns,))(batch_size)

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] (a Sequential says input)
        return super().forward(self.select(x))

    def trace(self, x: Tensor) -> Trace:
        """Run the network on rows ``(N, inputs)`` and keep what it computed on the way.

        Raises:
            ConfigError: ``x`` is not a matrix, or has another number of columns than the network takes.
        """
        inputs, subnodes, x = [], [], self.select(x)
        if x.dim() != 2 or x.shape[1] != self[0].in_features:
            raise ConfigError(f"a trace needs rows (N, inputs) of {self[0].in_features} inputs, got shape {tuple(x.shape)}")
        for layer in self:
            inputs.append(x)
            subnodes.append(layer.subnodes(x))
            x = layer.join(subnodes[-1])
        return Trace(tuple(inputs), tuple(subnodes), x)

    def fraction_outside(self, x: Tensor) -> Tensor:
        """The fraction of the rows ``(N, inputs)`` beyond the grid of the first layer, by input, ``(inputs,)``."""
        layer, x = self[0], self.select(torch.as_tensor(x).to(self[0].coef))
        lo, hi = layer.edge.basis.bounds(x, layer.state.tensors())
        return 1 - ((x >= lo) & (x <= hi)).to(x.dtype).mean(0)

    def update_grid(self, x: Tensor, eps: float = 0.02, margin: float = 0.0) -> None:
        """Move the grid of each layer to where its inputs are, without changing the functions on them.

        Args:
            x: Samples, ``(N, inputs)``.
            eps: 1 for evenly spaced knots, 0 for quantiles; see :func:`edgewise.nn.update_grid`.
            margin: Widens the domains of hidden layers at both ends by this fraction of the range, since their inputs move
                as the network learns.

        Raises:
            ConfigError: A layer has no B-splines.
            DataError: An input has no finite sample.
        """
        x = self.select(torch.as_tensor(x).to(self[0].coef))
        with torch.no_grad():
            for place, layer in enumerate(self):
                update_grid(layer, x, eps, margin if place else 0.0)
                x = layer(x)

    def fix_symbolic(
        self, layer: int, into: int, out: int, name: str, affine: Sequence[float] = (1.0, 0.0, 1.0, 0.0)
    ) -> None:
        """Let an edge compute ``c f(a x + b) + d`` instead of its spline; see :class:`edgewise.kan.SymbolicEdges`.

        Args:
            layer: Number of the layer, from 0.
            into: Number of the edge's input.
            out: Number of its subnode.
            name: Of the function f, in :data:`edgewise.kan.FUNCTIONS`.
            affine: The numbers a, b, c, d.

        Raises:
            ConfigError: There is no such edge or function.
        """
        if not 0 <= layer < len(self):
            raise ConfigError(f"layer must be from 0 to {len(self) - 1}, got {layer}")
        self[layer].fix_symbolic(into, out, name, affine)

    def unfix_symbolic(self, layer: int, into: int, out: int) -> None:
        """Take the formula off an edge; its spline, which was kept, comes back."""
        self[layer].unfix_symbolic(into, out)

    if TYPE_CHECKING:  # a Sequential cannot say what its modules are

        def __iter__(self) -> Iterator[KANLayer]: ...

    @overload
    def __getitem__(self, index: slice) -> nn.Sequential: ...

    @overload
    def __getitem__(self, index: int) -> KANLayer: ...

    def __getitem__(self, index: int | slice) -> nn.Module:
        return nn.Sequential(*list(self)[index]) if isinstance(index, slice) else super().__getitem__(index)

    def __repr__(self) -> str:
        grids = [getattr(layer.edge.basis, "grid_size", None) for layer in self]
        count = sum(p.numel() for p in self.parameters())
        return f"{type(self).__name__}({self.width}, grid={grids}, {count} parameters)"


Some = TypeVar("Some", bound=Network)
"""A kind of network: what makes a smaller, finer or larger one gives one of the kind it was given."""
