"""Oscillations that rows a fixed step apart cannot tell: of all of them, the slowest."""

import math

import torch
from torch import Tensor

from edgewise.kan.interpret.curves import check_rows
from edgewise.kan.network import Network

PERIODS = {"sin": 2 * math.pi, "cos": 2 * math.pi, "tan": math.pi}
FINEST = 1e-6  # of the range: rows nearer to each other are not told apart, and no step is as small
MOST_STEPS = 10_000  # between the first row and the last, up to which rows count as a lattice


def lattice_step(values: Tensor) -> float | None:
    """The largest step of which all distances between numbers are multiples; None if they lie on no regular lattice.

    Args:
        values: Numbers, ``(N,)``, such as a column of a table.

    Example:
        >>> lattice_step(torch.tensor([3.0, 0.5, 1.0, 3.0])), lattice_step(torch.tensor([0.0, 1.0, 2.0**0.5]))
        (0.5, None)
    """
    distinct = values[values.isfinite()].double().unique()
    gaps = distinct.diff()
    span = float(gaps.sum())
    gaps = gaps[gaps > FINEST * span]
    if not len(gaps):
        return None
    step = float(gaps[0])
    for gap in gaps[1:].tolist():
        while gap > 0.5 * FINEST * span:  # Euclid's algorithm, with the least remainder in size
            step, gap = gap, abs(step - gap * round(step / gap))
        if step < span / MOST_STEPS:
            return None
    count = round(span / step)  # of all remainders, the smallest is the least exact
    return span / count


@torch.no_grad()
def slow_down(model: Network, x: Tensor) -> int:
    r"""Give each sine, cosine and tangent over regularly spaced rows the lowest frequency that is the same at all of them.

    On rows :math:`t_0 + n h` the functions :math:`\sin(a t + b)` and
    :math:`\sin((a - 2 \pi k / h)\, t + b + 2 \pi k t_0 / h)` agree for all whole k: they are the aliases of the sampling
    theorem (C. Shannon, Proc. IRE 37, 1949). Between the rows they differ.

    Args:
        model: The network; its formulas change in place, and what it gives for the rows does not.
        x: Rows, ``(N, inputs)``.

    Returns:
        How many edges changed.

    Example:
        >>> from edgewise.kan import KAN
        >>> model = KAN([1, 1]).double()
        >>> model.fix_symbolic(0, 0, 0, "cos", (0.25 + 2 * math.pi / 5, 0.0, 1.0, 0.0))
        >>> slow_down(model, torch.arange(0, 125, 5).unsqueeze(1))
        1
        >>> model[0].symbolic.affine[0, 0].round(decimals=6).tolist()
        [0.25, 0.0, 1.0, 0.0]
    """
    rows, changed = model.select(check_rows(model, x)), 0
    for layer in model:
        steps: dict[int, float | None] = {}
        for name, outs, inputs in layer.symbolic.groups() if layer.symbolic is not None else ():
            for out, into in zip(outs.tolist(), inputs.tolist(), strict=True) if name in PERIODS else ():
                if into not in steps:
                    steps[into] = lattice_step(rows[:, into])
                changed += _slowed(layer.enable_symbolic().affine[out, into], PERIODS[name], steps[into], rows[:, into])
        rows = layer(rows)
    return changed


def _slowed(affine: Tensor, period: float, step: float | None, values: Tensor) -> bool:
    """Take whole turns from one row to the next off an edge; whether there were any."""
    if step is None:
        return False
    turns = round(float(affine[0]) * step / period)
    if not turns:
        return False
    less = turns * period / step
    affine[1] = torch.remainder(affine[1] + less * values.min(), period)
    affine[0] -= less
    return True
