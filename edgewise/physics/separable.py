r"""A network for equations on boxes: a sum of products, each of one function of each coordinate."""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.kan import KAN


class Separable(nn.Module):
    r""":math:`u_q(x) = \sum_{r=1}^{R} \prod_i \varphi_{qri}(x_i)`, all functions splines that learn.

    Sums of such products come near any function of few variables, and they are what separation of variables gives (Cho et
    al., "Separable PINN", arXiv:2306.15969; Jacob et al., "SPIKANs", arXiv:2411.06286). Waves of several lengths, which
    layers one behind the other are slow to find, are found in a few steps. A front across the axes needs many products;
    over a short time it needs few, see :func:`~edgewise.physics.march`.

    Args:
        inputs: d, the number of coordinates.
        rank: R, the number of products.
        outputs: Number of functions.
        grid: Intervals of each spline, or a number for each coordinate; two for each bend of the solution are too few, ten
            are many.
        k: Degree of the splines.

    Attributes:
        factors: A :class:`~edgewise.kan.KAN` for each coordinate, with all its functions; they can be drawn and read.

    Shape:
        ``(N, inputs) -> (N, outputs)``

    Raises:
        ConfigError: A number below 1, a single coordinate, grids that are not one for each coordinate, or rows of another
            number of coordinates.

    Example:
        >>> Separable(2, rank=3, grid=(20, 4))(torch.zeros(5, 2)).shape
        torch.Size([5, 1])
    """

    def __init__(self, inputs: int, rank: int = 8, outputs: int = 1, *, grid: int | Sequence[int] = 10, k: int = 5):
        super().__init__()
        if inputs < 2 or min(rank, outputs) < 1:
            raise ConfigError(
                f"a product needs at least 2 inputs, and rank and outputs of at least 1; got {inputs}, {rank}, {outputs}"
            )
        grids = [grid] * inputs if isinstance(grid, int) else list(grid)
        if len(grids) != inputs:
            raise ConfigError(f"grid must be one number, or one for each of {inputs} coordinates, got {grids}")
        self.outputs = outputs
        self.factors = nn.ModuleList(
            KAN([1, rank * outputs], base=None, grid=size, k=k, inputs=[column]) for column, size in enumerate(grids)
        )

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != len(self.factors):
            raise ConfigError(f"this product is of {len(self.factors)} coordinates, got rows of shape {tuple(x.shape)}")
        product = reduce(torch.mul, [factor(x) for factor in self.factors])
        return product.unflatten(1, (self.outputs, -1)).sum(2)
