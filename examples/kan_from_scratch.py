"""A Kolmogorov-Arnold network from scratch, in one file that is read from top to bottom.

In a usual network each edge holds a number and each node a fixed function. A Kolmogorov-Arnold network (KAN; Liu et al.,
arXiv:2404.19756) turns this round: each edge holds a function of one variable, and a node only adds. One layer is

    y_q = sum_p phi_qp(x_p),        phi_qp(t) = w_qp silu(t) + sum_j c_pjq B_j(t).

The functions phi are learned: training finds the numbers w and c. The functions B_j are fixed; they are B-splines, small
bumps in a row. A function of one variable can be drawn, and often named. So after training we can read what was learned.

This file trains a network of 2 inputs, 5 hidden nodes and 1 output on samples of exp(sin(pi x) + y^2), throws away the
nodes that it does not need, and reads this formula off the rest. It needs only torch. With the same weights, its layer
computes what ``edgewise.nn.KANLinear`` computes. Run ``python examples/kan_from_scratch.py``; it takes a few seconds on one
core.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


# STEP 1. The bumps.
# Why splines? They can take any smooth shape, and each bump is zero outside a few cells: training one part of a curve
# leaves the other parts alone. The recursion of Cox and de Boor starts from boxes (1 inside one cell, 0 elsewhere). Each
# round blends two neighbours, with weights that rise and fall along a straight line. This makes the bumps one degree
# smoother and one cell wider. Degree 3 is the usual choice: curve, slope and bend then have no jumps.
def bspline_basis(t: Tensor, knots: Tensor, degree: int) -> Tensor:
    """All B-splines at all points: t ``(...)``, knots ``(M,)``, result ``(..., M - 1 - degree)``."""
    t = t.unsqueeze(-1)
    bumps = ((knots[:-1] <= t) & (t < knots[1:])).to(t.dtype)  # degree 0: one box for each cell
    for d in range(1, degree + 1):
        start, end = knots[: -d - 1], knots[d + 1 :]  # where each new bump starts and ends
        rise = (t - start) / (knots[d:-1] - start)
        fall = (end - t) / (end - knots[1:-d])
        bumps = rise * bumps[..., :-1] + fall * bumps[..., 1:]
    return bumps


# STEP 2. The knots.
# They cut the domain [lo, hi] into equal cells. We add `degree` more cells on each side, because a bump is degree + 1 cells
# wide: only then do all the bumps that touch the domain exist, and they add up to 1 everywhere on it.
def uniform_knots(cells: int, degree: int, lo: float, hi: float, like: Tensor) -> Tensor:
    """``cells + 2 degree + 1`` knots, of the type of ``like``."""
    steps = torch.arange(-degree, cells + degree + 1, dtype=like.dtype, device=like.device)
    return lo + steps * ((hi - lo) / cells)


# STEP 3. The layer.
# Why a silu beside the splines? Far outside its domain a spline is zero, and so is its slope: for an input that strays
# there, training would stop. The silu has no domain, so it still passes a gradient back.
class KANLayer(nn.Module):
    """A function on each edge: ``(N, n_in) -> (N, n_out)``."""

    def __init__(self, n_in: int, n_out: int, cells: int = 5, degree: int = 3, lo: float = -1.0, hi: float = 1.0):
        super().__init__()
        self.cells, self.degree, self.lo, self.hi = cells, degree, lo, hi
        # 1 / sqrt(n_in) keeps a sum of n_in random terms at the size of its inputs. The splines start small.
        self.w = nn.Parameter(torch.randn(n_out, n_in) / math.sqrt(n_in))
        self.c = nn.Parameter(torch.randn(n_in, cells + degree, n_out) * 0.1 / math.sqrt(n_in))

    def basis(self, x: Tensor) -> Tensor:
        """``(N, n_in) -> (N, n_in, cells + degree)``."""
        return bspline_basis(x, uniform_knots(self.cells, self.degree, self.lo, self.hi, x), self.degree)

    def edges(self, x: Tensor) -> Tensor:
        """phi_qp(x_p) for each edge: ``(N, n_in) -> (N, n_in, n_out)``."""
        return F.silu(x).unsqueeze(-1) * self.w.T + torch.einsum("npj,pjq->npq", self.basis(x), self.c)

    def forward(self, x: Tensor) -> Tensor:
        return self.edges(x).sum(1)  # a node only adds


# STEP 4. Training.
# Many networks fit the same data. We want the one that is easiest to read, so we add a price: the size of each edge, which
# is the standard deviation of its curve over the data. A price on sizes (not on their squares) sends what is not needed
# to zero. L-BFGS estimates how the loss bends from the gradients it has seen; a network this small needs few such steps.
def train(network: nn.Sequential, x: Tensor, y: Tensor, price: float, steps: int) -> float:
    """Fit the network to y ``(N, 1)``; the root mean square error."""
    optimiser = torch.optim.LBFGS(
        network.parameters(), max_iter=steps, history_size=20, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def loss():
        optimiser.zero_grad()
        signal, size = x, 0.0
        for layer in network:
            curves = layer.edges(signal)
            signal, size = curves.sum(1), size + (curves.var(0) + 1e-8).sqrt().sum()
        total = (signal - y).square().mean() + price * size
        total.backward()
        return total

    optimiser.step(loss)
    with torch.no_grad():
        return (network(x) - y).square().mean().sqrt().item()


# STEP 5. Pruning.
# A hidden node is needed only if something comes in and something goes out. The others are cut off, by slicing the weights.
# What goes out of a node may vary little and still be far from zero. So its mean goes to a node that stays: since the bumps
# sum to one on their domain, adding a number to all coefficients of a curve lifts the curve by that number.
@torch.no_grad()
def prune(network: nn.Sequential, x: Tensor, share: float = 0.1) -> None:
    """Cut the hidden nodes of a network of two layers whose size is below that share of the largest."""
    first, second = network
    curves = second.edges(first(x))
    size = torch.minimum(first.edges(x).std(0).amax(0), curves.std(0).amax(1))
    keep = (size > share * size.max()).nonzero().squeeze(1)
    second.c[size.argmax()] += curves.mean(0).sum(0) - curves.mean(0)[keep].sum(0)  # (J, n_out) + (n_out,)
    first.w, first.c = nn.Parameter(first.w[keep]), nn.Parameter(first.c[:, :, keep])
    second.w, second.c = nn.Parameter(second.w[:, keep]), nn.Parameter(second.c[keep])


# STEP 6. A finer grid.
# Few cells are easy to train, many cells are accurate. So we train on few, and then cut each cell into several. The domain
# grows to where the outermost bumps ended, so the old curve lies among those that the new bumps can draw. Least squares
# finds its coefficients, and the network computes what it computed before.
@torch.no_grad()
def refine(layer: KANLayer, times: int) -> None:
    """Cut each cell of the layer into that many, and keep its functions."""
    margin = layer.degree * (layer.hi - layer.lo) / layer.cells
    points = torch.linspace(layer.lo - margin, layer.hi + margin, 1000, dtype=layer.c.dtype).unsqueeze(1)
    curves = torch.einsum("nj,pjq->pnq", layer.basis(points).squeeze(1), layer.c)
    layer.lo, layer.hi, layer.cells = layer.lo - margin, layer.hi + margin, (layer.cells + 2 * layer.degree) * times
    layer.c = nn.Parameter(torch.linalg.lstsq(layer.basis(points).transpose(0, 1), curves).solution)


# STEP 7. Reading.
# Each edge is one curve. We compare it with a few well-known functions f and look for the a and b with which
# c f(a t + b) + d comes nearest. For given a and b the best c and d are a straight-line fit, so only a and b need a search.
# The same network can be written in many ways: double what goes into a node, and let the next edge take half. So read the
# last line of the output by multiplying out: the factors in front of sin, of the square and of exp each come to 1.
FORMULAS = {
    "t": lambda t, a, b: t + 0 * a * b,
    "(t+b)^2": lambda t, a, b: (t + b) ** 2 + 0 * a,
    "(t+b)^3": lambda t, a, b: (t + b) ** 3 + 0 * a,
    "exp(a t)": lambda t, a, b: torch.exp(a * t) + 0 * b,
    "sin(a t+b)": lambda t, a, b: torch.sin(a * t + b),
}


def name_curve(t: Tensor, curve: Tensor) -> tuple[float, str]:
    """For points ``(N,)`` of a curve, the share of its variance that the nearest formula leaves, and that formula."""
    a, b = torch.linspace(-8, 8, 801).to(t)[:, None, None], torch.linspace(-1.5, 1.5, 31).to(t)[:, None]
    found, offset = [], curve.mean()
    for formula, f in FORMULAS.items():
        shape = f(t, a, b)  # (801, 31, N)
        mean = shape.mean(-1, keepdim=True)
        shape, wanted = shape - mean, curve - offset
        slope = (shape * wanted).sum(-1, keepdim=True) / (shape.square().sum(-1, keepdim=True) + 1e-12)
        left = (wanted - slope * shape).square().sum(-1) / wanted.square().sum()
        i, j = divmod(left.argmin().item(), left.shape[1])
        c, d = slope[i, j, 0].item(), (offset - slope[i, j, 0] * mean[i, j, 0]).item()
        words = formula.replace("a", f"{a[i].item():.2f}").replace("+b", f" {b[j].item():+z.2f}")
        found.append((left[i, j].item(), f"{c:.3f} {words} {d:+z.3f}"))
    return min(found)


@torch.no_grad()
def read(network: nn.Sequential, x: Tensor, inputs: list[str]) -> list[str]:
    """Print the formula of each edge, and return those of the outputs."""
    names = inputs
    for layer in network:
        curves, formulas = layer.edges(x), []
        for q in range(curves.shape[2]):
            found = [name_curve(x[:100, p], curves[:100, p, q]) for p in range(curves.shape[1])]
            for name, (left, words) in zip(names, found, strict=True):
                print(f"  edge {name} -> {q}:  {words.replace('t', name):35s} leaves {left:.0e} of its variance")
            terms = [words.replace("t", inner) for inner, (_, words) in zip(inputs, found, strict=True)]
            formulas.append(f"({' + '.join(terms).replace('+ -', '- ')})")
        x, names, inputs = layer(x), [f"h{q}" for q in range(len(formulas))], formulas
    return formulas


def main(seed: int = 0, steps: int = 200) -> tuple[list[float], list[str]]:
    """The error after each stage, and the formulas of the outputs."""
    torch.manual_seed(seed)
    x = 2 * torch.rand(1000, 2, dtype=torch.float64) - 1
    y = torch.exp(torch.sin(math.pi * x[:, :1]) + x[:, 1:] ** 2)
    network = nn.Sequential(KANLayer(2, 5), KANLayer(5, 1)).double()
    with torch.no_grad():
        errors = [(network(x) - y).square().mean().sqrt().item()]
    print(f"before training:                 error {errors[-1]:.4f}")
    errors.append(train(network, x, y, price=0.1, steps=steps))
    print(f"trained with a price on size:    error {errors[-1]:.4f}")
    prune(network, x)
    errors.append(train(network, x, y, price=0.0, steps=steps))
    print(f"pruned to {len(network[1].c)} of 5 hidden nodes:   error {errors[-1]:.4f}")
    for layer in network:
        refine(layer, times=4)
    errors.append(train(network, x, y, price=0.0, steps=steps))
    print(f"on a grid four times as fine:    error {errors[-1]:.4f}")
    formulas = read(network, x, ["x", "y"])
    print(f"the whole network: {formulas[0]}")
    return errors, formulas


if __name__ == "__main__":
    main()
