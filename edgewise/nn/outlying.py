"""Single numbers far from all others: a slip of the decimal point, a code for what is missing, a heavy tail."""

import math

from torch import Tensor

TAIL = 0.05  # of the samples on each side are left out of the measure
REACH = 5.0  # widths of the rest beyond it from which a sample lies far out
MOST = 0.02  # of the samples may lie so; more of them are a part of the data
LEAST = 20  # samples, with fewer none is told from the rest


def far_out(samples: Tensor) -> Tensor:
    """Which samples lie far from all others of their feature, ``(features, n)``, bool; none that is not finite.

    The inner nine tenths of the samples have a width; so far out lies what is more than five of these beyond them, if that
    is at most one in fifty (or one alone). No sample of a normal or a uniform distribution does, and one in 3000 of a
    lognormal one.

    Example:
        >>> import torch
        >>> far_out(torch.cat([torch.linspace(-1, 1, 30), torch.tensor([1000.0])]).unsqueeze(0)).nonzero().tolist()
        [[0, 30]]
    """
    finite = samples.isfinite()
    last = finite.sum(1, keepdim=True) - 1
    ordered = samples.double().where(finite, math.inf).sort(1).values
    ends = (TAIL * last).ceil().long(), ((1 - TAIL) * last).floor().long()
    low, high = (ordered.gather(1, end.clamp_min(0)) for end in ends)
    reach = REACH * (high - low)
    far = finite & ((samples < low - reach) | (samples > high + reach))
    few = far.sum(1, keepdim=True) <= (MOST * (last + 1)).clamp_min(1)
    return far & few & (reach > 0) & (last + 1 >= LEAST)
