"""A deep network of KAN layers for equations: blocks that start as nothing and open as they learn."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise._ground.numbers import check_whole
from edgewise.bases import BasisLike, Chebyshev, Sine, Squashed
from edgewise.models.registry import register_model
from edgewise.models.takes import Rows
from edgewise.nn import KANLinear


class GatedBlock(nn.Module):
    r"""Two layers, each followed by gates u, v and a residual connection.

    .. math:: z = \beta\, g(\Phi_1(x)) + (1 - \beta)\, x, \quad y = \alpha\, g(\Phi_2(z)) + (1 - \alpha)\, x, \quad
        g(h) = h u + (1 - h) v.

    Args:
        nodes: Number of inputs, hidden nodes and outputs.
        basis: Of both layers.
        alpha: :math:`\alpha` as it starts; both numbers learn, and :math:`\beta` starts as 1.
    """

    def __init__(self, nodes: int, basis: BasisLike, alpha: float):
        super().__init__()
        self.first, self.second = (KANLinear(nodes, nodes, basis, base=None) for _ in range(2))
        self.alpha, self.beta = nn.Parameter(torch.tensor(float(alpha))), nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor, u: Tensor, v: Tensor) -> Tensor:
        # shapes: all (*, nodes)
        inner = x.lerp(v + self.first(x) * (u - v), self.beta.to(x.dtype))
        return x.lerp(v + self.second(inner) * (u - v), self.alpha.to(x.dtype))


@register_model("gated_kan", takes=Rows(basis="basis", free=("alpha",)))
class GatedKAN(nn.Module):
    r"""A residual-gated deep KAN: sines of the inputs, blocks with two gates, a last layer.

    .. math:: x_0 = \Phi_{\sin}(x), \quad u = \Phi_u(x_0), \quad v = \Phi_v(x_0), \quad
        x_{l+1} = \mathrm{block}_l(x_l, u, v), \quad y = \Phi(x_L).

    The RGA KAN of Rigas et al., "Towards deep physics-informed Kolmogorov-Arnold networks", arXiv:2510.23501, after the
    PirateNets of Wang et al., arXiv:2402.00326. With :math:`\alpha = 0` each block is the identity at first: value and
    gradient pass through any number of them unchanged, and a block opens as far as it helps.

    From the paper: the layers, the gates, both residual connections, :math:`\alpha = 0` and :math:`\beta = 1`, Chebyshev
    polynomials of tanh. Chosen here: coefficients start as :class:`~edgewise.nn.Balanced` ones, which keep the signal's
    size as its own rule does; a constant on each edge takes the place of a bias for each node; frequencies and phases of
    the sines are learned for each input. Left out: Fourier features and a last layer fitted to the start values by least
    squares. For coordinates that go round there is :class:`~edgewise.physics.Periodic`.

    Args:
        width: Inputs, nodes of all hidden layers, outputs.
        blocks: Number of blocks, two layers each.
        basis: The functions of all layers but the first.
        waves: Number of sines for each input.
        alpha: :math:`\alpha` as it starts, from 0 (closed) to 1.

    Shape:
        ``(*, width[0]) -> (*, width[2])``

    Raises:
        ConfigError: Not three widths, a number that is too small, or an ``alpha`` that is not from 0 to 1.

    Example:
        >>> deep, shallow = GatedKAN((2, 8, 1), blocks=10), GatedKAN((2, 8, 1), blocks=1)
        >>> _ = shallow.load_state_dict(deep.state_dict(), strict=False)
        >>> x = torch.randn(5, 2)
        >>> bool(torch.equal(deep(x), shallow(x)))
        True
    """

    def __init__(
        self,
        width: Sequence[int] = (2, 16, 1),
        blocks: int = 3,
        basis: BasisLike = Squashed(Chebyshev(5)),  # noqa: B008 (frozen)
        waves: int = 5,
        alpha: float = 0.0,
    ):
        super().__init__()
        if len(width) != 3:
            raise ConfigError(f"width is inputs, nodes of hidden layers and outputs, such as (2, 16, 1), got {list(width)}")
        check_whole(1, blocks=blocks)
        if not 0 <= alpha <= 1:
            raise ConfigError(f"alpha is a share from 0 to 1, got {alpha}")
        inputs, nodes, outputs = width
        self.sines = KANLinear(inputs, nodes, Sine(waves), base=None)
        self.u, self.v = (KANLinear(nodes, nodes, basis, base=None) for _ in range(2))
        self.blocks = nn.ModuleList(GatedBlock(nodes, basis, alpha) for _ in range(blocks))
        self.last = KANLinear(nodes, outputs, basis, base=None)

    def forward(self, x: Tensor) -> Tensor:
        x = self.sines(x)
        u, v = self.u(x), self.v(x)
        for block in self.blocks:
            x = block(x, u, v)
        return self.last(x)
