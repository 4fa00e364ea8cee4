"""What families of polynomials have in common: a largest degree, an interval where they are at home, a recurrence."""

import abc
from typing import ClassVar

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.bases.basis import Basis, State


class Polynomials(Basis):
    """Polynomials up to a largest degree in t, which runs over ``reference`` as x runs over the domain."""

    degree: int
    natural: ClassVar[str] = "grow"
    reference: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def __post_init__(self):
        if self.degree < 0:
            raise ConfigError(f"degree must be at least 0, got {self.degree}")
        super().__post_init__()

    @property
    def num_functions(self) -> int:
        return self.degree + 1

    def _mapped(self, x: Tensor) -> Tensor:
        """The point t of ``reference`` that stands for ``x``, counted from the middles: next to 0 numbers are finest."""
        (lo, hi), (first, last) = self.domain, self.reference
        t = (x - (lo + hi) / 2) * ((last - first) / (hi - lo))
        return t + (first + last) / 2 if first + last else t


class Recurrent(Polynomials):
    r"""Polynomials with :math:`p_0 = 1` and :math:`p_{n+1}(t) = (a_n t + b_n)\, p_n(t) - c_n\, p_{n-1}(t)`.

    Run forwards, which is stable on ``reference``: float32 loses about one rounding a degree. Four or five operations each.
    """

    @abc.abstractmethod
    def step(self, n: int, state: State) -> tuple[float, float, float | Tensor]:
        """The numbers a, b and c that lead from degree n to n + 1; c counts for nothing at n = 0."""

    def values(self, x: Tensor, state: State) -> Tensor:
        t = self._mapped(x)
        rows = [torch.where(x.isnan(), x, 1.0)]
        for n in range(self.degree):
            a, b, c = self.step(n, state)
            following = (a * t + b if b else a * t) * rows[-1]
            rows.append(following - c * rows[-2] if n else following)
        return torch.stack(rows, -2).transpose(-1, -2)
