"""Which domain of the functions suits what stands before a layer: what it sees outside, and how well it then learns.

    python -m benchmarks.domains

The first table is the part of a layer's inputs outside the domain, for random numbers of N(0, 1) through each module. The
second is the error of one layer, learned from 4000 rows of N(0, 1) in 8 columns: y = sum of sin(2 x) over the columns.
"""

import torch
from torch import nn

from edgewise.bases import BSpline
from edgewise.nn import KANLinear

DOMAINS = (1.0, 2.0, 3.0, 4.0)
WIDTH, ROWS, SEEDS = 64, 4000, 3


def before() -> dict[str, nn.Module]:
    """What stands before a layer."""
    return {
        "BatchNorm, LayerNorm, GroupNorm": nn.LayerNorm(WIDTH),
        "a norm and ReLU": nn.Sequential(nn.LayerNorm(WIDTH), nn.ReLU()),
        "a norm and GELU": nn.Sequential(nn.LayerNorm(WIDTH), nn.GELU()),
        "a norm and KANLinear on (-3, 3)": nn.Sequential(
            nn.LayerNorm(WIDTH), KANLinear(WIDTH, WIDTH, BSpline(5, domain=(-3, 3)))
        ),
        "tanh": nn.Tanh(),
    }


def outside(module: nn.Module, end: float) -> float:
    """The part of the outputs beyond -end and end."""
    with torch.no_grad():
        return BSpline(5, domain=(-end, end)).fraction_outside(module(torch.randn(ROWS, WIDTH))).item()


def error(end: float, grid: int, seed: int) -> float:
    """Root of the mean square error on fresh rows, relative to the deviation of the target."""
    torch.manual_seed(seed)
    x, fresh = torch.randn(ROWS, 8), torch.randn(ROWS, 8)
    layer = KANLinear(8, 1, BSpline(grid, domain=(-end, end)))
    adam = torch.optim.Adam(layer.parameters(), 0.02)
    for _ in range(400):
        loss = (layer(x)[:, 0] - torch.sin(2 * x).sum(1)).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        y = torch.sin(2 * fresh).sum(1)
        return ((layer(fresh)[:, 0] - y).square().mean().sqrt() / y.std()).item()


def main() -> None:
    """Print both tables, as the page has them."""
    torch.manual_seed(0)
    print("| before the layer |" + "".join(f" ({-end:g}, {end:g}) |" for end in DOMAINS))
    for name, module in before().items():
        print(f"| {name} |" + "".join(f" {outside(module, end):.1%} |" for end in DOMAINS))
    for grid in (5, 10):
        errors = [sum(error(end, grid, seed) for seed in range(SEEDS)) / SEEDS for end in DOMAINS]
        print(f"| {grid} intervals |" + "".join(f" {e:.3f} |" for e in errors))


if __name__ == "__main__":
    main()
