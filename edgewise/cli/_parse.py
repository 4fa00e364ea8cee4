"""From the words of a command line to the call of a function, by its signature and docstring."""

import inspect
import json
import re
from collections.abc import Callable
from typing import Any

import tyro

NO_OPTIONS: dict[str, Any] = {}
"""The default of options of a dataset."""


def call(function: Callable[..., None], words: list[str], prog: str) -> None:
    """Call ``function`` with the arguments that ``words`` spell; ``--help`` shows its docstring, examples included.

    Exits with code 2 where the words do not fit.
    """
    registry = tyro.constructors.ConstructorRegistry()
    registry.primitive_rule(_json_object)
    registry.primitive_rule(_none)
    description = re.split(r"\n(?:Args|Raises):\n", inspect.getdoc(function) or "")[0].rstrip()
    tyro.cli(function, args=words, prog=prog, description=description, registry=registry)


def summary(maker: Callable) -> str:
    """The first line of a docstring, without markup.

    Example:
        >>> summary(summary)
        'The first line of a docstring, without markup.'
    """
    return (inspect.getdoc(maker) or "").partition("\n")[0].replace("``", "")


def _none(info: tyro.constructors.PrimitiveTypeInfo) -> tyro.constructors.PrimitiveConstructorSpec | None:
    """``none``, as the help has it, beside Python's own spelling."""
    if info.type is not type(None):
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="{None}",
        choices=("none", "None"),
        instance_from_str=lambda words: None,
        is_instance=lambda value: value is None,
        str_from_instance=lambda value: ["None"],
    )


def _json_object(info: tyro.constructors.PrimitiveTypeInfo) -> tyro.constructors.PrimitiveConstructorSpec | None:
    """How a dictionary is written on the command line: as JSON."""
    if info.type_origin is not dict:
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="JSON",
        instance_from_str=_parse_object,
        is_instance=lambda value: isinstance(value, dict),
        str_from_instance=lambda value: [json.dumps(value)],
    )


def _parse_object(words: list[str]) -> dict:
    try:
        value = json.loads(words[0])
    except json.JSONDecodeError as error:
        raise ValueError(f"{words[0]!r} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError(f"{words[0]!r} is not a JSON object, such as '{{\"name\": 3}}'")
    return value
