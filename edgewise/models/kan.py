"""The plain Kolmogorov-Arnold network: KAN layers, one after the other."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from edgewise._errors import ConfigError
from edgewise.bases import Basis
from edgewise.models.registry import register_model
from edgewise.nn import KANLinear
from edgewise.nn.layer import DEFAULT_BASIS


@register_model("kan")
class KAN(nn.Sequential):
    """A stack of KAN layers; a KAN needs no activation between them, each edge is one.

    Args:
        width: Numbers of nodes from input to output, at least two, such as ``[2, 5, 1]``.
        basis: The functions on the edges.
        base: The base function of each edge, or None.

    Shape:
        ``(*, width[0]) -> (*, width[-1])``

    Raises:
        ConfigError: Fewer than two widths, or one below 1.

    Example:
        >>> import torch
        >>> KAN([2, 5, 1])(torch.zeros(3, 2)).shape
        torch.Size([3, 1])
    """

    def __init__(self, width: Sequence[int], basis: Basis = DEFAULT_BASIS, base: str | None = "silu"):
        if not isinstance(width, Sequence) or len(width) < 2:
            raise ConfigError(f"width must name at least the inputs and the outputs, such as [2, 5, 1], got {width}")
        super().__init__(*(KANLinear(into, out, basis, base=base) for into, out in pairwise(width)))
