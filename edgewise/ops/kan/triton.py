"""The edge sum on Triton's kernels: as PyTorch knows them, with their second derivatives, and the ops."""

import json
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import lru_cache

import torch
from torch import Tensor

from edgewise._ground.precision import as_written, autocast_dtype
from edgewise._ground.torch_private import constant_in_graphs, transformed
from edgewise.bases.basis import BASES, State
from edgewise.ops.edge import BASE_FUNCTIONS, EdgeFunction
from edgewise.ops.kan.lean import PlannedKAN
from edgewise.ops.second import derivatives_of_gradients
from edgewise.ops.triton.availability import available

_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_LARGEST_TILE = 256
Operands = list[Tensor | None]


class TritonKAN(PlannedKAN):
    """The ops on Triton's kernels; what these do not cover is carried out by plan."""

    def linear(self, x, edge: EdgeFunction, state: State, coef, base_weight=None, scale=None) -> Tensor:
        """As :func:`edgewise.ops.kan.definition.linear`."""
        if transformed() or not covered(x, edge, state, coef, base_weight, scale):
            return super().linear(x, edge, state, coef, base_weight, scale)
        return edge_sum(x, coef, base_weight, scale, state.get("knots"), in_words(edge), product_dtype(x, coef))


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


@constant_in_graphs
def in_words(edge: EdgeFunction) -> str:
    """The functions as a text, which an operator can be told; it stands in exported graphs."""
    return _in_words(edge)


@lru_cache(maxsize=256)
def _in_words(edge: EdgeFunction) -> str:
    name = next(name for name in BASES if BASES[name] is type(edge.basis))
    basis = {"name": name, **asdict(edge.basis)}
    return json.dumps({"basis": basis, "base": edge.base, "grad_free": edge.grad_free})


@lru_cache(maxsize=256)
def _from_words(words: str) -> EdgeFunction:
    return EdgeFunction(**json.loads(words))


@torch.library.custom_op("edgewise::triton_edge_sum", mutates_args=())
def edge_sum(
    x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None, knots: Tensor | None, edge: str, dtype: torch.dtype
) -> Tensor:  # fmt: skip
    """The sum over inputs and functions; ``edge`` as :func:`in_words` says, products in ``dtype``."""
    # shape: x (rows, ins), coef (ins, K, outs), base and scale (outs, ins) or None, knots (ins, n) or None
    if not x.numel():
        return x.new_zeros(x.shape[0], coef.shape[2], dtype=dtype)
    return _sum(x, _scaled(coef, scale), base, knots, edge, dtype).forward()


@torch.library.custom_op("edgewise::triton_edge_sum_backward", mutates_args=())
def edge_sum_backward(
    grad: Tensor, x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None, knots: Tensor | None, edge: str,
    dtype: torch.dtype, wants: list[bool],
) -> list[Tensor]:  # fmt: skip
    """The gradients of x, coef, base and scale, empty where they are not wanted."""
    # shape: grad (rows, outs), the rest as above
    if not x.numel():
        given = zip((x, coef, base, scale), wants, strict=True)
        return [torch.zeros_like(t) if t is not None and want else x.new_empty(0) for t, want in given]
    whole = _scaled(coef, scale)
    one, grad = _sum(x, whole, base, knots, edge, dtype), grad.contiguous()
    found = [x.new_empty(0)] * 4
    if wants[0]:
        found[0] = one.input_gradient(grad)
    if wants[2] and base is not None:
        found[2] = one.base_gradient(grad)
    if wants[1] or wants[3]:
        found[1] = one.coef_gradient(grad)
    if scale is not None and wants[3]:
        found[3] = (found[1] * coef).sum(1).t().contiguous()
    if scale is not None and wants[1]:
        found[1] = _scaled(found[1], scale)
    return [t if w else x.new_empty(0) for t, w in zip(found, wants, strict=True)]


def _scaled(coef: Tensor, scale: Tensor | None) -> Tensor:
    return coef if scale is None else coef * scale.t().unsqueeze(1)


def _sum(x: Tensor, coef: Tensor, base: Tensor | None, knots: Tensor | None, edge: str, dtype: torch.dtype):
    from edgewise.ops.kan.triton_launch import EdgeSum

    base, knots = (t if t is None else t.contiguous() for t in (base, knots))
    return EdgeSum(x.contiguous(), coef.contiguous(), base, knots, _from_words(edge), dtype)


@edge_sum.register_fake
def _(x, coef, base, scale, knots, edge, dtype):
    return x.new_empty(x.shape[0], coef.shape[2], dtype=dtype)


@edge_sum_backward.register_fake
def _(grad, x, coef, base, scale, knots, edge, dtype, wants):
    given = zip((x, coef, base, scale), wants, strict=True)
    return [t.new_empty(t.shape) if t is not None and want else x.new_empty(0) for t, want in given]


def _keep(ctx, inputs, output) -> None:
    *tensors, ctx.edge, ctx.dtype = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx, grad: Tensor):
    wants = [bool(w) for w in ctx.needs_input_grad[:4]]
    found = edge_sum_backward(*[grad, *ctx.saved_tensors, ctx.edge, ctx.dtype, wants])
    return *(t if w else None for t, w in zip(found, wants, strict=True)), None, None, None


def _keep_more(ctx, inputs, output) -> None:
    *tensors, ctx.edge, ctx.dtype, ctx.wants = inputs
    ctx.save_for_backward(*tensors)


def _second_backward(ctx, gradients: list[Tensor]):
    """The derivative of the gradients, through PyTorch's own arithmetic."""
    grad, *operands, knots = ctx.saved_tensors
    state = {} if knots is None else {"knots": knots}

    def plain(x, coef, base, scale):
        with _lowered(x, coef, ctx.dtype):
            return PlannedKAN().linear(x, _from_words(ctx.edge), state, coef, base, scale)

    wanted = [g if w else None for g, w in zip(gradients, ctx.wants, strict=True)]
    return *derivatives_of_gradients(plain, grad, operands, wanted), None, None, None, None


def _lowered(x: Tensor, coef: Tensor, dtype: torch.dtype) -> AbstractContextManager:
    """Autocast as it was on the way forward."""
    return as_written(x) if dtype == coef.dtype else torch.autocast(x.device.type, dtype)


edge_sum.register_autograd(_backward, setup_context=_keep)
edge_sum_backward.register_autograd(_second_backward, setup_context=_keep_more)
