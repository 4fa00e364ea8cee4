r"""What a function on an edge is made of: a basis of univariate functions ``B_1 .. B_K``."""

import abc
from collections.abc import Mapping
from dataclasses import Field
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.types import Device

from edgewise._errors import ConfigError
from edgewise._registry import Registry

BASES: Registry[type["Basis"]] = Registry("basis")
register_basis = BASES.register

State = Mapping[str, Tensor]
EMPTY: State = {}


class Basis(abc.ABC):
    r"""A family of univariate functions; a frozen dataclass of settings without any tensor in it.

    A subclass says how many functions there are and writes down their formula in :meth:`values`. Knots and learnable
    numbers, where a basis has any, are named by :meth:`init_state` and owned by the layer that uses the basis, so that
    they are found in its ``state_dict``.

    Attributes:
        domain: The interval ``(lo, hi)`` for which the functions are made.
        outside: What holds beyond the domain, the same in value and in gradient: the ``natural`` rule of the basis
            (its formula goes on), ``"clamp"`` (constant from the end of the domain on) or ``"linear"`` (straight on).
        natural: The name of what the formula does by itself: B-splines fade to ``"zero"``, cosines ``"repeat"``.
    """

    domain: tuple[float, float]
    outside: str
    natural: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]  # each subclass is a dataclass: what `replace` and `fields` take

    def __post_init__(self):
        lo, hi = map(float, self.domain)
        object.__setattr__(self, "domain", (lo, hi))
        if not float("-inf") < lo < hi < float("inf"):
            raise ConfigError(f"domain must be two finite numbers (lo, hi) with lo < hi, got {self.domain}")
        rules = (self.natural, "clamp", "linear")
        if self.outside not in rules:
            raise ConfigError(f"outside must be one of {', '.join(rules)} for {type(self).__name__}, got {self.outside!r}")
        if self.outside == "linear" and self.smoothness < 1:
            raise ConfigError(f"outside='linear' needs a slope at the ends of the domain, which {self} has not")

    @property
    @abc.abstractmethod
    def num_functions(self) -> int:
        """K, the number of functions."""

    @property
    def smoothness(self) -> float:
        """How many continuous derivatives each function has inside the domain."""
        return float("inf")

    def init_state(self, features: int, *, device: Device = None, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """Knots (tensors) and learnable numbers (``nn.Parameter``) for ``features`` inputs, by name; none by default.

        The first dimension of each tensor is ``features``.
        """
        return {}

    @abc.abstractmethod
    def values(self, x: Tensor, state: State) -> Tensor:
        """The formula: ``(..., features) -> (..., features, K)``, before any rule for the outside of the domain."""

    def bounds(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """The ends of the domain as tensors that broadcast against ``x``."""
        return x.new_tensor(self.domain[0]), x.new_tensor(self.domain[1])

    def evaluate(self, x: Tensor, state: State = EMPTY) -> Tensor:
        """All functions at all points, under the rule for the outside of the domain.

        A NaN gives NaN, in its own row only. An infinity gives what the formula gives there, NaN where it has no limit
        (cosines that repeat); the end of the domain under ``"clamp"``; under ``"linear"`` it counts as the largest number.
        How the result lies in memory is left to the basis.

        Shape:
            ``(..., features) -> (..., features, K)``
        """
        if self.outside == self.natural:
            return self.values(x, state)
        lo, hi = self.bounds(x, state)
        inside = torch.where(x < lo, lo, torch.where(x > hi, hi, x))  # unlike clamp, of full slope at the ends themselves
        values = self.values(inside, state)
        if self.outside == "clamp":
            return values
        below, above = self._end_slopes(x, state)
        most = torch.finfo(x.dtype).max
        over, under = (distance.clamp(0, most).unsqueeze(-1) for distance in (x - hi, lo - x))
        return values + over * above - under * below

    def fraction_outside(self, x: Tensor, state: State = EMPTY) -> Tensor:
        """The fraction of the numbers in ``x`` that lie outside the domain (a NaN does), a 0-d tensor."""
        lo, hi = self.bounds(x, state)
        return 1 - ((x >= lo) & (x <= hi)).to(torch.get_default_dtype()).mean()

    def _end_slopes(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        ends = torch.stack([end.expand(x.shape[-1]) for end in self.bounds(x, state)])  # (2, features)

        def pull(weights: Tensor) -> Tensor:  # the transpose of the derivative; its own transpose is the derivative
            return torch.func.vjp(lambda t: self.values(t, state), ends)[1](weights)[0]

        push = torch.func.vjp(pull, ends.new_zeros(*ends.shape, self.num_functions))[1]
        (slopes,) = push(torch.ones_like(ends))
        return slopes[0], slopes[1]


def list_bases() -> list[str]:
    """Names of all registered bases.

    Example:
        >>> "bspline" in list_bases()
        True
    """
    return list(BASES)


def create_basis(name: str, **options) -> Basis:
    """Make a basis by its registered name.

    Raises:
        ConfigError: The name or an option is unknown, or a value is impossible.

    Example:
        >>> create_basis("chebyshev", degree=2)
        Chebyshev(degree=2, domain=(-1.0, 1.0), outside='clamp')
    """
    return BASES.create(name, **options)


BasisLike = Basis | str | Mapping[str, Any]
"""A basis, or what :func:`as_basis` makes one of."""


def as_basis(given: BasisLike) -> Basis:
    """A basis, however it was given: as an object, by its registered name, or as ``{"name": ..., **settings}``.

    All layers, and so all models, read their argument ``basis`` so.

    Raises:
        ConfigError: It is none of the three, or there is no such basis.

    Example:
        >>> as_basis("chebyshev") == as_basis({"name": "chebyshev", "degree": 4})
        True
    """
    if isinstance(given, Basis):
        return given
    if isinstance(given, str):
        return create_basis(given)
    if isinstance(given, Mapping) and isinstance(given.get("name"), str):
        return create_basis(**given)
    kind = f"the class {given.__name__}: write {given.__name__}()" if isinstance(given, type) else repr(given)
    raise ConfigError(f"a basis is an object, a registered name or a dict with a 'name' and settings, got {kind}")
