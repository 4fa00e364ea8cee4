"""What can be tuned of a registered model, read off the names of its options: its functions and its widths."""

import inspect
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from edgewise._errors import ConfigError
from edgewise.bases import Basis, Squashed, create_basis
from edgewise.bases.basis import BASES
from edgewise.kan.width import parse_bases
from edgewise.models.registry import MODELS, basis_from, to_plain
from edgewise.vision.training.recipe import Model

COUNTS = {"degree": lambda functions: functions - 1, "num_frequencies": lambda functions: functions // 2}
"""Options of models whose basis is fixed, and their value for so many functions."""
WIDTHS = ("width", "widths", "hidden")


class TunableOptions:
    """The options of a recipe's model, with those left out at their defaults.

    Args:
        model: Of a recipe.

    Raises:
        ConfigError: There is no such model.

    Example:
        >>> options = TunableOptions(Model(name="kan", options={"width": [784, 64, 10]}))
        >>> options.scaled(0.5)
        {'width': [784, 32, 10]}
        >>> options.with_basis("chebyshev", 6)["basis"]["degree"]
        5
    """

    def __init__(self, model: Model):
        self.given = model.options
        parameters = inspect.signature(MODELS[model.name]).parameters
        self.values = {name: model.options.get(name, item.default) for name, item in parameters.items()}
        self.has_basis = "basis" in self.values
        self.count = next((name for name in COUNTS if name in self.values), None)
        self.has_functions = self.has_basis or self.count is not None
        self.has_width = bool(self.scaled(2.0))

    @property
    def bases(self) -> list[Basis]:
        """The bases of the layers, one where they all have the same; without what squashes their inputs."""
        found = self._given_bases
        if self.values.get("grid") is not None or self.values.get("k") is not None:
            found = parse_bases(found[0] if len(found) == 1 else found, self.values["grid"], self.values["k"], self._layers)
        return [item.basis if isinstance(item, Squashed) else item for item in dict.fromkeys(found)]

    @property
    def _given_bases(self) -> list[Basis]:
        """The option itself: one basis for all layers, or one for each."""
        given = basis_from(self.values["basis"])
        return [given] if isinstance(given, Basis) else given

    @property
    def functions(self) -> int:
        """How many functions an edge has; of layers that differ, the first's."""
        if self.has_basis:
            return self.bases[0].num_functions
        return next(n for n in range(1, 1000) if COUNTS[self.count](n) == self.values[self.count])

    def with_basis(self, name: str, functions: int) -> dict[str, Any]:
        """The options that make all layers have this basis, its inputs squashed where they were.

        Args:
            name: A registered basis; settings other than its size stay if the model has it now.
            functions: How many functions it may have at most; it has as many as come near, and at least its fewest.
        """
        now = self.bases[0]
        basis = sized(now if BASES[name] is type(now) else create_basis(name), functions)
        first = self._given_bases[0]
        if isinstance(first, Squashed):
            basis = replace(first, basis=basis)
        freed = {name: None for name in ("grid", "k") if name in self.given}
        return {"basis": to_plain(basis), **freed}

    def with_functions(self, functions: int) -> dict[str, Any]:
        """The option that makes a model whose basis is fixed have so many functions an edge."""
        return {self.count: max(1, COUNTS[self.count](functions))}

    def scaled(self, factor: float) -> dict[str, Any]:
        """The options with all hidden widths times a factor; channels that are multiples of 8 stay so, as U-KAN's must."""
        found = {}
        for name in WIDTHS:
            match self.values.get(name):
                case int() as number:
                    found[name] = _scale(number, factor)
                case [first, *inner, last] if name == "width" and inner:
                    found[name] = [first, *(_scale(item, factor) for item in inner), last]
                case [_, *_] as numbers if name == "hidden":
                    found[name] = [_scale(item, factor) for item in numbers]
                case [_, *_] as numbers if name == "widths":
                    found[name] = [_scale(item, factor, step=1 if item % 8 else 8) for item in numbers]
        return found

    @property
    def _layers(self) -> int:
        return len(self.values["width"]) - 1


def sized(basis: Basis, functions: int) -> Basis:
    """The same basis with as many functions as it can have up to a number, or with its fewest.

    Example:
        >>> sized(create_basis("bspline"), 12).grid_size, sized(create_basis("fourier"), 7).num_functions
        (9, 6)
    """
    size = next((item.name for item in fields(basis) if item.type is int), None)
    if size is None:
        return basis
    best = None
    for number in range(1, max(functions, getattr(basis, size)) + 1):  # the latter is possible
        if number > functions and best is not None:
            break
        try:
            made = replace(basis, **{size: number})
        except ConfigError:  # too few or too many for this basis
            continue
        if best is None or made.num_functions <= functions:
            best = made
    return best


def _scale(number: int | Sequence, factor: float, step: int = 1) -> int | Sequence:
    if not isinstance(number, int):  # nodes that add and nodes that multiply
        return [_scale(item, factor) if isinstance(item, int) and item else item for item in number]
    return step * max(1, round(number * factor / step))
