"""Generation as a task: pictures like those of a folder."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.io import load_model
from edgewise.models.deployment import Deployment
from edgewise.vision.data.inventory import Inventory
from edgewise.vision.generation.deploy import deploy_generator
from edgewise.vision.generation.evaluate import GenerationEvaluation, evaluate_run
from edgewise.vision.generation.images import PictureImages
from edgewise.vision.generation.learner import Denoiser
from edgewise.vision.generation.network import create_noise_predictor
from edgewise.vision.generation.recipe import GenerationRecipe
from edgewise.vision.generation.report import report_generation
from edgewise.vision.training.files import RunFiles
from edgewise.vision.training.page import Compared, Report
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.tasks import TASKS, Predicted, Score, Tuned


@TASKS.register(GenerationRecipe.task)
class Generation:
    """Pictures like those of a folder."""

    truth: ClassVar = "image"
    any_size: ClassVar = True
    packages: ClassVar = ()

    def score(self, recipe: GenerationRecipe) -> Score:
        return Score("val_fit", "minus validation loss")

    def images(self, recipe: GenerationRecipe, inventory: Inventory | None = None) -> PictureImages:
        return PictureImages(recipe, inventory)

    def network(self, recipe: GenerationRecipe) -> nn.Module:
        return create_noise_predictor(recipe.model, recipe.data)

    def load(self, path: Path) -> nn.Module:
        return load_model(path)

    def learner(self, network: nn.Module, recipe: GenerationRecipe, facts: Mapping[str, Any]) -> Denoiser:
        return Denoiser(network, recipe)

    def criterion(self, recipe: GenerationRecipe, facts: Mapping[str, Any]) -> Callable[[Tensor, Tensor], Tensor]:
        raise ConfigError("the loss of a generation is that of noise put in, not of pictures: this analysis has none of it")

    def baseline(self, recipe: GenerationRecipe, match: str) -> Recipe:
        raise ConfigError("a plain baseline is made for classification; of a generation, the report has held-out pictures")

    def evaluate(
        self, runs: Sequence[RunFiles], members: Sequence[Path], dataset: Any, device: str, inference: Any = None
    ) -> GenerationEvaluation:
        path, *others = members
        if dataset is not None or others or inference is not None:
            raise ConfigError(
                f"{path} is a run of generation, which its own held-out pictures score: leave out other runs, --data and "
                "what is asked of masks"
            )
        return evaluate_run(path, device)

    def comparison(self) -> Callable[[Any, Any], Compared]:
        raise ConfigError("runs of generation are not compared picture by picture: score each run for itself")

    def predict(
        self, runs: Sequence[Path], images: Iterable[str | Path], out_dir: Path, device: str, inference: Any = None
    ) -> Predicted:
        raise ConfigError(
            f"{runs[0]} is a run of generation, which makes pictures and reads none: edgewise sample {runs[0]} --out DIR"
        )

    def tune_threshold(self, run_dir: Path, device: str) -> Tuned:
        raise ConfigError(f"{run_dir} is a run of generation, which makes no masks: no threshold is tuned")

    def deployment(self, run_dir: Path) -> Deployment:
        return deploy_generator(run_dir)

    def report(self, run_dirs: Sequence[str | Path], path: Path, titles: Sequence[str] | None, device: str) -> Report:
        return report_generation(run_dirs, path, titles, device)
