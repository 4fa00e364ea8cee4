"""Recipes by name: functions that return a :class:`Recipe`, to be used as they are or changed setting by setting.

Example:
    >>> from dataclasses import replace
    >>> replace(create_recipe("nuclei"), epochs=3).epochs
    3
"""

from collections.abc import Callable

from edgewise._ground.registry import Registry
from edgewise.vision.training.recipe import Recipe

RECIPES: Registry[Callable[[], Recipe]] = Registry("recipe")


def list_recipes() -> list[str]:
    """Names of the recipes there are."""
    return list(RECIPES)


def create_recipe(name: str) -> Recipe:
    """The recipe registered under ``name``.

    Raises:
        ConfigError: There is none; the message names the nearest.
    """
    return RECIPES.create(name)
