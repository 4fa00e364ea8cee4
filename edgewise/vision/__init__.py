"""Training of networks that segment pictures or name their classes: recipes, runs, scores, predictions and reports.

Importing this needs torch alone; Lightning, MONAI and the rest are imported by what uses them.
"""

from edgewise.vision.classification.recipe import AdamW, Augment, ClassificationRecipe, LabelledData, Mix
from edgewise.vision.classification.recipes import mnist as _registers_recipes  # noqa: F401
from edgewise.vision.segmentation.baseline import Threshold, fit_threshold
from edgewise.vision.segmentation.evaluate import Case, Evaluation, evaluate
from edgewise.vision.segmentation.predict import Predictions, Predictor, predict
from edgewise.vision.segmentation.recipes import RECIPES, create_recipe, list_recipes
from edgewise.vision.segmentation.report import Method, Report, write_report
from edgewise.vision.training.distill import Distillation, SoftLabels, distill
from edgewise.vision.training.folder import Result, RunFolder
from edgewise.vision.training.recipe import Data, Machine, Model, Optimiser, Recipe
from edgewise.vision.training.run import train

__all__ = [
    "RECIPES",
    "AdamW",
    "Augment",
    "Case",
    "ClassificationRecipe",
    "Data",
    "Distillation",
    "Evaluation",
    "LabelledData",
    "Machine",
    "Method",
    "Mix",
    "Model",
    "Optimiser",
    "Predictions",
    "Predictor",
    "Recipe",
    "Report",
    "Result",
    "RunFolder",
    "SoftLabels",
    "Threshold",
    "create_recipe",
    "distill",
    "evaluate",
    "fit_threshold",
    "list_recipes",
    "predict",
    "train",
    "write_report",
]
