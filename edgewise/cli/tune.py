"""``edgewise tune``: a study of a recipe's settings becomes a folder of runs, the best command line and a report."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from edgewise.cli._allocator import keep_freed_memory
from edgewise.cli._parse import call, summary
from edgewise.cli._tables import print_table
from edgewise.cli.train import registered_for
from edgewise.vision import RECIPES, Recipe
from edgewise.vision.tuning import Space, TrialRun, tune, write_tuning_report
from edgewise.vision.tuning.report import best_command, ranked, setting_names, setting_text, trial_row
from edgewise.vision.tuning.trials import StudyFolder

_HELP = """\
usage: edgewise tune RECIPE --run DIR [--trials N] [space] [settings]

Search for the settings of a recipe that score best on its validation images: the
basis of the functions, their number, the widths of the network, the learning rates
of coefficients and of the dense part. `edgewise tune RECIPE --help` lists every
setting; the same command goes on with a study that was stopped.

examples:
  edgewise tune mnist --run runs/tuned --trials 30 --epochs 5
  edgewise tune busi --data.root ~/data/busi --run runs/tuned --space.bases bspline chebyshev
  edgewise tune cifar10 --model.name conv_kan --model.options '{}' --run runs/tuned --space.width None
"""
SHOWN = 5


def main(words: list[str]) -> None:
    """Run the subcommand."""
    keep_freed_memory()  # this process is for training alone
    if not words or words[0] in ("-h", "--help"):
        print(_HELP)
        print_table(("recipe", ""), [(name, summary(RECIPES[name])) for name in RECIPES], left=(0, 1))
        raise SystemExit(0 if words else 2)
    name, *settings = words
    call(_command(name, settings), settings, prog=f"edgewise tune {name}")


def _command(name: str, settings: list[str]) -> Callable[..., None]:
    """The function whose signature is the command line: the settings of a recipe, the space, the folder of the study."""

    default = registered_for(name, settings)

    def command(
        *,
        recipe: Recipe = default,
        run: Annotated[Path, arg(metavar="DIR")],
        trials: int = 20,
        space: Space = Space(),  # noqa: B008 (frozen)
        pruner: Literal["median", "hyperband", "none"] = "median",
    ) -> None:
        """Search for the settings that score best on the validation images.

        Options come in any order; the settings of the recipe are where the search starts from.

        Args:
            recipe: What to train on what, and how.
            run: Folder that keeps everything about the study; made if needed.
            trials: How many there are to be in all, those of earlier calls among them.
            space: The settings to choose from; None leaves one as the recipe has it.
            pruner: What stops runs that lag behind the others.
        """
        tune(recipe, run, trials=trials, space=space, pruner=pruner, start=name, follow=_say)
        _conclude(run)

    command.__annotations__["recipe"] = Annotated[type(default), arg(name="")]  # the settings of this very task
    return command


def _say(trial: TrialRun) -> None:
    settings = "  ".join(f"{name} {setting_text(value)}" for name, value in trial.settings.items())
    score = "" if trial.score is None else f" {trial.score:.4f}"
    print(f"trial {trial.index:04d} {trial.state}{score}  {trial.reason or settings}")


def _conclude(run: Path) -> None:
    tuning = write_tuning_report(run)
    rows = [trial_row(tuning, trial) for trial in ranked(tuning)[:SHOWN]]
    columns = [*(name.replace("_", " ") for name in setting_names(tuning)), "parameters", "epochs", "score"]
    print_table(("trial", *columns), rows)
    print(f"best run: {tuning.best_run}; report: {StudyFolder(run).report}; to train it anew:\n{best_command(tuning)}")
