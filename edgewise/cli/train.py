"""``edgewise train``: a recipe, changed setting by setting, becomes a run with a report."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from edgewise._ground.errors import ConfigError
from edgewise.cli._allocator import keep_freed_memory
from edgewise.cli._parse import call, summary
from edgewise.cli._tables import print_methods, print_table
from edgewise.vision import RECIPES, Model, Recipe, create_recipe, train, write_report
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.training.run import is_first_process
from edgewise.vision.training.tasks import task_of

_HELP = """\
usage: edgewise train RECIPE --run DIR [settings]
       edgewise train --resume --run DIR [--epochs MORE]

Train a model as a recipe says. `edgewise train RECIPE --help` lists every
setting of it, and each can be changed.  --baseline  also trains a plain network
that costs as much (of classification recipes).  --resume  goes on with a run by
its own settings; with more epochs it makes a run longer, also a finished one.

examples:
  edgewise train nuclei --run runs/first
  edgewise train busi --data.root ~/data/busi --model.name ukan --epochs 15 --run runs/busi
  edgewise train --resume --run runs/first
  edgewise train --resume --run runs/first --epochs 100
  edgewise train mnist --run runs/digits --baseline
"""


def main(words: list[str]) -> None:
    """Run the subcommand."""
    keep_freed_memory()  # this process is for training alone
    if not words or words[0] in ("-h", "--help"):
        print(_HELP)
        print_table(("recipe", ""), [(name, summary(RECIPES[name])) for name in RECIPES], left=(0, 1))
        raise SystemExit(0 if words else 2)
    name, settings = (None, words) if words[0].startswith("-") else (words[0], words[1:])
    recipe = _recipe(name, settings)
    command = _command(recipe)
    command.__doc__ = f"{summary(RECIPES[name]) if name else 'Go on with a run.'}\n\n{inspect.getdoc(command)}"
    call(command, settings, prog=f"edgewise train {name}" if name else "edgewise train")


def _recipe(name: str | None, settings: list[str]) -> Recipe:
    """The recipe whose settings the others change: of a run that is resumed its own, else the registered one.

    Raises:
        ConfigError: There is none of this name, or no name and no run, or the run is of another task.
    """
    registered = registered_for(name, settings) if name else None
    run = option_of(settings, "--run") if "--resume" in settings else None
    folder = RunFolder(run) if run is not None else None
    if folder is None or not folder.config.exists():
        if registered is None:
            where = f"{run} holds no run" if run else "no recipe is named"
            raise ConfigError(f"{where}: name the recipe to train, edgewise train RECIPE --run DIR")
        return registered
    stored = folder.read_recipe()
    if registered is not None and option_of(settings, "--data.name") is None and registered.data.name != stored.data.name:
        raise ConfigError(
            f"{run} is a run on {stored.data.name!r} and recipe {name!r} is one on {registered.data.name!r}: leave its "
            "name out, edgewise train --resume --run DIR"
        )
    return stored


def registered_for(name: str, settings: list[str]) -> Recipe:
    """The registered recipe; its options of a model go with that model, so another that is named begins without any."""
    recipe, model = create_recipe(name), option_of(settings, "--model.name")
    return recipe if model in (None, recipe.model.name) else replace(recipe, model=Model(name=model))


def option_of(words: list[str], option: str) -> str | None:
    """What is given for an option, as ``--run DIR`` or ``--run=DIR``."""
    after = [other for word, other in pairwise([*words, ""]) if word == option]
    return next(iter([*after, *(word.partition("=")[2] for word in words if word.startswith(f"{option}="))]), None)


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
            resume: Go on with the run in that folder, by the settings that it was started with; more epochs make it longer.
            baseline: Also train a plain network that costs as much, in the folder baseline within the run, and report on
                both.
            match: What the plain network has as much of; "time" is the seconds of a training step, measured here. A resumed
                run keeps the plain network that it has.
        """
        beside = RunFolder(run / "baseline")
        begun = resume and beside.config.exists()
        if match != "parameters" and not (baseline or begun):
            raise ConfigError(f"--match is {match} and there is no --baseline: leave it out, or give --baseline")
        with_plain = baseline or begun
        plain = _baseline(recipe, match, beside, resume) if with_plain else None
        train_and_report(recipe, run, resume, plain)

    command.__annotations__["recipe"] = Annotated[type(default), arg(name="")]  # the settings of this very task
    return command


def _baseline(recipe: Recipe, match: str, folder: RunFolder, resume: bool) -> Recipe:
    """The plain recipe; of a resumed run the network that it was started with."""
    if resume and folder.config.exists():
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
