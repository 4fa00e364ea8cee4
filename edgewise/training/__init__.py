"""Training of segmentation networks: recipes, runs, scores, predictions and reports.

Importing this needs torch alone; Lightning, MONAI and the rest are imported by what uses them.
"""

from edgewise.training.folder import Result, RunFolder
from edgewise.training.recipe import Data, Machine, Model, Optimiser, Recipe
from edgewise.training.recipes import RECIPES, create_recipe, list_recipes
from edgewise.training.run import train

__all__ = [
    "RECIPES",
    "Data",
    "Machine",
    "Model",
    "Optimiser",
    "Recipe",
    "Result",
    "RunFolder",
    "create_recipe",
    "list_recipes",
    "train",
]
