"""``edgewise ensemble``: k folds and several seeds of a recipe become a folder of runs, scores, and one predictor."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from edgewise._ground.errors import ConfigError
from edgewise.cli._allocator import keep_freed_memory
from edgewise.cli._parse import call, summary
from edgewise.cli._tables import print_table
from edgewise.cli.train import option_of, registered_for
from edgewise.vision import RECIPES, create_recipe
from edgewise.vision.ensembles.folder import EnsembleFolder, Members
from edgewise.vision.ensembles.run import train_ensemble
from edgewise.vision.training.files import Result
from edgewise.vision.training.pool import POOLS
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.run import is_first_process

_HELP = """\
usage: edgewise ensemble RECIPE --run DIR [--folds K] [--seeds N] [settings]
       edgewise ensemble --resume --run DIR [--epochs MORE] [--seeds MORE]

Train K folds times N seeds of a recipe of segmentation, volumes or classification.
Each image is scored by the members that did not see it, and the test side, which
none of them saw, by the mean of their probabilities. `edgewise ensemble RECIPE --help` lists every setting.
`edgewise evaluate` and `edgewise predict` take the folder as they take a run.

examples:
  edgewise ensemble folder --data.root ~/mine --folds 5 --seeds 2 --run runs/ens
  edgewise ensemble --resume --run runs/ens
  edgewise predict runs/ens new/ --out masks
"""


def main(words: list[str]) -> None:
    """Run the subcommand."""
    keep_freed_memory()  # this process is for training alone
    if not words or words[0] in ("-h", "--help"):
        print(_HELP)
        known = [name for name in RECIPES if create_recipe(name).task in POOLS]
        print_table(("recipe", ""), [(name, summary(RECIPES[name])) for name in known], left=(0, 1))
        raise SystemExit(0 if words else 2)
    name, settings = (None, words) if words[0].startswith("-") else (words[0], words[1:])
    run = option_of(settings, "--run") if "--resume" in settings else None
    folder = EnsembleFolder(run) if run is not None else None
    stored = folder if folder is not None and folder.is_there else None
    recipe = _recipe(name, settings, stored, run)
    members = stored.read_members() if stored else Members()
    call(_command(recipe, members), settings, prog=f"edgewise ensemble {name}" if name else "edgewise ensemble")


def _recipe(name: str | None, settings: list[str], stored: EnsembleFolder | None, run: str | None) -> Recipe:
    """The recipe whose settings the others change: of an ensemble that is resumed its own, else the registered one.

    Raises:
        ConfigError: There is none of this name, or no name and no ensemble.
    """
    registered = registered_for(name, settings) if name else None
    if stored is None and registered is None:
        where = f"{run} holds no ensemble" if run else "no recipe is named"
        raise ConfigError(f"{where}: name the recipe to train, edgewise ensemble RECIPE --run DIR")
    return stored.read_recipe() if stored else registered  # pyright: ignore[reportReturnType] (one of them is there)


def _command(default: Recipe, many: Members) -> Callable[..., None]:
    """The function whose signature is the command line: the settings of a recipe, how many members, and where."""

    def command(
        *,
        recipe: Recipe = default,
        run: Annotated[Path, arg(metavar="DIR")],
        members: Annotated[Members, arg(name="")] = many,
        resume: bool = False,
        device: str = "cpu",
    ) -> None:
        """Options come in any order, and every setting below can be changed.

        Args:
            recipe: What to train on what, and how.
            run: Folder that keeps everything about the ensemble; made if needed.
            members: How many runs.
            resume: Go on with the ensemble in that folder, by the settings that it was started with; epochs and seeds may
                be more.
            device: Where to compute the scores, such as cpu or cuda.
        """
        scores = train_ensemble(recipe, run, members, resume=resume, device=device, follow=_say)
        if not is_first_process():
            return
        print_table(("score", "out of fold", "95 %", "folds", "test", "95 %"), scores.rows())
        print_table(("", "images", scores.out_of_fold.titles[scores.leading], "95 %"), scores.fold_rows())
        print(f"out of fold: {scores.out_of_fold.summary()}")
        print(f"test, by the mean of all members: {scores.test.summary()}")
        print(f"all scores: {EnsembleFolder(run).scores}")

    command.__annotations__["recipe"] = Annotated[type(default), arg(name="")]
    return command


def _say(name: str, result: Result) -> None:
    if is_first_process():
        print(f"{name}: best epoch {result.best_epoch + 1} of {result.epochs}, {result.score} {result.best:.4f}")
