r"""Initialisations: what a layer of edges starts from."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor, nn

from edgewise.bases import Basis
from edgewise.nn.layer import DrawnLayer
from edgewise.ops import EdgeFunction


@dataclass(frozen=True)
class Balanced:
    r"""Keeps the rms of the signal and of the gradient through many layers.

    Let inputs be N(0, 1), n the fan-in, and of a function f let :math:`m = E[f^2]`, :math:`r = E[f'^2] / m` the factor
    by which it multiplies the gradient's variance, and :math:`s = d \log E[f(\sigma t)^2] / d \log \sigma^2` the
    exponent by which it passes on a deviation of the signal's variance (all by Gauss-Hermite quadrature). SiLU has
    r = 1.07 and s = 1.17: alone it lets any deviation grow, layer by layer. So each edge starts as the sum of three
    functions with independent Gaussian factors of mean zero:

    * the base function, or without one the odd function nearest to :math:`t e^{-t^2/2}` (if there is any);
    * with the least share of the variance that makes :math:`s \le 0.95` and :math:`r \le 1.03`, the smoothest function
      of the basis, the one with the least r: bounded and flat, it acts as a random offset;
    * noise on all coefficients, with the share ``noise`` of the gradient's variance. It is small, because functions
      drawn at random from a fine basis are steep: they keep the signal and explode the gradient.

    Args:
        noise: Share of the gradient's variance that the noise on the coefficients carries.
    """

    noise: float = 0.03

    def __call__(self, layer: DrawnLayer) -> None:
        """Draw the parameters of ``layer``."""
        plan = _balance(layer.edge, self.noise)
        with torch.no_grad():
            if layer.base_weight is not None:
                layer.base_weight.normal_(std=plan.base / math.sqrt(layer.fan_in))
            layer.init_functions([f.to(layer.coef) for f in plan.functions], plan.noise)
            if layer.bias is not None:
                layer.bias.zero_()


@dataclass(frozen=True)
class EfficientKAN:
    """The initialisation of efficient-KAN: Kaiming-uniform base weights and scales, splines through small noise.

    The coefficients interpolate noise of amplitude ``scale_noise / grid_size`` at the knots of the domain. As there, a
    *larger* ``scale_base`` or ``scale_spline`` gives *smaller* weights: it multiplies the slope of Kaiming's formula.

    Args:
        scale_noise: Amplitude of the noise.
        scale_base: Enters the base weights as ``a = sqrt(5) scale_base``.
        scale_spline: The same for the scales; without scales it multiplies the coefficients.
    """

    scale_noise: float = 0.1
    scale_base: float = 1.0
    scale_spline: float = 1.0

    def __call__(self, layer: DrawnLayer) -> None:
        """Draw the parameters of ``layer``."""
        basis = layer.edge.basis
        intervals = getattr(basis, "grid_size", basis.num_functions - 1)
        with torch.no_grad():
            if layer.base_weight is not None:
                nn.init.kaiming_uniform_(layer.base_weight, a=math.sqrt(5) * self.scale_base)
            points = torch.linspace(*basis.domain, intervals + 1, dtype=torch.float64, device="cpu")
            fit = torch.linalg.pinv(_evaluate(basis, points)).to(layer.coef)  # (K, points)
            uniform = torch.rand(layer.coef.numel() // len(fit), intervals + 1, device="cpu")
            noise = (uniform.to(fit) - 0.5) * self.scale_noise / intervals
            coef = (noise @ fit.t()).unflatten(0, layer.coef.movedim(layer.basis_dim, -1).shape[:-1])
            layer.coef.copy_(coef.movedim(-1, layer.basis_dim))
            if (scale := getattr(layer, "scale", None)) is not None:
                nn.init.kaiming_uniform_(scale, a=math.sqrt(5) * self.scale_spline)
            else:
                layer.coef.mul_(self.scale_spline)
            if (mix := getattr(layer, "mix", None)) is not None:
                mix.normal_(std=1 / math.sqrt(layer.fan_in))
            if layer.bias is not None:
                layer.bias.zero_()


FEW, MANY = 200, 4001  # points of the two quadratures

Init = Callable[[DrawnLayer], None]
INITS: dict[str, Init] = {"balanced": Balanced(), "efficient_kan": EfficientKAN()}


@dataclass(frozen=True)
class _Start:
    base: float  # rms of the base weights times sqrt(fan_in)
    functions: tuple[Tensor, ...]  # coefficients of functions that edges start from random multiples of
    noise: float  # rms of the noise on the coefficients


@dataclass(frozen=True)
class _Moments:
    """Of a function of a N(0, 1) variable, as in :class:`Balanced`."""

    m: float
    r: float
    s: float


@lru_cache(maxsize=256)
@torch.inference_mode(False)  # slopes are wanted, and what is kept serves elsewhere
def _balance(edge: EdgeFunction, noise: float) -> _Start:
    basis = partial(_evaluate, edge.basis)
    points, weights = _quadrature(basis)

    def moments(f: Callable[[Tensor], Tensor]) -> _Moments:
        m, wider = ((weights @ f(sigma * points).square()).item() for sigma in (1.0, 1.01))
        slope = _slopes(lambda x: f(x).unsqueeze(-1), points).squeeze(-1)
        return _Moments(m, (weights @ slope.square()).item() / m, math.log(wider / m) / (2 * math.log(1.01)))

    root = weights.sqrt().unsqueeze(-1)
    values, slopes = basis(points) * root, _slopes(basis, points) * root
    if not values.any():  # a domain that N(0, 1) all but misses: the base branch alone sees such inputs
        return _Start(0.0 if edge.base is None else 1 / math.sqrt(moments(edge.base_values).m), (), 0.1)
    smooth = _least_ratio(slopes.t() @ slopes, values.t() @ values)
    odd = torch.linalg.pinv(values) @ (points * (-points.square() / 2).exp() * root.squeeze(-1))
    size = (values @ odd).norm()
    odd = odd / size if size > 1e-6 else smooth  # all functions may be even
    lead = moments(edge.base_values if edge.base is not None else lambda x: basis(x) @ odd)
    offset = moments(lambda x: basis(x) @ smooth)
    steepness = slopes.square().sum().item() or values.square().sum().item()  # step functions: a share of the signal's
    spread = math.sqrt(noise / steepness)

    def needed(lead: float, offset: float, most: float) -> float:
        return max(0.0, (lead - most) / (lead - offset)) if lead > offset else 0.0

    share = min(max(needed(lead.s, offset.s, 0.95), needed(lead.r + noise, offset.r + noise, 1.03)), 0.9)
    rest = math.sqrt(max(0.0, 1 - share - spread**2 * values.square().sum().item()))
    smooth = smooth * math.sqrt(share)
    if edge.base is None:
        return _Start(0.0, (smooth, odd * rest), spread)
    return _Start(rest / math.sqrt(lead.m), (smooth,), spread)


def _quadrature(basis: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Points and weights of averages over N(0, 1).

    Those of Gauss and Hermite where they see the functions as even points do. They are 0.16 apart at best, and functions of
    a fine grid turn between two of them.
    """
    few, weights = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(FEW))
    many = torch.from_numpy(np.linspace(-9, 9, MANY))
    rules = [(few, weights / weights.sum()), (many, (-many.square() / 2).softmax(0))]

    def products(of: Callable[[Tensor], Tensor], points: Tensor, weights: Tensor) -> Tensor:
        found = of(points) * weights.sqrt().unsqueeze(-1)
        return found.t() @ found

    for of in (basis, partial(_slopes, basis)):
        seen, true = (products(of, *rule) for rule in rules)
        if (seen - true).abs().max() > 0.1 * true.abs().max():
            return rules[1]
    return rules[0]


def _least_ratio(over: Tensor, under: Tensor) -> Tensor:
    """The vector v with the least v'Ov / v'Uv, scaled to v'Uv = 1; both symmetric, U at least semi-definite."""
    size, turn = torch.linalg.eigh(under)
    kept = size > 1e-9 * size[-1]
    whiten = turn[:, kept] / size[kept].sqrt()
    return whiten @ torch.linalg.eigh(whiten.t() @ over @ whiten)[1][:, 0]


def _slopes(f: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    r"""Derivatives of all functions: a pass for each, or, over many points, where that takes long, all at once.

    At once they are the gradient by v of :math:`\sum_k v_k f_k'`, which is linear in v. That rounds in another way, and
    fits from one seed can tell.
    """
    with torch.enable_grad():
        x = points.clone().requires_grad_()
        y = f(x)
        if not y.requires_grad:  # steps that compare x and say no more of it
            return torch.zeros_like(y)
        if len(points) <= FEW:
            return torch.stack([_slope(column, x) for column in y.unbind(-1)], -1)
        v = torch.zeros_like(y, requires_grad=True)
        (total,) = torch.autograd.grad(y, x, v, create_graph=True)
        if not total.requires_grad:  # steps: no function has a slope
            return torch.zeros_like(y)
        return torch.autograd.grad(total.sum(), v, materialize_grads=True)[0].detach()


def _slope(y: Tensor, x: Tensor) -> Tensor:
    return torch.autograd.grad(y.sum(), x, retain_graph=True, materialize_grads=True)[0]


def _evaluate(basis: Basis, points: Tensor) -> Tensor:
    state = {k: v.detach() for k, v in basis.init_state(1, device=points.device, dtype=torch.float64).items()}
    return basis.evaluate(points.unsqueeze(-1), state).squeeze(-2)
