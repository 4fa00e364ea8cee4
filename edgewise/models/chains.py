"""Networks of rows in the manner of the field's small repositories: fully connected KAN layers, layer norms between."""

from collections.abc import Sequence
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from edgewise.bases import BasisLike, Chebyshev, Fourier, GaussianRBF, Squashed
from edgewise.models.blocks import chain
from edgewise.models.registry import register_model
from edgewise.models.takes import FixedBasis, Rows
from edgewise.nn import KANLinear


@register_model("cheby_kan", takes=Rows(basis=FixedBasis(Chebyshev, "degree")))
def cheby_kan(width: Sequence[int] = (784, 32, 16, 10), degree: int = 4, norm: bool = True) -> nn.Sequential:
    r"""ChebyKAN, :math:`y_o = \sum_{id} c_{iod} T_d(\tanh x_i)`, layer norms between; by default its network for MNIST.

    The polynomials come from their recurrence, so that the gradient is finite where the tanh has levelled off; coefficients
    start balanced (:class:`~edgewise.nn.Balanced`) rather than with its 1 / (inputs (degree + 1)).

    Args:
        width: Nodes from input to output, at least two entries.
        degree: The largest degree of the polynomials.
        norm: Layer norms between layers, without which it "is really hard to train" (its readme).

    Shape:
        ``(*, width[0]) -> (*, width[-1])``

    Raises:
        ConfigError: Fewer than two widths, or a number that is too small.

    Example:
        >>> sum(p.numel() for p in cheby_kan().parameters())
        128896
    """
    layer = partial(KANLinear, basis=Squashed(Chebyshev(degree)), base=None)
    return chain(width, layer, between=(nn.LayerNorm,) if norm else ())


@register_model("fourier_kan", takes=Rows(basis=FixedBasis(Fourier, "num_frequencies")))
def fourier_kan(width: Sequence[int] = (784, 64, 10), num_frequencies: int = 4, norm: bool = True) -> nn.Sequential:
    r"""FourierKAN, :math:`y_o = b_o + \sum_{im} a_{iom} \cos m x_i + b_{iom} \sin m x_i`, with layer norms between.

    Args:
        width: Nodes from input to output, at least two entries.
        num_frequencies: Of the series.
        norm: Layer norms between layers; the original has none.

    Shape:
        ``(*, width[0]) -> (*, width[-1])``

    Raises:
        ConfigError: Fewer than two widths, or a number that is too small.

    Example:
        >>> sum(p.numel() for p in fourier_kan((784, 10), num_frequencies=5).parameters()) == 784 * 10 * 2 * 5 + 10
        True
    """
    layer = partial(KANLinear, basis=Fourier(num_frequencies), base=None, bias=True)
    return chain(width, layer, between=(nn.LayerNorm,) if norm else ())


class FastKANLayer(nn.Module):
    r"""A layer of FastKAN: :math:`y = W \mathrm{silu}(x) + b + \sum_{ij} c_{ij} B_j(\mathrm{norm}(x)_i)`.

    The layer norm brings inputs to the functions, and to them alone (Li, arXiv:2405.06721).

    Args:
        in_features: Number of inputs.
        out_features: Number of outputs.
        basis: The functions ``B_j``.
    """

    def __init__(self, in_features: int, out_features: int, basis: BasisLike):
        super().__init__()
        self.norm = nn.LayerNorm(in_features)
        self.functions = KANLinear(in_features, out_features, basis, base=None)
        self.base = nn.Linear(in_features, out_features)

    def forward(self, x: Tensor) -> Tensor:
        return self.functions(self.norm(x)) + self.base(F.silu(x))


@register_model("fast_kan", takes=Rows(basis="basis"))
def fast_kan(width: Sequence[int] = (784, 64, 10), basis: BasisLike = GaussianRBF()) -> nn.Sequential:  # noqa: B008 (frozen)
    """FastKAN: radial basis functions of layer-normed inputs beside a dense branch, in each layer.

    Args:
        width: Nodes from input to output, at least two entries.
        basis: The functions; eight Gaussians on [-2, 2] as published.

    Shape:
        ``(*, width[0]) -> (*, width[-1])``

    Raises:
        ConfigError: Fewer than two widths, or one below 1.

    Example:
        >>> sum(p.numel() for p in fast_kan((784, 10)).parameters()) == 784 * 10 * (8 + 1) + 10 + 2 * 784
        True
    """
    return chain(width, partial(FastKANLayer, basis=basis))
