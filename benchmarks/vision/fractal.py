r"""A noisy fractal-like function of two variables by every basis, at equal size: ``python -m benchmarks.vision.fractal``.

The kind of task of the ChebyKAN paper (arXiv:2405.07200). The function is ours, a sum of waves after Weierstrass on
[-1, 1]^2: :math:`f(x, y) = \sum_{k=0}^{3} 0.6^k \sin(2^k \pi x) \cos(2^k \pi y)`. Each network [2, w, w, 1], of the width
that brings it nearest to the same number of parameters, is fitted by L-BFGS to noisy values and scored on clean ones
elsewhere.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import tyro
from torch import nn

from benchmarks.science.common import Samples, count, draw, rmse, show, write
from benchmarks.science.mlp import perceptron
from benchmarks.vision.bases import BASES
from edgewise.kan.fitting import LBFGS
from edgewise.models import create_model
from edgewise.vision.classification.baseline import nearest_width

WAVES, DECAY, ROWS, NOISE = 4, 0.6, 4096, 0.1


def fractal(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return sum(DECAY**k * np.sin(2**k * np.pi * x) * np.cos(2**k * np.pi * y) for k in range(WAVES))


def noisy(samples: Samples, seed: int) -> Samples:
    """Targets with Gaussian noise of a tenth of their deviation."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(samples.y.shape, generator=generator, dtype=samples.y.dtype)
    return Samples(samples.x, samples.y + NOISE * samples.y.std() * noise)


def contenders() -> dict[str, Callable[[int], nn.Module]]:
    """What makes each network of a width."""
    found = {title: partial(_kan, config) for title, config in BASES.items()}
    return {"plain (tanh)": lambda width: perceptron(2, (width, width), 1)} | found


def _kan(basis: dict, width: int) -> nn.Module:
    return create_model("kan", width=[2, width, width, 1], basis=basis).double()


def main(out: Path = Path("runs/fractal"), parameters: int = 2000, seeds: int = 3, steps: int = 15):
    """Fit all and print the table.

    Args:
        out: Folder of the table, ``fractal.csv``.
        parameters: How many each network has, as nearly as its width allows.
        seeds: Fits of each, from other parameters; the median counts.
        steps: Steps of L-BFGS, of 20 iterations each.
    """
    torch.set_num_threads(1)
    square = [(-1, 1), (-1, 1)]
    test, rows = draw(fractal, square, ROWS, seed=1), []
    train = noisy(draw(fractal, square, ROWS, seed=0), seed=0)
    for title, make in contenders().items():
        width = nearest_width(lambda width, make=make: count(make(width)), parameters)
        errors = sorted(_error(partial(make, width), train, test, seed, steps) for seed in range(seeds))
        error = 100 * errors[len(errors) // 2] / test.y.std().item()
        rows.append({"basis": title, "width": width, "parameters": count(make(width)), "error": error})
        print(title, width, f"{error:.2f} %", flush=True)
    rows.sort(key=lambda row: row["error"])
    write(out / "fractal.csv", rows)
    title = f"Error on clean values, % of their deviation; noise {100 * NOISE:.0f} %, median of {seeds}"
    show(title, ["basis", "width", "parameters", "error, %"], [tuple(row.values()) for row in rows])


def _error(make: Callable[[], nn.Module], train: Samples, test: Samples, seed: int, steps: int) -> float:
    torch.manual_seed(seed)
    network = make()
    lbfgs = LBFGS(network, lambda: nn.functional.mse_loss(network(train.x), train.y))
    for _ in range(steps):
        lbfgs.step()
    return rmse(network, test)


if __name__ == "__main__":
    tyro.cli(main)
