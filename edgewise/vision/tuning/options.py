"""What can be tuned of a registered model, as it says itself: its functions and its widths."""

import inspect
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cached_property, partial
from typing import Any, cast

import torch

from edgewise._ground.errors import ConfigError
from edgewise.bases import Basis, Squashed, create_basis
from edgewise.bases.basis import BASES
from edgewise.models.registry import MODELS, config_of, create_model, read_bases, takes_of, to_plain
from edgewise.models.takes import FixedBasis, Grids, NoisyPictures
from edgewise.vision.training.recipe import Model


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
        self.model, self.takes = model, takes_of(model.name)
        parameters = inspect.signature(MODELS[model.name]).parameters
        defaults = {name: item.default for name, item in parameters.items() if item.default is not item.empty}
        self.values = defaults | model.options
        self.has_basis = isinstance(self.takes.basis, str)
        self.has_functions = self.takes.basis is not None
        self.has_width = bool(self.scaled(2.0))

    @property
    def _option(self) -> str:
        """The option that is the basis, where there is one."""
        return cast("str", self.takes.basis)

    @property
    def _fixed_basis(self) -> FixedBasis:
        """The basis of a model that has but one, where that is so."""
        return cast("FixedBasis", self.takes.basis)

    @cached_property
    def bases(self) -> list[Basis]:
        """The bases of the layers, one where they all have the same; without what squashes their inputs."""
        return [item.basis if isinstance(item, Squashed) else item for item in dict.fromkeys(self._given_bases)]

    @cached_property
    def _given_bases(self) -> list[Basis]:
        """One basis for all layers, or one for each, as the model itself reads its options."""
        name = self._option
        given = self.values[name]
        if any(self.values[short] is not None for short in self.takes.shorthands):
            with torch.device("meta"):
                given = config_of(create_model(self.model.name, **self.model.options))["options"][name]
        found = read_bases(given)
        return [found] if isinstance(found, Basis) else found

    @property
    def functions(self) -> int:
        """How many functions an edge has; of layers that differ, the first's."""
        if isinstance(self.takes.basis, FixedBasis):
            return self._fixed(self.values[self.takes.basis.size]).num_functions
        return self.bases[0].num_functions

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
        freed = {short: None for short in self.takes.shorthands if short in self.model.options}
        return {self._option: to_plain(basis), **freed}

    def with_functions(self, functions: int) -> dict[str, Any]:
        """The option that makes a model whose basis is fixed have so many functions an edge."""
        size = self._fixed_basis.size
        return {size: getattr(sized(self._fixed(1), functions), size)}

    def scaled(self, factor: float) -> dict[str, Any]:
        """The options with all hidden widths times a factor; channels that are multiples of 8 stay so, as U-KAN's must."""
        step = 8 if isinstance(self.takes, Grids | NoisyPictures) else 1
        return self.takes.scaled(self.values, partial(_scale, factor=factor, step=step))

    def _fixed(self, size: int) -> Basis:
        return self._fixed_basis.kind(**{self._fixed_basis.size: size})


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
    return basis if best is None else best


def _scale(number: int | Sequence, factor: float, step: int) -> int | Sequence:
    if not isinstance(number, int):  # nodes that add and nodes that multiply
        return [_scale(item, factor, step) if isinstance(item, int) and item else item for item in number]
    step = step if number % step == 0 else 1
    return step * max(1, round(number * factor / step))
