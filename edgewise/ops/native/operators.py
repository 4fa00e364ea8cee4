"""The compiled operators as PyTorch knows them: loaded, shapes without numbers, and second derivatives."""

import warnings

import torch
from torch import Tensor

from edgewise.bases.bspline import BSpline
from edgewise.ops.edge import EdgeFunction
from edgewise.ops.native.build import BuildError, built_library

OUTSIDE = ("zero", "clamp", "linear")  # in the order of the enumerations in csrc/spline.h
BASES = (None, "silu", "gelu", "relu", "tanh", "identity")
_TENSORS = 8  # the first arguments of the backward operator: the gradient, x, coef, base, scale, knots, source, meets

_REGISTRY = torch.library.Library("edgewise", "FRAGMENT")  # what is registered with it lives as long as it does
_problem: BuildError | None = None
_loaded = False


def load() -> None:
    """Make ``torch.ops.edgewise`` usable; builds the library when it is first needed.

    Raises:
        BuildError: That cannot be done here; said again each time, tried once.
    """
    global _loaded, _problem
    if _problem is not None:
        raise _problem
    if _loaded:
        return
    try:
        torch.ops.load_library(built_library())
    except (BuildError, OSError) as error:
        _problem = error if isinstance(error, BuildError) else BuildError(f"the kernels do not load: {error}")
        raise _problem from error
    _describe()
    _loaded = True


def available() -> bool:
    """Whether the kernels can be used; if not, a warning says why, once."""
    if _loaded:
        return True
    known = _problem is not None
    try:
        load()
    except BuildError as error:
        if not known:
            warnings.warn(f"layers run on the slower lean backend, since {error}", stacklevel=2)
        return False
    return True


available._dynamo_marked_constant = True  # as torch.compiler.assume_constant_result does, which imports all of Dynamo


def settings(edge: EdgeFunction, has_base: bool) -> tuple:
    """What the operators are told of the functions on the edges."""
    basis = edge.basis
    base = BASES.index(edge.base) if has_base else 0
    return basis.grid_size, basis.degree, *basis.domain, OUTSIDE.index(basis.outside), base, edge.grad_free


def _describe() -> None:
    @torch.library.register_fake("edgewise::edge_sum")
    def _(x, coef, base, scale, knots, source, meets, rows, *_):
        return x.new_empty(x.shape[0] * rows, coef.shape[-1])

    @torch.library.register_fake("edgewise::edge_sum_backward")
    def _(grad, x, coef, base, scale, *rest):
        none = x.new_empty(0)
        found = [x if rest[-1] else None, coef, base, scale]
        return tuple(none if t is None else torch.empty_like(t) for t in found)

    torch.library.register_autograd("edgewise::edge_sum_backward", _second_backward, setup_context=_keep, lib=_REGISTRY)


def _keep(ctx, inputs, output) -> None:
    ctx.save_for_backward(*inputs[:_TENSORS])
    ctx.settings, ctx.wants_input = inputs[_TENSORS:-1], inputs[-1]


def _second_backward(ctx, *gradients):
    """The derivative of the gradients, by autograd through :func:`plain`."""
    grad, *operands, knots, source, meets = ctx.saved_tensors
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        grad, *operands = (
            t if t is None else t.view_as(t) if again and t.requires_grad else t.detach().requires_grad_()
            for t in (grad, *operands)
        )  # views: the gradient may itself depend on x, and what flows through it is not counted here
        given = [t for t in operands if t is not None]
        y = plain(*operands, knots, source, meets, *ctx.settings)
        first = iter(torch.autograd.grad(y, given, grad, create_graph=True, materialize_grads=True))
        first = [next(first) if t is not None else None for t in operands]
        pairs = [
            (f, g) for f, g in zip(first, gradients, strict=True) if f is not None and g is not None and f.requires_grad
        ]
        if not ctx.wants_input:
            pairs = [(f, g) for f, g in pairs if f is not first[0]]
        inputs = [t for t in (grad, *operands) if t is not None]
        outputs, weights = zip(*pairs, strict=True)
        found = iter(torch.autograd.grad(outputs, inputs, weights, create_graph=again, materialize_grads=True))
    mine = [next(found) if t is not None else None for t in (grad, *operands)]
    return *mine, *[None] * (len(ctx.needs_input_grad) - len(mine))


def plain(
    x: Tensor, coef: Tensor, base: Tensor | None, scale: Tensor | None, knots: Tensor | None, source: Tensor | None,
    meets: Tensor | None, rows: int, groups: int, grid: int, degree: int, lo: float, hi: float, outside: int,
    base_function: int, grad_free: bool,
) -> Tensor:  # fmt: skip
    """What ``edge_sum`` computes, written in PyTorch: for derivatives of any order.

    Shape:
        x ``(n, channels, pixels)``, coef ``(channels / groups, K, taps, outputs)``, base and scale ``(outputs, channels /
        groups, taps)``, or all without pixels and taps; source ``(padded,)`` and meets ``(taps, padded)`` as in
        ``csrc/geometry.h``; the result ``(n x rows, outputs)``
    """
    if x.dim() == 2:
        x, coef = x.unsqueeze(-1), coef.unsqueeze(2)
        base, scale = (None if t is None else t.unsqueeze(-1) for t in (base, scale))
    basis = BSpline(grid, degree, (lo, hi), OUTSIDE[outside], "uniform" if knots is None else "per-feature")
    edge = EdgeFunction(basis, BASES[base_function], grad_free)
    taps = coef.shape[2]
    if source is None:
        seen, there = x.new_zeros(1, 1, dtype=torch.long), x.new_ones(1, 1)
    else:
        x = torch.where(source < 0, 0, x[..., source.clamp(0)])
        met = meets >= 0
        seen = x.new_zeros(taps, rows, dtype=torch.long)
        there = x.new_zeros(taps, rows)
        tap, pixel = met.nonzero(as_tuple=True)
        seen[tap, meets[met].long()] = pixel
        there[tap, meets[met].long()] = 1
    patches = x[:, :, seen].permute(0, 2, 3, 1)  # (n, taps, rows, channels)
    values = edge.basis_values(patches, {} if knots is None else {"knots": knots}) * there[..., None, None]
    grouped = values.unflatten(3, (groups, -1))  # (n, t, r, g, i, k)
    weights = coef if scale is None else coef * scale.movedim(0, -1).unsqueeze(1)
    y = torch.einsum("ntrgik,iktgo->nrgo", grouped, weights.unflatten(-1, (groups, -1)))
    if base is not None:
        dense = (edge.base_values(patches) * there.unsqueeze(-1)).unflatten(3, (groups, -1))
        y = y + torch.einsum("ntrgi,goit->nrgo", dense, base.unflatten(0, (groups, -1)))
    return y.flatten(2).flatten(0, 1)
