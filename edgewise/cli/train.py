"""``edgewise train``: a recipe, changed setting by setting, becomes a run with a report."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from edgewise.cli._parse import call, summary
from edgewise.cli._tables import print_methods, print_table
from edgewise.training import RECIPES, Recipe, create_recipe

_HELP = """\
usage: edgewise train RECIPE --run DIR [--resume] [settings]

Train a model as a recipe says. `edgewise train RECIPE --help` lists every
setting of it, and each can be changed.

examples:
  edgewise train nuclei --run runs/first
  edgewise train busi --data.root ~/data/busi --model.name ukan --epochs 15 --run runs/busi
  edgewise train nuclei --run runs/first --resume
"""


def main(words: list[str]) -> None:
    """Run the subcommand."""
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
        recipe: Annotated[Recipe, arg(name="")] = default,
        run: Annotated[Path, arg(metavar="DIR")],
        resume: bool = False,
    ) -> None:
        """Options come in any order, and every setting below can be changed.

        Args:
            recipe: What to train on what, and how.
            run: Folder that keeps everything about the run; made if needed.
            resume: Go on with the run in that folder; give the settings it was started with.
        """
        train_and_report(recipe, run, resume)

    return command


def train_and_report(recipe: Recipe, run: Path, resume: bool) -> None:
    """Train, score the best epoch on the test images, and say where everything is."""
    from edgewise.training import train
    from edgewise.training.report import write_report

    result = train(recipe, run, resume=resume)
    report = write_report([run], run / "report.html")
    print_methods(report.methods)
    print(f"best epoch {result.best_epoch + 1} of {result.epochs}, {result.seconds:.0f} s; report: {report.html}")
