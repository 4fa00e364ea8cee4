"""Symbolic edges: a matrix of edges, some of which compute ``c f(a x + b) + d`` with a named f."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.types import Device

from edgewise._ground.errors import ConfigError
from edgewise._ground.torch_private import members, watched
from edgewise.kan.functions import MAX_NAME, function


class SymbolicEdges(nn.Module):
    r"""Edges with named functions: :math:`y_q = \sum_p c_{qp}\, f_{qp}(a_{qp} x_p + b_{qp}) + d_{qp}`.

    Edges that share a function are computed together; an edge without one contributes nothing.

    Args:
        in_features: Number of inputs.
        out_features: Number of outputs.
        device: Where the numbers live.
        dtype: What they are.

    Attributes:
        names: The functions' names as bytes, ``(out_features, in_features, 16)``, zeros where there is none: so the state
            dict alone says what each edge is.
        affine: The numbers a, b, c, d, ``(out_features, in_features, 4)``.

    Shape:
        ``(N, in_features) -> (N, out_features)``

    Example:
        >>> edges = SymbolicEdges(2, 1)
        >>> edges.fix(0, 1, "x^2", (1.0, 0.0, 3.0, 0.5))
        >>> edges(torch.tensor([[9.0, 2.0]]))
        tensor([[12.5000]], grad_fn=<IndexAddBackward0>)
    """

    names: Tensor
    _groups: list[tuple[str, Tensor, Tensor]] | None

    def __init__(self, in_features: int, out_features: int, device: Device = None, dtype: torch.dtype | None = None):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        names = torch.zeros(out_features, in_features, MAX_NAME, dtype=torch.uint8, device=device)
        self.register_buffer("names", names)
        self.affine = nn.Parameter(torch.zeros(out_features, in_features, 4, device=device, dtype=dtype))
        self._read: tuple[Tensor, list] | None = None  # the names that were read last, and what they say

    def fix(self, out: int, into: int, name: str, affine: Sequence[float] = (1.0, 0.0, 1.0, 0.0)) -> None:
        """Let the edge from input ``into`` to output ``out`` compute ``c f(a x + b) + d``.

        Raises:
            ConfigError: No function has that name, there is no such edge, or the numbers are not four.
        """
        self._check(out, into)
        numbers = torch.as_tensor(affine, dtype=self.affine.dtype, device=self.affine.device)
        if numbers.shape != (4,):
            raise ConfigError(f"affine must be the four numbers a, b, c, d of c f(a x + b) + d, got {numbers.tolist()}")
        encoded = function(name).name.encode().ljust(MAX_NAME, b"\0")
        self.names[out, into] = torch.tensor(list(encoded), dtype=torch.uint8, device=self.names.device)
        with torch.no_grad():
            self.affine[out, into] = numbers

    def clear(self, out: int, into: int) -> None:
        """Take the function off an edge."""
        self._check(out, into)
        self.names[out, into] = 0
        with torch.no_grad():
            self.affine[out, into] = 0

    def name(self, out: int, into: int) -> str | None:
        """The name of the function on an edge, or None."""
        return _decoded(self.names[out, into]) or None

    @property
    def present(self) -> Tensor:
        """Which edges have a function, ``(out_features, in_features)``."""
        return self.names[..., 0] != 0

    def groups(self) -> list[tuple[str, Tensor, Tensor]]:
        """Each function in use with the outputs and inputs of its edges.

        The names are compared with those that were read last: whoever writes into a buffer tells nobody. A compiler has no
        values to compare, and takes what was read last; run the network once before, if its names were changed.
        """
        if self._read is None or not torch.compiler.is_compiling():
            names = self._values()
            if self._read is None or not _are_equal(self._read[0], names):
                self._read = names.clone(), _grouped(names)
        return self._read[1]

    def _values(self) -> Tensor:
        """The names, also where ``torch.func`` runs several networks at once."""
        if not watched():
            return self.names.detach()
        first, *others = members(self.names.detach())
        if not all(torch.equal(first, other) for other in others):
            raise ConfigError("networks of different formulas cannot be run as one by vmap: stack those that have the same")
        return first

    def edge_values(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What each symbolic edge gives: values ``(N, edges)``, and the output and the input of each edge."""
        values, outs, inputs = [x.new_empty(x.shape[0], 0)], [], []
        for name, out, into in self.groups():
            a, b, c, d = self.affine[out, into].unbind(-1)
            values.append(c * function(name)(a * x[:, into] + b) + d)
            outs.append(out)
            inputs.append(into)
        none = torch.empty(0, dtype=torch.long, device=x.device)
        return torch.cat(values, 1), torch.cat([none, *outs]), torch.cat([none, *inputs])

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.in_features:
            raise ConfigError(f"expected {self.in_features} features in the last dimension, got shape {tuple(x.shape)}")
        values, outs, _ = self.edge_values(x)
        return values.new_zeros(x.shape[0], self.out_features).index_add(1, outs, values)

    def subset(self, outs: list[int], inputs: list[int]) -> "SymbolicEdges":
        """The edges between some outputs and some inputs, as a copy."""
        new = SymbolicEdges(len(inputs), len(outs), self.affine.device, self.affine.dtype)
        new.names.copy_(self.names[outs][:, inputs])
        with torch.no_grad():
            new.affine.copy_(self.affine[outs][:, inputs])
        return new

    def _check(self, out: int, into: int) -> None:
        if not (0 <= out < self.out_features and 0 <= into < self.in_features):
            raise ConfigError(
                f"there is no edge from input {into} to output {out}: "
                f"inputs count from 0 to {self.in_features - 1}, outputs to {self.out_features - 1}"
            )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        was_meta = self.names.is_meta
        super()._apply(fn, recurse)
        if was_meta and not self.names.is_meta:  # fresh memory: no edge has a function yet
            self.names.zero_()
            self.affine.data.zero_()
        return self

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, symbolic={int(self.present.sum())}"


def _grouped(names: Tensor) -> list[tuple[str, Tensor, Tensor]]:
    """Each function with the outputs and inputs of its edges."""
    # shape: names (out, in, letters); outputs and inputs (edges,) each
    edges: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for out, into in (names[..., 0] != 0).nonzero().tolist():
        edges[_decoded(names[out, into])].append((out, into))
    columns = {name: torch.tensor(pairs, device=names.device) for name, pairs in edges.items()}
    return [(name, pairs[:, 0], pairs[:, 1]) for name, pairs in columns.items()]


def _decoded(name: Tensor) -> str:
    # shape: name (letters,)
    return bytes(name.tolist()).rstrip(b"\0").decode()


def _are_equal(one: Tensor, other: Tensor) -> bool:
    return one.device == other.device and torch.equal(one, other)
