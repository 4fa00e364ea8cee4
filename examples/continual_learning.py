"""Learning in phases without forgetting: five bumps on a line, of which each phase shows one.

A spline on a fine grid is local: what is learned at one place leaves the others alone. A dense network forgets.

Run it with ``python examples/continual_learning.py``; it takes a few seconds and draws docs/images/continual_learning.png.
"""

from pathlib import Path

import torch
from torch import nn

from edgewise.kan import KAN

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "continual_learning.png"


def bumps(x, count: int):
    centres = -1 + (2 * torch.arange(count, dtype=x.dtype) + 1) / count
    return torch.exp(-12 * (count * (x - centres)) ** 2).sum(1, keepdim=True)


def dense(hidden: int = 64) -> nn.Module:
    layers = (nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    return nn.Sequential(*layers).double()


def train(network: nn.Module, x, y, steps: int) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.mse_loss(network(x), y).backward()
        optimizer.step()


def main(phases: int = 5, samples: int = 500, grid: int = 200, steps: int = 1000, picture=None) -> tuple[float, float]:
    """The errors of the network of splines and of the dense one at all samples, after the last phase."""
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, phases * samples, dtype=torch.float64).unsqueeze(1)
    y = bumps(x, phases)
    splines, rival = KAN([1, 1], grid=grid, base=None).double(), dense()
    with torch.no_grad():
        splines[0].coef.zero_()  # where nothing was seen yet there is nothing
    seen = []
    for part, target in zip(x.chunk(phases), y.chunk(phases), strict=True):
        splines.fit((part, target), optimizer="lm", steps=10, grid_updates=0)
        train(rival, part, target, steps)
        with torch.no_grad():
            seen.append((splines(x), rival(x)))

    errors = tuple((values - y).square().mean().sqrt().item() for values in seen[-1])
    print(f"root mean square error after {phases} phases: {errors[0]:.1e} on splines, {errors[1]:.1e} in a dense network")
    if picture is not None:
        draw(x, y, seen, picture)
    return errors


def draw(x, y, seen, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    table = figure.subplots(3, len(seen), sharex=True, sharey=True, squeeze=False)
    for phase, (values, column) in enumerate(zip(seen, table.T, strict=True)):
        own = slice(phase * len(x) // len(seen), (phase + 1) * len(x) // len(seen))
        column[0].plot(x, y, color="0.85")
        column[0].plot(x[own], y[own], "k")
        column[0].set(title=f"phase {phase + 1}", ylim=(-1, 2))
        for axes, curve, colour in zip(column[1:], values, ("tab:blue", "tab:red"), strict=True):
            axes.plot(x, y, color="0.85")
            axes.plot(x, curve, colour)
    for axes, name in zip(table[:, 0], ("data", "splines", "dense"), strict=True):
        axes.set_ylabel(name)
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main(picture=PICTURE)
