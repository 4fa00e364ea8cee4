"""From plain JSON values to frozen dataclasses, and nothing else: a wrong key, type or value is refused by name."""

import dataclasses
import math
import types
import typing
from typing import Any, Literal

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown


def require_that(holds: bool, name: str, value: object, rule: str) -> None:
    """Refuse a value that breaks its rule.

    Raises:
        ConfigError: It does.
    """
    if not holds:
        raise ConfigError(f"{name} is {value!r} and must be {rule}")


def require_finite(value: object, name: str) -> None:
    """Refuse a number that is none, wherever it stands in settings: JSON cannot hold it, so no file could be read again.

    Raises:
        ConfigError: There is one.
    """
    if isinstance(value, float):
        require_that(math.isfinite(value), name, value, "a finite number")
        return
    if dataclasses.is_dataclass(value):
        inner = ((item.name, getattr(value, item.name)) for item in dataclasses.fields(value))
    elif isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    else:
        return
    for key, part in inner:
        require_finite(part, f"{name}.{key}".removeprefix("."))


def read_setting(hint: Any, value: Any, where: str) -> Any:
    """``value`` from JSON as the type ``hint`` says, or a ConfigError that names ``where``."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return read_dataclass(hint, value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        choice = next((argument for argument in arguments if _is_json(argument, value)), None)
        fits = choice is not None
    elif origin is Literal:
        fits = value in arguments
    elif origin is tuple:
        fits = isinstance(value, list | tuple) and len(value) == len(arguments) and all(map(_is_json, arguments, value))
        value = tuple(value) if fits else value
    else:
        fits = _is_json(hint, value)
    if not fits:
        raise ConfigError(f"{where} is {value!r} and must be {_describe(hint)}")
    return float(value) if hint is float else value


def read_dataclass(kind: type, value: Any, where: str) -> Any:
    """An object of JSON as a dataclass; keys left out keep their defaults."""
    if not isinstance(value, dict):
        raise ConfigError(f"{where or 'the recipe'} is {value!r} and must be an object of settings")
    fields = {item.name: item for item in dataclasses.fields(kind)}
    hints = {name: hint for name, hint in typing.get_type_hints(kind).items() if name in fields}
    for key in value:
        if key not in hints:
            raise unknown("setting", f"{where}.{key}".removeprefix("."), [f"{where}.{h}".removeprefix(".") for h in hints])
    for name, item in fields.items():
        if name not in value and item.default is item.default_factory is dataclasses.MISSING:
            raise ConfigError(f"setting {f'{where}.{name}'.removeprefix('.')!r} is missing and has no default: give it")
    return kind(**{key: read_setting(hints[key], item, f"{where}.{key}".removeprefix(".")) for key, item in value.items()})


def _is_json(hint: Any, value: Any) -> bool:
    """Whether a plain JSON value is of a plain type; True is no number, and a whole number is a float."""
    kind = typing.get_origin(hint) or hint
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _describe(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(hint)))
    return str(hint) if typing.get_origin(hint) else hint.__name__
