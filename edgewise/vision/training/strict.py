"""From plain JSON values to frozen dataclasses, and nothing else: a wrong key, type or value is refused by name."""

import dataclasses
import math
import types
import typing
from typing import Any, Literal

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown

MISFIT: Any = object()
"""What is not of the type asked for."""


def require_that(holds: bool, name: str, value: object, rule: str) -> None:
    """Refuse a value that breaks its rule.

    Raises:
        ConfigError: It does.
    """
    if not holds:
        raise ConfigError(f"{name} is {value!r} and must be {rule}")


def require_used(used: bool, settings: Any, name: str, without: str, fix: str) -> None:
    """Refuse a setting that somebody changed and that has no effect.

    Args:
        used: Whether it has one.
        settings: The dataclass that it is a field of.
        name: What it is called, dots included.
        without: Where it has no effect, such as ``with loss.name 'focal'``.
        fix: What would give it one.

    Raises:
        ConfigError: It has none, and is not the default.
    """
    own = name.rpartition(".")[2]
    value = getattr(settings, own)
    if not used and value != type(settings).__dataclass_fields__[own].default:
        raise ConfigError(f"{name} is {value!r} and has no effect {without}: leave it out, or {fix}")


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
    found = _as(hint, value)
    if found is MISFIT:
        raise ConfigError(f"{where} is {value!r} and must be {_describe(hint)}")
    return found


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


def _as(hint: Any, value: Any) -> Any:
    """A plain JSON value as the type says, or ``MISFIT``."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return next((found for argument in arguments if (found := _as(argument, value)) is not MISFIT), MISFIT)
    if origin is Literal:
        return value if value in arguments else MISFIT
    if origin is tuple:
        kinds = arguments[:1] * len(value) if arguments[1:] == (...,) and isinstance(value, list | tuple) else arguments
        if not isinstance(value, list | tuple) or len(value) != len(kinds):
            return MISFIT
        parts = tuple(map(_as, kinds, value))
        return MISFIT if any(part is MISFIT for part in parts) else parts
    if not _is_json(hint, value):
        return MISFIT
    return float(value) if hint is float else value


def _is_json(hint: Any, value: Any) -> bool:
    """Whether a plain JSON value is of a plain type; True is no number, and a whole number is a float."""
    kind = typing.get_origin(hint) or hint
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _describe(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(hint)))
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " | ".join(map(_describe, typing.get_args(hint)))
    return str(hint) if typing.get_origin(hint) else "None" if hint is types.NoneType else hint.__name__
