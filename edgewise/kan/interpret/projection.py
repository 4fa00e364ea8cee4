r"""Fitting :math:`c f(a t + b) + d` to many curves with many functions at once, by variable projection.

For given a and b the best c and d follow from means, so only two numbers are searched. All curves share one set of points,
so the values of f on a grid of (a, b) are computed once for all curves, and the search is three products of matrices; the
best few of each (curve, function) are then polished by Gauss-Newton steps, again all together (G. Golub and V. Pereyra,
SIAM J. Numer. Anal. 10, 1973; the simplified Jacobian is L. Kaufman's, BIT 15, 1975).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from edgewise.kan.functions import Function

SLOPES = torch.cat([torch.logspace(-1.3, 0.3, 12), torch.arange(2.25, 30.1, 0.25)]).double()
SHIFTS = torch.linspace(-10, 10, 41).double()
BANDS = (-float("inf"), -2.0, 0.0, 2.0, float("inf"))  # of slopes; the best of each is polished
STEPS = 30
TINY = 1e-300
ROUNDING = 1e-11  # relative to the largest value of a curve


@dataclass(frozen=True)
class Curves:
    """Curves on common points.

    Attributes:
        points: Where the curves are known, from -1 to 1, ``(M,)``.
        values: ``(curves, M)``.
        weights: How much each point counts, rows summing to 1, ``(curves, M)``.
    """

    points: Tensor
    values: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Fits:
    """The best fit of each function to each curve.

    Attributes:
        error: The share of the variance left over, :math:`1 - R^2`, ``(curves, functions)``; infinite where none is finite.
        affine: The numbers a, b, c, d, ``(curves, functions, 4)``.
    """

    error: Tensor
    affine: Tensor


def project(curves: Curves, functions: Sequence[Function]) -> Fits:
    """Fit all functions to all curves.

    Args:
        curves: The curves, in float64.
        functions: The functions.

    Example:
        >>> t = torch.linspace(-1, 1, 51).double()
        >>> curves = Curves(t, torch.sin(3 * t + 1)[None], torch.full((1, 51), 1 / 51, dtype=torch.double))
        >>> from edgewise.kan import FUNCTIONS
        >>> fits = project(curves, [FUNCTIONS["exp"], FUNCTIONS["sin"]])
        >>> bool(fits.error[0, 1] < 1e-20), round(abs(fits.affine[0, 1, 0].item()), 6)
        (True, 3.0)
    """
    found = [_polish(curves, f, *_search(curves, f)) for f in functions]
    return Fits(torch.stack([error for error, _ in found], 1), torch.stack([affine for _, affine in found], 1))


def _search(curves: Curves, f: Function) -> tuple[Tensor, Tensor]:
    """Starts (a, b) for each curve: the best of each band of slopes, ``(curves, bands)``."""
    device = curves.points.device
    slopes, shifts = torch.cat([-SLOPES, SLOPES]).to(device), SHIFTS.to(device)
    a, b = (t.flatten() for t in torch.meshgrid(slopes, shifts, indexing="ij"))
    coarse = slice(None, None, max(1, len(curves.points) // 50))
    values = f(a.unsqueeze(1) * curves.points[coarse] + b.unsqueeze(1))
    valid = values.isfinite().all(1)
    values = torch.where(valid.unsqueeze(1), values, 0)
    values = values / values.abs().amax(1, keepdim=True).clamp_min(TINY)
    weights = curves.weights[:, coarse]
    weights = weights / weights.sum(1, keepdim=True)
    y = curves.values[:, coarse]
    centred = y - (weights * y).sum(1, keepdim=True)
    mean = values @ weights.T
    variance = (values.square() @ weights.T - mean.square()).clamp_min(1e-14)
    fit = (values @ (weights * centred).T).square() / variance
    fit = torch.where(valid.unsqueeze(1), fit, -1)
    starts = []
    for low, high in pairwise(BANDS):
        inside = ((a > low) & (a <= high)).nonzero().squeeze(1)
        starts.append(inside[fit[inside].argmax(0)])
    chosen = torch.stack(starts, 1)
    return a[chosen], b[chosen]


def _polish(curves: Curves, f: Function, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Gauss-Newton steps from all starts; the best of each curve."""
    # shape: a and b (curves, bands) to errors (curves,) and the numbers a, b, c, d (curves, 4)
    y = curves.values.unsqueeze(1)  # (curves, starts, M) from here on
    w = curves.weights.unsqueeze(1)
    damping = torch.full_like(a, 1e-2)
    error, step = _expand(curves.points, y, w, f, a, b, damping)
    for _ in range(STEPS):
        trial = a + step[0], b + step[1]
        new_error, new_step = _expand(curves.points, y, w, f, *trial, damping / 5)
        better = new_error < error
        damping = torch.where(better, damping / 5, damping * 6)
        a, b = torch.where(better, trial[0], a), torch.where(better, trial[1], b)
        if not better.all():  # the same place, more damped
            _, old_step = _expand(curves.points, y, w, f, a, b, damping)
            new_step = tuple(torch.where(better, new, old) for new, old in zip(new_step, old_step, strict=True))
        error, step = torch.where(better, new_error, error), new_step
    best = error.argmin(1, keepdim=True)
    a, b, error = (t.gather(1, best) for t in (a, b, error))
    c, d = _linear(f(a.unsqueeze(2) * curves.points + b.unsqueeze(2)), y, w)
    affine = torch.stack([a, b, c, d], -1).squeeze(1)
    usable = affine.isfinite().all(1) & error.squeeze(1).isfinite()
    return torch.where(usable, error.squeeze(1), torch.inf), torch.where(usable.unsqueeze(1), affine, 0)


def _linear(values: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """The best c and d."""
    # shape: values, y and w (curves, starts, M) to c and d (curves, starts)
    mean, mean_y = (w * values).sum(-1), (w * y).sum(-1)
    centred = values - mean.unsqueeze(-1)
    variance = (w * centred.square()).sum(-1)
    c = torch.where(variance > TINY, (w * centred * y).sum(-1) / variance.clamp_min(TINY), 0)
    return c, mean_y - c * mean


def _expand(
    t: Tensor, y: Tensor, w: Tensor, f: Function, a: Tensor, b: Tensor, damping: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """The error at (a, b) and the damped step from there."""
    # shape: t (M,), y and w (curves, 1, M), a, b and damping (curves, starts); the error like a, and a step in a and b
    with torch.enable_grad():
        z = (a.unsqueeze(2) * t + b.unsqueeze(2)).requires_grad_()
        values = f(z)
        (slope,) = torch.autograd.grad(values.sum(), z, materialize_grads=True)
    values = values.detach()
    c, d = _linear(values, y, w)
    residual = y - c.unsqueeze(2) * values - d.unsqueeze(2)
    rounding = (ROUNDING * y.abs().amax(-1)).square()  # what varies less is constant
    spread = (w * (y - (w * y).sum(-1, keepdim=True)).square()).sum(-1).maximum(rounding).clamp_min(TINY)
    error = (w * residual.square()).sum(-1) / spread
    error = torch.where(error.isfinite(), error, torch.inf)
    by_b = _orthogonal(c.unsqueeze(2) * slope, values, w)
    by_a = _orthogonal(c.unsqueeze(2) * slope * t, values, w)
    aa, ab, bb = ((w * u * v).sum(-1) for u, v in ((by_a, by_a), (by_a, by_b), (by_b, by_b)))
    ra, rb = ((w * u * residual).sum(-1) for u in (by_a, by_b))
    floor = 1e-12 * (aa + bb) + TINY
    aa, bb = aa * (1 + damping) + floor, bb * (1 + damping) + floor
    det = (aa * bb - ab.square()).clamp_min(TINY)
    step = (bb * ra - ab * rb) / det, (aa * rb - ab * ra) / det
    by_a, by_b = (torch.where(s.isfinite(), s, 0) for s in step)
    return error, (by_a, by_b)


def _orthogonal(direction: Tensor, values: Tensor, w: Tensor) -> Tensor:
    """What of ``direction`` neither c nor d can do."""
    # shape: all (curves, starts, M), or that broadcasts to it
    centred = values - (w * values).sum(-1, keepdim=True)
    direction = direction - (w * direction).sum(-1, keepdim=True)
    along = (w * direction * centred).sum(-1, keepdim=True) / (w * centred.square()).sum(-1, keepdim=True).clamp_min(TINY)
    return direction - along * centred
