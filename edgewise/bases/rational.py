r"""Rational functions without poles, their denominators learned."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.types import Device

from edgewise._ground.errors import ConfigError
from edgewise._ground.precision import widest
from edgewise.bases.basis import Basis, State, register_basis


@register_basis("rational")
@dataclass(frozen=True)
class Rational(Basis):
    r"""The functions :math:`t^j / (1 + |b_1 t + \dots + b_n t^n|)`, :math:`j = 0 \dots m`, b learned for each input.

    An edge sums them into a safe Pade activation unit (Molina et al., arXiv:1907.06732), with a numerator of its own
    and the denominator of its input; the rational functions of KAT (Yang and Wang, arXiv:2409.10594) and KArAt
    (arXiv:2503.10632), whose degrees m = 5 and n = 4 these are. At the start b is 1 at even powers and 0 at odd ones.
    Where the sum between the bars changes its sign, the functions have a kink. Far out they go as :math:`t^{j-n}`;
    powers are taken in float64, where those of any float32 are numbers up to the eighth. One product and one division each,
    and 2 n operations for the denominator.

    Args:
        numerator: m, at least 0.
        denominator: n, at least 2.
        domain: The interval mapped to ``[-3, 3]``, over which t runs.
        outside: ``"grow"`` (the functions go on) or ``"clamp"``.

    State:
        denominator: The learnable b, ``(features, n)``.

    Example:
        >>> basis = Rational(numerator=2, denominator=2)
        >>> basis.evaluate(torch.tensor([-1.0]), basis.init_state(1)).tolist()
        [[0.5, -0.5, 0.5]]
    """

    numerator: int = 5
    denominator: int = 4
    domain: tuple[float, float] = (-3.0, 3.0)
    outside: str = "grow"
    natural: ClassVar[str] = "grow"

    def __post_init__(self):
        for name, least in (("numerator", 0), ("denominator", 2)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, got {getattr(self, name)}")
        super().__post_init__()

    @property
    def num_functions(self) -> int:
        return self.numerator + 1

    @property
    def smoothness(self) -> float:
        return 0

    def init_state(self, features: int, *, device: Device = None, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        b = torch.zeros(features, self.denominator, device=device, dtype=dtype)
        b[:, 1::2] = 1
        return {"denominator": torch.nn.Parameter(b)}

    def values(self, x: Tensor, state: State) -> Tensor:
        lo, hi = self.domain
        dtype, x = x.dtype, widest(x)
        t = (x - (lo + hi) / 2) * (6 / (hi - lo))
        total = t.new_zeros(())
        for b in state["denominator"].to(x.dtype).unbind(-1)[::-1]:
            total = (total + b) * t
        powers = [torch.where(x.isnan(), x, 1.0)]
        for _ in range(self.numerator):
            powers.append(powers[-1] * t)
        return (torch.stack(powers, -2) / (1 + total.abs()).unsqueeze(-2)).to(dtype).transpose(-1, -2)
