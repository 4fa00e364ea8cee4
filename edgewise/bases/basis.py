r"""What a function on an edge is made of: a basis of univariate functions ``B_1 .. B_K``."""

import abc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import Field
from functools import lru_cache
from itertools import groupby
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.types import Device

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import Registry
from edgewise._ground.torch_private import watched

BASES: Registry[type["Basis"]] = Registry("basis")
register_basis = BASES.register

State = Mapping[str, Tensor]
EMPTY: State = {}
Runs = list[tuple[float, int]]  # numbers, and how often each of them follows upon itself
_EIGHTH_ORDER = (4 / 5, -1 / 5, 4 / 105, -1 / 280)  # of central differences


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
    _constant_slopes: ClassVar[tuple[Runs, Runs] | None] = None  # of an object; so said, it is no field
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
        if self.outside == "linear" and not self.init_state(1):
            object.__setattr__(self, "_constant_slopes", _slopes_of(self))

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
        return _filled_number(x, self.domain[0]), _filled_number(x, self.domain[1])

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
        most = _filled_number(x, torch.finfo(x.dtype).max)  # ONNX would read a number as one of float32
        over, under = (distance.clamp_min(0).clamp_max(most).unsqueeze(-1) for distance in (x - hi, lo - x))
        return values + over * above - under * below

    def fraction_outside(self, x: Tensor, state: State = EMPTY) -> Tensor:
        """The fraction of the numbers in ``x`` that lie outside the domain (a NaN does), a 0-d tensor."""
        lo, hi = self.bounds(x, state)
        return 1 - ((x >= lo) & (x <= hi)).to(torch.get_default_dtype()).mean()

    def _end_slopes(self, x: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """The slopes of the functions at both ends of the domain, each ``(K,)`` or ``(features, K)``."""
        if self._constant_slopes is not None:
            below, above = self._constant_slopes
            return _filled(x, below), _filled(x, above)
        ends = torch.stack([end.expand(x.shape[-1]) for end in self.bounds(x, state)])  # (2, features)
        slopes = self._differences(ends, state) if torch.compiler.is_exporting() else self._slopes(ends, state)
        return slopes[0], slopes[1]

    def _slopes(self, points: Tensor, state: State) -> Tensor:
        """Derivatives at points ``(n, features)``, exact, ``(n, features, K)``."""
        if not watched():
            return self._slopes_by_autograd(points, state)

        def pull(weights: Tensor) -> Tensor:  # the transpose of the derivative; its own transpose is the derivative
            return torch.func.vjp(lambda t: self.values(t, state), points)[1](weights)[0]

        push = torch.func.vjp(pull, points.new_zeros(*points.shape, self.num_functions))[1]
        return push(torch.ones_like(points))[0]

    def _slopes_by_autograd(self, points: Tensor, state: State) -> Tensor:
        """The same twice transposition where no transform watches, but a checkpoint may, whose hooks transforms refuse."""
        again = torch.is_grad_enabled() and any(t.requires_grad for t in (points, *state.values()))
        with torch.autograd.graph.saved_tensors_hooks(_as_it_is, _as_it_is), torch.enable_grad():
            points = points.view_as(points) if again and points.requires_grad else points.detach().requires_grad_()
            values = self.values(points, state)
            if not values.requires_grad:
                return torch.zeros_like(values)
            weights = torch.zeros_like(values, requires_grad=True)
            (pulled,) = torch.autograd.grad(values, points, weights, create_graph=True, materialize_grads=True)
            if not pulled.requires_grad:
                return torch.zeros_like(values)
            (slopes,) = torch.autograd.grad(pulled, weights, torch.ones_like(pulled), create_graph=again)
        return slopes if again else slopes.detach()

    def _differences(self, points: Tensor, state: State) -> Tensor:
        """The same by central differences of the eighth order, in float64: a graph to be exported holds no transforms."""
        lo, hi = self.domain
        step = (hi - lo) / (64 * self.num_functions)
        exact = {name: tensor.double() for name, tensor in state.items()}
        total = torch.zeros((), dtype=torch.double, device=points.device)
        for place, weight in enumerate(_EIGHTH_ORDER, 1):
            ahead, behind = (self.values(points.double() + sign * place * step, exact) for sign in (1, -1))
            total = total + weight / step * (ahead - behind)
        return total.to(points.dtype)


def _runs(numbers: Tensor) -> Runs:
    return [(number, len(list(same))) for number, same in groupby(numbers.tolist())]


def _filled(x: Tensor, runs: Runs) -> Tensor:
    """The numbers on the device of ``x``, each run by a fill: to copy them from the CPU would make a GPU wait."""
    if torch.compiler.is_exporting():
        return x.new_tensor([number for number, count in runs for _ in range(count)])
    return torch.cat([x.new_full((count,), number) for number, count in runs])


def _filled_number(x: Tensor, number: float) -> Tensor:
    """One number, likewise; in ONNX as data, since a fill would take it in float32 first."""
    return x.new_tensor(number) if torch.compiler.is_exporting() else x.new_full((), number)


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


@lru_cache(maxsize=256)
def _slopes_of(basis: Basis) -> tuple[Runs, Runs]:
    """The slopes at both ends of a basis that nothing but its settings determines: numbers, taken once.

    In a thread of its own, where no mode of the caller holds: within an operator autograd records nothing, so that all
    slopes would be 0, here and ever after.
    """
    with ThreadPoolExecutor(1) as own:
        return own.submit(_slopes_at_the_ends, basis).result()


def _slopes_at_the_ends(basis: Basis) -> tuple[Runs, Runs]:
    with torch.device("cpu"):  # a program may have set another default device
        slopes = basis._slopes(torch.tensor(basis.domain, dtype=torch.double).unsqueeze(1), EMPTY)[:, 0]
        return _runs(slopes[0]), _runs(slopes[1])


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
