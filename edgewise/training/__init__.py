"""Training of segmentation networks: recipes, runs, scores, predictions and reports.

Importing this needs torch alone; Lightning, MONAI and the rest are imported by what uses them.
"""

from edgewise.training.baseline import Threshold, fit_threshold
from edgewise.training.evaluate import Case, Evaluation, evaluate
from edgewise.training.folder import Result, RunFolder
from edgewise.training.predict import Predictions, Predictor, predict
from edgewise.training.recipe import Data, Machine, Model, Optimiser, Recipe
from edgewise.training.recipes import RECIPES, create_recipe, list_recipes
from edgewise.training.report import Method, Report, write_report
from edgewise.training.run import train

__all__ = [
    "RECIPES",
    "Case",
    "Data",
    "Evaluation",
    "Machine",
    "Method",
    "Model",
    "Optimiser",
    "Predictions",
    "Predictor",
    "Recipe",
    "Report",
    "Result",
    "RunFolder",
    "Threshold",
    "create_recipe",
    "evaluate",
    "fit_threshold",
    "list_recipes",
    "predict",
    "train",
    "write_report",
]
