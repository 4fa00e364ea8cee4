r"""Rational functions of groups of channels: :math:`F(x) = P(x) / Q(x)`, :math:`P(x) = a_0 + a_1 x + \dots + a_m x^m`.

The two readings of the denominator:

=======  ====================================================  ======================================
reading  Q                                                     where
=======  ====================================================  ======================================
sum      :math:`1 + |b_1 x + \dots + b_n x^n|`                 the paper on KAT
terms    :math:`1 + |b_1 x| + \dots + |b_n x^n|`               the code that its models were trained with
=======  ====================================================  ======================================
The derivative of \|t\| at 0 is taken to be 1, so that coefficients that start as 0 can leave it.

Powers are taken in float64: in float32 the fifth overflows from 5 10^7 on, where P / Q is no larger than x.
"""

from typing import Literal

import torch
from torch import Tensor

from edgewise._ground.precision import widest

Reading = Literal["sum", "terms"]
READINGS = ("sum", "terms")


def rational(x: Tensor, a: Tensor, b: Tensor, reading: Reading) -> Tensor:
    """The formula: ``x (rows, groups, channels)``, ``a (groups, m + 1)``, ``b (groups, n)``."""
    a, b = (t.t().unsqueeze(-1) for t in (a, b))  # (coefficients, groups, 1)
    t = x
    if reading == "terms":
        b, t = _absolute(b), _absolute(x)
    top = a[-1].expand_as(x)
    for c in reversed(a[:-1]):
        top = top * x + c
    sum_ = torch.zeros_like(x)
    for c in reversed(b):
        sum_ = (sum_ + c) * t
    return top / (1 + _absolute(sum_))


def group_rational(x: Tensor, a: Tensor, b: Tensor, reading: Reading) -> Tensor:
    """The functions of groups of neighbours among the channels of ``x (..., C)``, in float64, all at once."""
    rows = widest(by_group(x, len(a)))
    return rational(rows, widest(a), widest(b), reading).reshape(x.shape).to(x.dtype)


def by_group(x: Tensor, groups: int) -> Tensor:
    """``(..., C) -> (rows, groups, C / groups)``."""
    return x.reshape(-1, groups, x.shape[-1] // groups)


def _absolute(t: Tensor) -> Tensor:
    return torch.where(t < 0, -t, t)
