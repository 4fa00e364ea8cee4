"""The edge sum on Triton's kernels as an operator that PyTorch knows, with its derivatives of any order."""

from collections.abc import Callable

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.precision import as_written
from edgewise.ops.kan.lean import PlannedKAN
from edgewise.ops.second import derivatives_of_gradients
from edgewise.ops.triton.availability import cannot_be_made, in_one_line
from edgewise.ops.triton.words import from_words


@torch.library.custom_op("edgewise::triton_edge_sum", mutates_args=())
def edge_sum(
    x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None, knots: Tensor | None, edge: str, dtype: torch.dtype
) -> Tensor:  # fmt: skip
    """The sum over inputs and functions, products in ``dtype``; ``edge`` is made by ``in_words``."""
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
    one, grad = _sum(x, _scaled(coef, scale), base, knots, edge, dtype), grad.contiguous()
    found = [x.new_empty(0) for _ in range(4)]  # no two of them the same tensor
    try:
        if wants[0]:
            found[0] = one.input_gradient(grad)
        if wants[2]:
            found[2] = one.base_gradient(grad)
        if wants[1] or wants[3]:
            found[1] = one.coef_gradient(grad)
    except cannot_be_made() as error:
        problem = in_one_line(error)
        raise ConfigError(f"a gradient's kernel cannot be made here ({problem}): run with use_backend('lean')") from error
    if scale is not None:
        found[3] = (found[1] * coef).sum(1).t().contiguous() if wants[3] else found[3]
        found[1] = _scaled(found[1], scale) if wants[1] else x.new_empty(0)
    return found


def _scaled(coef: Tensor, scale: Tensor | None) -> Tensor:
    return coef if scale is None else coef * scale.t().unsqueeze(1)


def _sum(x: Tensor, coef: Tensor, base: Tensor | None, knots: Tensor | None, edge: str, dtype: torch.dtype):
    from edgewise.ops.kan.triton_launch import EdgeSum

    base, knots = (t if t is None else t.contiguous() for t in (base, knots))
    return EdgeSum(x.contiguous(), coef.contiguous(), base, knots, from_words(edge), dtype)


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


def _plainly(edge: str, knots: Tensor | None, dtype: torch.dtype) -> Callable[..., Tensor]:
    """The op in arithmetic that PyTorch knows, in the precision that it had on the way forward."""

    def run(x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None) -> Tensor:
        lowered = as_written(x) if dtype == coef.dtype else torch.autocast(x.device.type, dtype)
        with lowered:
            state = {} if knots is None else {"knots": knots}
            return PlannedKAN().linear(x, from_words(edge), state, coef, base, scale)

    return run


def _keep_more(ctx, inputs, output) -> None:
    *tensors, ctx.edge, ctx.dtype, ctx.wants = inputs
    ctx.save_for_backward(*tensors)


def _second_backward(ctx, gradients: list[Tensor]):
    """The derivative of the gradients, through PyTorch's own arithmetic."""
    grad, *operands, knots = ctx.saved_tensors
    plain = _plainly(ctx.edge, knots, ctx.dtype)
    wanted = [g if w else None for g, w in zip(gradients, ctx.wants, strict=True)]
    return *derivatives_of_gradients(plain, grad, operands, wanted), None, None, None, None


edge_sum.register_autograd(_backward, setup_context=_keep)
edge_sum_backward.register_autograd(_second_backward, setup_context=_keep_more)
