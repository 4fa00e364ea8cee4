"""What a formula of motion may be a sum of: products of states, and functions of one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.kan.functions import function


@dataclass(frozen=True)
class Candidates:
    """Products of up to ``degree`` states, and named functions of each state.

    Args:
        names: Of the states.
        degree: Most factors of a product, 0 for none but the constant.
        functions: Names in :data:`edgewise.kan.FUNCTIONS`.

    Raises:
        ConfigError: No such function, or a negative degree.

    Example:
        >>> Candidates(("x", "y"), degree=2, functions=("sin",)).labels
        ['1', 'x', 'y', 'x**2', 'x*y', 'y**2', 'sin(x)', 'sin(y)']
    """

    names: tuple[str, ...]
    degree: int = 3
    functions: Sequence[str] = ("sin", "cos")

    def __post_init__(self):
        if self.degree < 0:
            raise ConfigError(f"degree must be 0 or more, got {self.degree}")
        for name in self.functions:
            function(name)

    @property
    def _products(self) -> list[tuple[int, ...]]:
        states = range(len(self.names))
        return [factors for d in range(self.degree + 1) for factors in combinations_with_replacement(states, d)]

    @property
    def labels(self) -> list[str]:
        """How they are written, one after the other."""
        written = [self._written(factors) for factors in self._products]
        return written + [re.sub(r"\bx\b", name, function(f).formula) for f in self.functions for name in self.names]

    def values(self, x: Tensor) -> Tensor:
        """All of them at states ``(n, d)``, ``(n, candidates)``."""
        products = [x[:, list(factors)].prod(1) for factors in self._products]
        return torch.stack(products + [function(f)(x[:, i]) for f in self.functions for i in range(x.shape[1])], 1)

    def _written(self, factors: tuple[int, ...]) -> str:
        powers = [(self.names[i], factors.count(i)) for i in dict.fromkeys(factors)]
        return "*".join(name if n == 1 else f"{name}**{n}" for name, n in powers) or "1"
