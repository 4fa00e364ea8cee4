"""A recipe as the words of a command line."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from edgewise.vision.training.recipe import Recipe, differences
from edgewise.vision.training.recipes import RECIPES, create_recipe


def command_line(recipe: Recipe, run: str, start: str | None = None) -> str:
    """The ``edgewise train`` that follows a recipe: a registered one, and what differs from it.

    Args:
        recipe: What to train.
        run: The folder to name in it.
        start: The registered recipe to change; none: the nearest.

    Example:
        >>> from dataclasses import replace
        >>> command_line(replace(create_recipe("busi"), epochs=3), "runs/short")
        'edgewise train busi --run runs/short --epochs 3'
    """
    known = {name: create_recipe(name) for name in ([start] if start else RECIPES)}
    alike = {name: other for name, other in known.items() if type(other) is type(recipe)}
    name = min(alike, key=lambda name: len(differences(alike[name], recipe)))
    return shlex.join(["edgewise", "train", name, "--run", run, *_words(alike[name], recipe)])


def _words(one: Any, other: Any, prefix: str = "") -> Iterator[str]:
    """The options that make ``one`` the ``other``."""
    for item in fields(other):
        old, new = getattr(one, item.name), getattr(other, item.name)
        name = item.name.replace("_", "-")
        if new == old:
            continue
        if is_dataclass(new):
            yield from _words(old, new, f"{prefix}{name}.")
        elif item.type is bool:
            yield f"--{prefix}{'' if new else 'no-'}{name}"
        else:
            yield f"--{prefix}{name}"
            yield from map(str, new) if isinstance(new, tuple) else [json.dumps(new) if isinstance(new, dict) else str(new)]
