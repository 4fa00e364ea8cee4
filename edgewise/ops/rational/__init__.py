"""Rational functions of groups of channels."""

from torch import Tensor

from edgewise._ground.precision import as_written
from edgewise.ops.backend import in_use
from edgewise.ops.rational import definition
from edgewise.ops.rational.definition import READINGS, Reading
from edgewise.ops.rational.lean import LeanRational
from edgewise.ops.rational.native import NativeRational
from edgewise.ops.rational.triton import TritonRational

__all__ = ["READINGS", "Reading", "group_rational"]


def group_rational(x: Tensor, a: Tensor, b: Tensor, reading: Reading = "sum") -> Tensor:
    """Apply the functions, saving ``x`` alone for the backward unless the backend is plain; computed in float64.

    Args:
        x: ``(..., C)``; its C channels are cut into groups of neighbours.
        a: Numerators ``(groups, m + 1)``.
        b: Denominators ``(groups, n)``.
        reading: Of the denominator.
    """
    with as_written(x):
        return in_use(_FORMS, x)(x, a, b, reading)


_FORMS = {
    "reference": definition.group_rational,
    "plain": definition.group_rational,
    "lean": lambda x, a, b, reading: LeanRational(reading)(x, a, b),
    "native": lambda x, a, b, reading: NativeRational(reading)(x, a, b),
    "triton": lambda x, a, b, reading: TritonRational(reading)(x, a, b),
}
