"""The layer of a network that is read: edges with masks and formulas, and nodes that add or multiply."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.types import Device

from edgewise._ground.errors import ConfigError
from edgewise._ground.torch_private import watched
from edgewise.bases import Basis
from edgewise.kan.products import factor_table, products, unit_affine
from edgewise.kan.symbolic import SymbolicEdges
from edgewise.nn.init import Balanced, Init
from edgewise.nn.layer import DEFAULT_BASIS, BasisState, check_dtype
from edgewise.nn.linear import KANLinear
from edgewise.nn.settings import settings_text
from edgewise.ops import ops


class KANLayer(KANLinear):
    r"""A KAN layer whose edges can be cut or carry a formula, and whose nodes add or multiply.

    Edges end in subnodes, :math:`s_q = \sum_p m_{qp} \phi_{qp}(x_p) + c_{qp} f_{qp}(a_{qp} x_p + b_{qp}) + d_{qp}`, the
    second half where edge qp is symbolic. The first ``sums`` subnodes are nodes; each multiplication node takes the product
    of as many further subnodes as its arity says (Liu et al., KAN 2.0, arXiv:2408.10205).

    Args:
        in_features: Number of inputs, at least 1.
        sums: Number of nodes that add.
        arities: For each multiplication node, how many subnodes it multiplies, at least 2.
        basis: The functions ``B_j``.
        base: The base function of each edge, or None.
        scale: Give the spline of each edge a scale of its own.
        affine: Give subnodes and nodes a learnable scale and bias.
        symbolic: Make room for symbolic edges at once; otherwise it is made when the first is fixed.
        init: Draws the parameters.
        device: Where the parameters live.
        dtype: What they are.

    Attributes:
        mask: Which numeric edges are there, ``(subnodes, in_features)``, bool; change it by :meth:`set_mask`.
        symbolic: The :class:`SymbolicEdges`, or None.

    Shape:
        ``(*, in_features) -> (*, sums + len(arities))``

    Raises:
        ConfigError: A size below 1, an arity below 2.

    Example:
        >>> KANLayer(3, sums=1, arities=[2, 3])(torch.zeros(5, 3)).shape
        torch.Size([5, 3])
    """

    mask: Tensor
    _factors: Tensor

    def __init__(
        self,
        in_features: int,
        sums: int,
        arities: Sequence[int] = (),
        basis: Basis = DEFAULT_BASIS,
        *,
        base: str | None = "silu",
        scale: bool = False,
        affine: bool = False,
        symbolic: bool = False,
        init: Init = Balanced(),  # noqa: B008 (frozen)
        device: Device = None,
        dtype: torch.dtype | None = None,
    ):
        if sums < 0 or any(arity < 2 for arity in arities):
            raise ConfigError(f"nodes must number at least 0 and arities be at least 2, got {sums} and {list(arities)}")
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        super().__init__(in_features, sums + sum(arities), basis, base=base, scale=scale, init=init, **factory)
        self.sums, self.arities = sums, tuple(arities)
        self.register_buffer("mask", torch.ones(self.out_features, in_features, dtype=torch.bool, device=device))
        self.symbolic = SymbolicEdges(in_features, self.out_features, **factory) if symbolic else None
        self.affine = nn.ParameterDict(unit_affine(self.out_features, self.nodes, factory)) if affine else None
        self.rebuild_products()

    def weight_settings(self) -> str:
        """The functions, and which subnodes are multiplied."""
        return f"{super().weight_settings()}, {settings_text(sums=self.sums, arities=self.arities)}"

    def reset_parameters(self) -> None:
        """Draw the functions anew, and let scales and biases of nodes change nothing."""
        super().reset_parameters()
        for name, numbers in (getattr(self, "affine", None) or {}).items():  # not there yet when the functions first are
            nn.init.constant_(numbers, name.endswith("scale"))

    @property
    def nodes(self) -> int:
        """Number of outputs: nodes that add, then nodes that multiply."""
        return self.sums + len(self.arities)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.in_features,):
            raise ConfigError(f"expected {self.in_features} features in the last dimension, got shape {tuple(x.shape)}")
        check_dtype(x, self.coef)
        if x.dim() == 2:
            return self.join(self.subnodes(x))
        y = self.join(self.subnodes(x.reshape(-1, self.in_features)))
        return y.reshape(*x.shape[:-1], self.nodes)

    def subnodes(self, x: Tensor) -> Tensor:
        """Sums over edges, ``(N, in_features) -> (N, subnodes)``, before scales and products."""
        y = self._sum(x)
        return y if self.symbolic is None or not self.symbolic.groups() else y + self.symbolic(x)

    def join(self, y: Tensor, affine: Mapping[str, Tensor] | nn.ParameterDict | None = None) -> Tensor:
        """From subnodes to nodes: scales and biases (the layer's own, or those given), products."""
        affine = affine or self.affine
        if affine is not None:
            y = y * affine["subnode_scale"] + affine["subnode_bias"]
        if self.arities:
            y = torch.cat([y[:, : self.sums], products(y, self._factors)], 1)
        if affine is not None:
            y = y * affine["node_scale"] + affine["node_bias"]
        return y

    def masked(self) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Coefficients, base weights and scales of the numeric edges, the mask applied to the last two."""
        if self.is_dense():
            return self.coef, self.base_weight, self.scale
        mask = self.mask.to(self.coef.dtype)
        base = None if self.base_weight is None else self.base_weight * mask
        return self.coef, base, mask if self.scale is None else self.scale * mask

    def is_dense(self) -> bool:
        """Whether the mask is known to cut no edge: looked up anew, since whoever writes into a buffer tells nobody.

        On an accelerator that would be a wait, and under a transform or a compiler there is no value to look at: a mask of
        ones is then applied like any other.
        """
        return type(self.mask) is Tensor and self.mask.is_cpu and not watched() and bool(self.mask.all())

    def edge_weights(self) -> Tensor:
        """What multiplies the functions ``[b, B_1 .. B_K]`` on each numeric edge, ``(in_features, [1 +] K, subnodes)``."""
        coef, base, scale = self.masked()
        if scale is not None:
            coef = coef * scale.t().unsqueeze(1)
        return coef if base is None else torch.cat([base.t().unsqueeze(1), coef], 1)

    def edge_features(self, x: Tensor) -> Tensor:
        """The functions that :meth:`edge_weights` multiplies, ``(N, in_features, [1 +] K)``."""
        values = self.edge.basis_values(x, self.state.tensors())
        return values if self.base_weight is None else torch.cat([self.edge.base_values(x).unsqueeze(-1), values], -1)

    def set_mask(self, mask: Tensor) -> None:
        """Say which numeric edges are there, ``(subnodes, in_features)``.

        Raises:
            ConfigError: The mask has another shape.
        """
        if mask.shape != self.mask.shape:
            raise ConfigError(f"a mask of this layer has shape {tuple(self.mask.shape)}, got {tuple(mask.shape)}")
        self.mask.copy_(mask)

    def fix_symbolic(self, into: int, out: int, name: str, affine: Sequence[float] = (1.0, 0.0, 1.0, 0.0)) -> None:
        """Replace the function of an edge by ``c f(a x + b) + d``."""
        self.enable_symbolic().fix(out, into, name, affine)
        self._set_edge(out, into, False)

    def unfix_symbolic(self, into: int, out: int) -> None:
        """Take the formula off an edge; its spline, which was kept, comes back."""
        if self.symbolic is not None:
            self.symbolic.clear(out, into)
        self._set_edge(out, into, True)

    def enable_symbolic(self) -> SymbolicEdges:
        """Make room for symbolic edges, if there is none yet."""
        if self.symbolic is None:
            factory = {"device": self.coef.device, "dtype": self.coef.dtype}
            self.symbolic = SymbolicEdges(self.in_features, self.out_features, **factory)
        return self.symbolic

    def edges(self) -> Tensor:
        """Which edges are there, numeric or symbolic, ``(subnodes, in_features)``, bool."""
        return self.mask if self.symbolic is None else self.mask | self.symbolic.present

    def node_of_subnodes(self) -> list[int]:
        """The node that each subnode belongs to."""
        products = (node for node, arity in enumerate(self.arities, self.sums) for _ in range(arity))
        return [*range(self.sums), *products]

    def subset(self, inputs: Sequence[int], nodes: Sequence[int]) -> "KANLayer":
        """A copy of the layer with some of its inputs and nodes, these in rising order."""
        wanted = set(nodes)
        rows = [subnode for subnode, node in enumerate(self.node_of_subnodes()) if node in wanted]
        new = copy.deepcopy(self)
        new.in_features, new.out_features = len(inputs), len(rows)
        new.sums = sum(node < self.sums for node in nodes)
        new.arities = tuple(self.arities[node - self.sums] for node in nodes if node >= self.sums)
        inputs = list(inputs)
        new.state = BasisState(self.edge.basis, len(inputs), self.coef.device, self.coef.dtype)
        for name, tensor in new.state.tensors().items():
            tensor.data.copy_(self.state.tensors()[name][inputs])
        new.coef = _like(self.coef, self.coef[inputs][..., rows])
        for name in ("base_weight", "scale"):
            if (weight := getattr(self, name)) is not None:
                setattr(new, name, _like(weight, weight[rows][:, inputs]))
        new.mask = self.mask[rows][:, inputs].clone()
        if self.symbolic is not None:
            new.symbolic = self.symbolic.subset(rows, inputs)
        if self.affine is not None:
            kept = {"subnode": rows, "node": list(nodes)}
            new.affine = nn.ParameterDict(
                {name: _like(p, p[kept[name.partition("_")[0]]]) for name, p in self.affine.items()}
            )
        new.rebuild_products()
        return new

    def _set_edge(self, out: int, into: int, there: bool) -> None:
        mask = self.mask.clone()
        mask[out, into] = there
        self.set_mask(mask)

    def _sum(self, rows: Tensor) -> Tensor:
        coef, base, scale = self.masked()
        return ops(rows).linear(rows, self.edge, self.state.tensors(), coef, base, scale)

    def rebuild_products(self) -> None:
        """Note which subnodes each product takes."""
        table = factor_table(self.sums, self.arities, self.mask.device)
        self.register_buffer("_factors", table, persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        was_meta = self.mask.is_meta
        super()._apply(fn, recurse)
        if was_meta and not self.mask.is_meta:  # fresh memory: what is not a parameter has no other chance to be written
            self.mask.fill_(True)
            self.rebuild_products()
        return self

    def extra_repr(self) -> str:
        nodes = f", sums={self.sums}, arities={list(self.arities)}" if self.arities else ""
        cut = "" if self.is_dense() or self.mask.is_meta else f", edges={int(self.mask.sum())}"
        return super().extra_repr() + nodes + cut


def _like(parameter: nn.Parameter, values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.detach().clone(), requires_grad=parameter.requires_grad)
