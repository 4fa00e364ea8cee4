"""The edge sum on Triton's kernels: what they cover, and the ops."""

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.precision import autocast_dtype
from edgewise._ground.torch_private import constant_in_graphs, transformed, watched
from edgewise.bases.basis import State
from edgewise.ops.contraction import Conv
from edgewise.ops.edge import BASE_FUNCTIONS, EdgeFunction
from edgewise.ops.kan.lean import PlannedKAN
from edgewise.ops.kan.triton_conv import ConvSum
from edgewise.ops.kan.triton_operators import edge_sum
from edgewise.ops.plan import Plan, Term, one_function
from edgewise.ops.triton.availability import available, cannot_be_made, warn_of
from edgewise.ops.triton.words import in_words
from edgewise.ops.window import Window

_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_LARGEST_TILE = 256


class TritonKAN(PlannedKAN):
    """The ops on Triton's kernels; what these do not cover is carried out by plan."""

    def linear(self, x, edge: EdgeFunction, state: State, coef, base_weight=None, scale=None) -> Tensor:
        """As :func:`edgewise.ops.kan.definition.linear`."""
        if coef.device != x.device:
            raise ConfigError(
                f"the input is on {x.device} and its layer on {coef.device}: move one, as by x.to(layer.coef.device)"
            )
        if transformed() or not covered(x, edge, state, coef, base_weight, scale):
            return super().linear(x, edge, state, coef, base_weight, scale)
        told = (x, coef, base_weight, scale, state.get("knots"), in_words(edge), product_dtype(x, coef))
        if torch.compiler.is_compiling():
            return edge_sum(*told)
        try:
            return edge_sum(*told)
        except cannot_be_made() as error:
            warn_of(error)
            return super().linear(x, edge, state, coef, base_weight, scale)

    def conv(self, x, edge: EdgeFunction, state: State, coef, base_weight, scale, window: Window) -> Tensor:
        """As :func:`edgewise.ops.kan.definition.conv`; of the kernels' sums, graphs are made of plain arithmetic."""
        if watched() or not x.numel() or not covered(x, edge, state, coef.flatten(2), base_weight, scale):
            return super().conv(x, edge, state, coef, base_weight, scale, window)
        y = ConvSum(edge, window, autocast_dtype(x))(x, state.get("knots"), coef, scale)
        if base_weight is None:
            return y
        term = Term(lambda z, _: edge.base_values(z).unsqueeze(-1), 1, Conv(window), 1)
        return y + self.execute(Plan.of(x, (term,), window), x, {}, (one_function(base_weight),))


def covered(x: Tensor, edge: EdgeFunction, state: State, coef: Tensor, *weights: Tensor | None) -> bool:
    """Whether the kernels can work on these tensors."""
    given = [t for t in (coef, *weights, *state.values()) if t is not None]
    rows, outs = x.shape[1], coef.shape[1] * coef.shape[2]
    return (
        x.dtype in _DTYPES
        and (x.dtype == torch.float64) == (coef.dtype == torch.float64)
        and all(t.dtype == coef.dtype and t.device == x.device for t in given)
        and not any(t.requires_grad for t in state.values())
        and (edge.base is None or (isinstance(edge.base, str) and edge.base in BASE_FUNCTIONS))
        and _LARGEST_TILE * max(rows, outs) < 2**31  # within a tile, offsets have 32 bits
        and available(x.device)
        and has_kernel(edge)
    )


@constant_in_graphs
def has_kernel(edge: EdgeFunction) -> bool:
    """Whether the basis is written in Triton's language, for its settings."""
    from edgewise.ops.triton.functions import kernel_of

    return kernel_of(edge.basis) is not None


def product_dtype(x: Tensor, coef: Tensor) -> torch.dtype:
    """What the functions are multiplied in with their weights; also the dtype of the result."""
    lowered = autocast_dtype(x)
    return lowered if lowered is not None and coef.dtype == torch.float32 else coef.dtype
