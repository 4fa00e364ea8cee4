"""A registry: names for the classes and functions that make things, and errors that name the nearest one."""

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar, cast

from edgewise._ground.errors import ConfigError

Maker = TypeVar("Maker", bound=Callable)
Made = TypeVar("Made", bound=Callable)
HOMES: dict[str, tuple[str, ...]] = {}
"""For a kind, the packages that register names of it when they are imported; the front door fills it."""


def unknown(kind: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name that is not among the known ones; it names the nearest, or all of them.

    Example:
        >>> print(unknown("basis", "bspline3", ["bspline", "fourier"]))
        unknown basis 'bspline3'; did you mean 'bspline'? known: bspline, fourier
    """
    known = sorted(known)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    return ConfigError(f"unknown {kind} {name!r}{hint} known: {', '.join(known) or 'none'}")


class Registry(Generic[Maker]):
    """Names for makers (classes or functions) of one kind.

    Example:
        >>> shapes = Registry("shape")
        >>> @shapes.register("square")
        ... def square(side=1): return side * side
        >>> shapes.create("square", side=3), list(shapes)
        (9, ['square'])
    """

    def __init__(self, kind: str):
        self.kind = kind
        self._makers: dict[str, Maker] = {}

    def register(self, name: str) -> Callable[[Made], Made]:
        """Decorator: make the decorated class or function, which stays what it is, available under ``name``."""

        def add(maker: Made) -> Made:
            if self._makers.setdefault(name, cast("Maker", maker)) is not maker:
                raise ConfigError(f"{self.kind} {name!r} is already registered; choose another name")
            return maker

        return add

    def unregister(self, name: str) -> None:
        """Take ``name`` out again (tests that register something of their own need this)."""
        del self._makers[name]

    def spelling(self, name: str) -> str:
        """A name as it is registered, if it was written with ``-`` for ``_`` or the other way round; else as it is.

        Example:
            >>> shapes = Registry("shape")
            >>> _ = shapes.register("long_square")(lambda: 4)
            >>> shapes.spelling("long-square"), "long-square" in shapes
            ('long_square', True)
        """
        if name not in self._makers:
            self._visit_homes()
        alike = (other for other in self._makers if other.replace("-", "_") == str(name).replace("-", "_"))
        return name if name in self._makers else next(alike, name)

    def __getitem__(self, name: str) -> Maker:
        if name not in self:
            raise unknown(self.kind, name, self._makers)
        return self._makers[self.spelling(name)]

    def __iter__(self) -> Iterator[str]:
        self._visit_homes()
        return iter(sorted(self._makers))

    def __len__(self) -> int:
        self._visit_homes()
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.spelling(name) in self._makers

    def _visit_homes(self) -> None:
        for home in HOMES.get(self.kind, ()):
            self.visit(home)

    @staticmethod
    def visit(home: str) -> None:
        """Import a module that registers names, as a process must that has not met them yet."""
        importlib.import_module(home)

    def create(self, name: str, /, **options) -> Any:
        """Make what is registered under ``name`` with the options given.

        Raises:
            ConfigError: The name or an option is unknown; the message names the nearest known one.
        """
        maker = self[name]
        parameters = inspect.signature(maker).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            for option in options:
                if option not in parameters:
                    raise unknown(f"option of {self.kind} {name!r}:", option, parameters)
        return maker(**options)
