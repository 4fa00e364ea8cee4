"""SaKAN: layers whose functions are shared by all inputs, one an output (form A of what the paper leaves open)."""

import math

import torch
from torch import Tensor, nn

from edgewise.bases import BasisLike
from edgewise.nn.init import Balanced, Init
from edgewise.nn.layer import DEFAULT_BASIS, DrawnLayer, RowLayer
from edgewise.ops import EdgeFunction, ops


class SaKANLinear(RowLayer, DrawnLayer):
    r"""The shared-activation KAN layer: :math:`y_q = \sum_p w_{qp} b(x_p) + \sum_p \lambda_p \phi_q(x_p)`.

    One function :math:`\phi_q = \sum_j c_{qj} B_j` an output, shared by all inputs, beside a dense base branch; one
    dense parameter an edge where a KAN layer has K + 1. After "ALL U-KAN" (Qiu et al., arXiv:2602.03156), whose
    readable part leaves the formula open; this form matches its published parameter ratios. The other readings are
    :class:`ActivationLinear`, :class:`GainSaKANLinear`, :class:`SprecherLinear` and :class:`GSKANLinear`.

    Args:
        in_features: Number of inputs, at least 1.
        out_features: Number of outputs, at least 1.
        basis: The functions ``B_j``.
        base: The function b of the dense branch, or None to leave that branch out.
        bias: Add a learnable bias.
        grad_free: Stop the gradient at the basis, as the paper does.
        init: Draws the parameters.
        device: Where the parameters live.
        dtype: What they are.

    Attributes:
        coef: c, ``(out_features, K)``.
        mix: The lambdas, ``(in_features,)``.
        base_weight: w, ``(out_features, in_features)``, or None.

    Shape:
        ``(*, in_features) -> (*, out_features)``

    Raises:
        ConfigError: A size below 1, an unknown base function, an input of another number of features.

    Example:
        >>> layer = SaKANLinear(128, 64, grad_free=True)
        >>> sum(p.numel() for p in layer.parameters()) == 128 * 64 + 128 + 64 * 8
        True
    """

    coefficients = ("coef", "mix")
    basis_dim = 1

    def __init__(
        self,
        in_features: int,
        out_features: int,
        basis: BasisLike = DEFAULT_BASIS,
        *,
        base: str | None = "silu",
        bias: bool = False,
        grad_free: bool = False,
        init: Init = Balanced(),  # noqa: B008 (frozen)
        device=None,
        dtype=None,
    ):
        super().__init__(EdgeFunction(basis, base, grad_free), in_features, out_features, bias, device, dtype)
        self.init, factory = init, {"device": device, "dtype": dtype}
        self.coef = nn.Parameter(torch.empty(out_features, self.edge.basis.num_functions, **factory))
        self.mix = nn.Parameter(torch.empty(in_features, **factory))
        self.base_weight = nn.Parameter(torch.empty(out_features, in_features, **factory)) if base is not None else None
        self.reset_parameters()

    def init_functions(self, functions: list[Tensor], noise: float) -> None:
        """Start each output from a random multiple of each of the functions (their coefficients), and noise."""
        self.mix.normal_(std=1 / math.sqrt(self.fan_in))
        self.coef.normal_(std=noise)
        for function in functions:
            self.coef.add_(torch.empty_like(self.coef[:, :1]).normal_() * function)

    def _sum(self, rows: Tensor) -> Tensor:
        return ops(rows).shared_linear(rows, self.edge, self.state.tensors(), self.coef, self.mix, self.base_weight)
