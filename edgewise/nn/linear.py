"""The KAN layer: a learnable function on every edge."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import BasisLike, BSpline
from edgewise.nn.init import Balanced, Init
from edgewise.nn.layer import DEFAULT_BASIS, DrawnLayer, RowLayer
from edgewise.nn.penalty import weight_penalty
from edgewise.ops import BaseFunction, EdgeFunction, ops


class KANLinear(RowLayer, DrawnLayer):
    r"""A fully connected KAN layer: :math:`y_q = \sum_p \phi_{qp}(x_p)`, where ``nn.Linear`` has a number an edge.

    :math:`\phi_{qp}(t) = w_{qp}\, b(t) + s_{qp} \sum_j c_{pjq} B_j(t)` (Liu et al., arXiv:2404.19756).

    Args:
        in_features: Number of inputs, at least 1.
        out_features: Number of outputs, at least 1.
        basis: The functions ``B_j``: a :class:`~edgewise.bases.Basis`, its name, or ``{"name": ..., **settings}``.
        base: The function b: ``"silu"``, ``"identity"``, ... or a callable; None for no base branch.
        bias: Add a learnable bias (off: most bases contain the constants).
        scale: Give each edge a scale ``s`` of its own (efficient-KAN's ``enable_standalone_scale_spline``).
        grad_free: Stop the gradient at the basis; it reaches ``x`` through the base branch only.
        init: Draws the parameters; :class:`~edgewise.nn.Balanced` or :class:`~edgewise.nn.EfficientKAN`.
        device: Where the parameters live.
        dtype: What they are.

    Attributes:
        coef: Coefficients c, ``(in_features, K, out_features)``: an input meets neighbouring rows.
        base_weight: Weights w, ``(out_features, in_features)``, or None.
        scale: Scales s, ``(out_features, in_features)``, or None.

    Shape:
        ``(*, in_features) -> (*, out_features)``

    Raises:
        ConfigError: A size below 1, an unknown base function, an input of another number of features.

    Example:
        >>> layer = KANLinear(4, 3, basis=BSpline(grid_size=8))
        >>> layer(torch.randn(10, 7, 4)).shape
        torch.Size([10, 7, 3])
    """

    coefficients = ("coef", "scale")
    basis_dim = 1

    def __init__(
        self,
        in_features: int,
        out_features: int,
        basis: BasisLike = DEFAULT_BASIS,
        *,
        base: str | BaseFunction | None = "silu",
        bias: bool = False,
        scale: bool = False,
        grad_free: bool = False,
        init: Init = Balanced(),  # noqa: B008 (frozen)
        device=None,
        dtype=None,
    ):
        super().__init__(EdgeFunction(basis, base, grad_free), in_features, out_features, bias, device, dtype)
        self.init = init
        shape, factory = (out_features, in_features), {"device": device, "dtype": dtype}
        self.coef = nn.Parameter(torch.empty(in_features, self.edge.basis.num_functions, out_features, **factory))
        self.base_weight = nn.Parameter(torch.empty(shape, **factory)) if base is not None else None
        self.scale = nn.Parameter(torch.empty(shape, **factory)) if scale else None
        self.reset_parameters()

    def init_functions(self, functions: list[Tensor], noise: float) -> None:
        """Start each edge from a random multiple of each of the functions (their coefficients), and noise."""
        gain = 1 / math.sqrt(self.fan_in)
        self.coef.normal_(std=noise * gain)
        edges = self.coef.movedim(self.basis_dim, -1)  # a view
        for function in functions:
            edges.add_(torch.empty_like(edges[..., :1]).normal_(std=gain) * function)
        if self.scale is not None:
            self.scale.fill_(1)

    def _sum(self, rows: Tensor) -> Tensor:
        return ops(rows).linear(rows, self.edge, self.state.tensors(), self.coef, self.base_weight, self.scale)

    def penalty(self, l1: float = 1.0, entropy: float = 1.0) -> Tensor:
        """Sparsity of the coefficients; see :func:`~edgewise.nn.weight_penalty`."""
        return weight_penalty(self.coef, l1, entropy, dim=self.basis_dim)

    def extra_repr(self) -> str:
        return super().extra_repr() + (", scale=True" if self.scale is not None else "")

    @classmethod
    def from_efficient_kan(cls, state_dict: Mapping[str, Tensor], base: str = "silu") -> Self:
        """The layer that computes what an efficient-KAN ``KANLinear`` with this state dict computes.

        Grid size and degree follow from the shapes. A grid that was updated from samples becomes per-feature knots.

        Args:
            state_dict: ``base_weight``, ``spline_weight``, ``grid`` and, unless switched off there, ``spline_scaler``.
            base: The base activation, which a state dict does not tell.

        Raises:
            ConfigError: A tensor is missing, or the shapes do not belong together.
        """
        missing = {"base_weight", "spline_weight", "grid"} - set(state_dict)
        if missing and any(name.endswith(".spline_weight") for name in state_dict):
            raise ConfigError("these are the weights of a whole network: hand them to edgewise.models.from_efficient_kan")
        if missing:
            raise ConfigError(f"not the state dict of an efficient-KAN KANLinear: it lacks {', '.join(sorted(missing))}")
        coef, grid, scale = state_dict["spline_weight"], state_dict["grid"], state_dict.get("spline_scaler")
        degree = grid.shape[-1] - coef.shape[-1] - 1
        grid_size = coef.shape[-1] - degree
        if coef.dim() != 3 or grid.dim() != 2 or len(grid) != coef.shape[1] or not 0 <= degree <= 5 or grid_size < 1:
            raise ConfigError(f"spline_weight {tuple(coef.shape)} and grid {tuple(grid.shape)} do not belong together")
        domain = (grid[:, degree].mean().item(), grid[:, degree + grid_size].mean().item())
        basis = BSpline(grid_size, degree, domain)
        even = replace(basis, knots="per-feature").init_state(len(grid), device=grid.device, dtype=grid.dtype)["knots"]
        if not torch.allclose(even, grid, rtol=0, atol=1e-6 * (domain[1] - domain[0])):
            basis = replace(basis, knots="per-feature")
        layer = cls(
            coef.shape[1],
            coef.shape[0],
            basis,
            base=base,
            scale=scale is not None,
            device=coef.device,
            dtype=coef.dtype,
        )
        with torch.no_grad():
            layer.coef.copy_(coef.movedim(0, -1))
            for own, theirs in ((layer.base_weight, state_dict["base_weight"]), (layer.scale, scale)):
                if own is not None and theirs is not None:
                    own.copy_(theirs)
            for knots in layer.state.buffers():
                knots.copy_(grid)
        return layer
