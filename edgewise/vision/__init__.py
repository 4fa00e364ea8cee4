"""Training of networks that segment pictures or name their classes: recipes, runs, scores, predictions and reports.

Importing this needs torch alone; Lightning, MONAI and the rest are imported by what uses them.
"""

from edgewise.vision.classification import pool as _pool_of_classes  # noqa: F401 (registers it)
from edgewise.vision.classification import recipes as _recipes_of_classification  # noqa: F401 (registers them)
from edgewise.vision.classification.recipe import AdamW, Augment, ClassificationRecipe, LabelledData, Mix
from edgewise.vision.classification.task import Classification
from edgewise.vision.data.intensity import Intensity
from edgewise.vision.ensembles.folder import EnsembleFolder, Members
from edgewise.vision.ensembles.run import train_ensemble
from edgewise.vision.ensembles.scoring import EnsembleScores
from edgewise.vision.generation import recipes as _recipes_of_generation  # noqa: F401 (registers them)
from edgewise.vision.generation.recipe import DiffusionAdam, GenerationRecipe, Judge, Noise, PictureData
from edgewise.vision.generation.sample import sample
from edgewise.vision.generation.sampler import Sampler
from edgewise.vision.generation.task import Generation
from edgewise.vision.segmentation import pool as _pool_of_masks  # noqa: F401 (registers it)
from edgewise.vision.segmentation import recipes as _recipes_of_segmentation  # noqa: F401 (registers them)
from edgewise.vision.segmentation.augment import MaskedAugment
from edgewise.vision.segmentation.baseline import Threshold, fit_threshold
from edgewise.vision.segmentation.comparison import Comparison
from edgewise.vision.segmentation.decision import Decision
from edgewise.vision.segmentation.evaluate import evaluate_masks
from edgewise.vision.segmentation.evaluation import Case, Evaluation
from edgewise.vision.segmentation.inference.each import Predictions
from edgewise.vision.segmentation.inference.files import Inference
from edgewise.vision.segmentation.inference.opening import open_predictor
from edgewise.vision.segmentation.objective import Loss
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import Adam, MaskedData, SegmentationRecipe
from edgewise.vision.segmentation.task import Segmentation
from edgewise.vision.segmentation.tuned import TunedThreshold
from edgewise.vision.training.distill import Distillation, SoftLabels, distill
from edgewise.vision.training.files import Result
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.learner import Learner
from edgewise.vision.training.page import Method, Report
from edgewise.vision.training.recipe import Data, Machine, Model, Recipe
from edgewise.vision.training.recipes import RECIPES, create_recipe, list_recipes
from edgewise.vision.training.run import train
from edgewise.vision.training.tasks import TASKS, Task
from edgewise.vision.verbs import compare_runs, deploy, evaluate, predict, tune_threshold, write_report
from edgewise.vision.volumes import pool as _pool_of_volumes  # noqa: F401 (registers it)
from edgewise.vision.volumes.recipe import VolumeData, VolumeRecipe
from edgewise.vision.volumes.sliced.recipe import SliceData, SliceRecipe
from edgewise.vision.volumes.sliced.task import SliceSegmentation
from edgewise.vision.volumes.task import VolumeSegmentation

__all__ = [
    "RECIPES",
    "TASKS",
    "Adam",
    "AdamW",
    "Augment",
    "Case",
    "Classification",
    "ClassificationRecipe",
    "Comparison",
    "Data",
    "Decision",
    "DiffusionAdam",
    "Distillation",
    "EnsembleFolder",
    "EnsembleScores",
    "Evaluation",
    "Generation",
    "GenerationRecipe",
    "Inference",
    "Intensity",
    "Judge",
    "LabelledData",
    "Learner",
    "Loss",
    "Machine",
    "MaskedAugment",
    "MaskedData",
    "Members",
    "Method",
    "Mix",
    "Model",
    "Noise",
    "PictureData",
    "Predictions",
    "Predictor",
    "Recipe",
    "Report",
    "Result",
    "RunFolder",
    "Sampler",
    "Segmentation",
    "SegmentationRecipe",
    "SliceData",
    "SliceRecipe",
    "SliceSegmentation",
    "SoftLabels",
    "Task",
    "Threshold",
    "TunedThreshold",
    "VolumeData",
    "VolumeRecipe",
    "VolumeSegmentation",
    "compare_runs",
    "create_recipe",
    "deploy",
    "distill",
    "evaluate",
    "evaluate_masks",
    "fit_threshold",
    "list_recipes",
    "open_predictor",
    "predict",
    "sample",
    "train",
    "train_ensemble",
    "tune_threshold",
    "write_report",
]
