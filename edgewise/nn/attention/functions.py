"""The functions of all heads: a fully connected layer of edges for each head, as parameters."""

import torch
from torch import Tensor, nn

from edgewise.nn.layer import EdgeLayer
from edgewise.ops import EdgeFunction

BASE_FUNCTION_NAMES = ("zero", "identity", "silu", "gelu")


class HeadFunctions(EdgeLayer):
    r"""Parameters of :math:`\phi_{pq} = w_{pq} b + s_{pq} \sum_j c_{qjp} B_j` for each head; an operator sums them.

    Args:
        heads: Number of heads.
        edge: Basis and base.
        scalars: Two scalars an edge, w and s; without them s is 1, and w is there if b is.
        based: Whether there is a base. Beside none w changes nothing; the paper counts it all the same.
        inputs: Numbers in.
        outputs: Numbers out.
        rms: Of what comes out at the start, for scores N(0, 1).

    Attributes:
        coef: c, ``(heads, inputs, K, outputs)``.
        base_weight: w, ``(heads, outputs, inputs)``, or None.
        scale: s, ``(heads, outputs, inputs)``, or None.
    """

    coefficients = ("coef", "scale")
    basis_dim = 2

    def __init__(
        self,
        heads: int,
        edge: EdgeFunction,
        scalars: bool,
        based: bool,
        inputs: int,
        outputs: int,
        rms: float,
        device=None,
        dtype=None,
    ):
        super().__init__(edge, heads * inputs, device, dtype)
        self.heads, self.inputs, self.rms, factory = heads, inputs, rms, {"device": device, "dtype": dtype}
        shape = (heads, outputs, inputs)
        self.coef = nn.Parameter(torch.empty(heads, inputs, edge.basis.num_functions, outputs, **factory))
        self.base_weight = nn.Parameter(torch.empty(shape, **factory)) if scalars or based else None
        self.scale = nn.Parameter(torch.empty(shape, **factory)) if scalars else None

    def reset_parameters(self) -> None:
        """Set the state of the basis to its start; the operator's initialisation draws the rest."""
        self.state.reset_parameters()

    def weights(self, name: str) -> dict[str, Tensor]:
        """All tensors by name, each ``(heads, ...)``, as :func:`edgewise.ops.attention.attend` wants them."""
        own = {"coef": self.coef, "base_weight": self.base_weight, "scale": self.scale}
        own |= {f"state.{key}": t.unflatten(0, (self.heads, self.inputs)) for key, t in self.state.tensors().items()}
        return {f"{name}.{key}": t for key, t in own.items() if t is not None}

    def _features_last(self, x: Tensor) -> Tensor:
        """Scores ``(b, heads, n, inputs)`` as the state of the basis knows them."""
        return x.transpose(1, 2).flatten(2)
