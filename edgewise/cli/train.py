"""``edgewise train``: a recipe, changed setting by setting, becomes a run with a report."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from edgewise.cli._allocator import keep_freed_memory
from edgewise.cli._parse import call, summary
from edgewise.cli._tables import print_methods, print_table
from edgewise.vision import RECIPES, Recipe, create_recipe, train, write_report
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.run import is_first_process
from edgewise.vision.training.tasks import task_of

_HELP = """\
usage: edgewise train RECIPE --run DIR [--resume] [settings]

Train a model as a recipe says. `edgewise train RECIPE --help` lists every
setting of it, and each can be changed.  --baseline  also trains a plain network
that costs as much (of classification recipes).

examples:
  edgewise train nuclei --run runs/first
  edgewise train busi --data.root ~/data/busi --model.name ukan --epochs 15 --run runs/busi
  edgewise train nuclei --run runs/first --resume
  edgewise train mnist --run runs/digits --baseline
"""


def main(words: list[str]) -> None:
    """Run the subcommand."""
    keep_freed_memory()  # this process is for training alone
    if not words or words[0] in ("-h", "--help"):
        print(_HELP)
        print_table(("recipe", ""), [(name, summary(RECIPES[name])) for name in RECIPES], left=(0, 1))
        raise SystemExit(0 if words else 2)
    name, *settings = words
    command = _command(create_recipe(name))
    command.__doc__ = f"{summary(RECIPES[name])}\n\n{inspect.getdoc(command)}"
    call(command, settings, prog=f"edgewise train {name}")


def _command(default: Recipe) -> Callable[..., None]:
    """The function whose signature is the command line: the settings of a recipe, and where to keep the run."""

    def command(
        *,
        recipe: Recipe = default,
        run: Annotated[Path, arg(metavar="DIR")],
        resume: bool = False,
        baseline: bool = False,
        match: Literal["parameters", "flops", "time"] = "parameters",
    ) -> None:
        """Options come in any order, and every setting below can be changed.

        Args:
            recipe: What to train on what, and how.
            run: Folder that keeps everything about the run; made if needed.
            resume: Go on with the run in that folder; give the settings it was started with.
            baseline: Also train a plain network that costs as much, in the folder baseline within the run, and report on
                both.
            match: What the plain network has as much of; "time" is the seconds of a training step, measured here.
        """
        plain = _baseline(recipe, match, RunFolder(run / "baseline"), resume) if baseline else None
        train_and_report(recipe, run, resume, plain)

    command.__annotations__["recipe"] = Annotated[type(default), arg(name="")]  # the settings of this very task
    return command


def _baseline(recipe: Recipe, match: str, folder: RunFolder, resume: bool) -> Recipe:
    """The plain recipe; of a resumed run the network that it was started with, since no time is measured twice the same."""
    if match == "time" and resume and folder.config.exists():
        return replace(recipe, model=folder.read_recipe().model)
    return task_of(recipe).baseline(recipe, match)


def train_and_report(recipe: Recipe, run: Path, resume: bool, baseline: Recipe | None = None) -> None:
    """Train, score the best epoch on the test images, and say where everything is; with a baseline, beside it."""
    result = train(recipe, run, resume=resume)
    runs = [run]
    if baseline is not None:
        runs.append(run / "baseline")
        train(baseline, runs[1], resume=resume)
    if not is_first_process():
        return
    report = write_report(runs, run / "report.html")
    print_methods(report.methods)
    print(f"best epoch {result.best_epoch + 1} of {result.epochs}, {result.seconds:.0f} s; report: {report.html}")
