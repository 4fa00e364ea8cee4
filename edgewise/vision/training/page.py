"""What the reports of all tasks have in common."""

from collections import Counter

from edgewise._optional import require
from edgewise.io import read_json
from edgewise.vision.training.folder import Result, RunFolder
from edgewise.vision.training.recipe import Data, Recipe


def titles_of(folders: list[RunFolder], recipes: list[Recipe]) -> list[str]:
    """A name for each run: its model's, with the folder's where two are of one model."""
    models = [recipe.model.name for recipe in recipes]
    often = Counter(models)
    return [
        model if often[model] == 1 else f"{model} ({folder.path.name})"
        for model, folder in zip(models, folders, strict=True)
    ]


def costs(result: Result | None) -> list[dict]:
    """Parameters, seconds an epoch and the best epoch; a threshold has one number to fit and no epochs."""
    texts = ["1", "", ""]
    if result:
        pace = f"{result.seconds / result.epochs:.1f}"
        texts = [f"{result.parameters:,}", pace, f"{result.best_epoch + 1} of {result.epochs}"]
    return [{"text": text, "best": False} for text in texts]


def headline(titles: list[str], data: Data) -> str:
    """What is the report about."""
    *others, last = titles
    return f"{', '.join(others)} and {last} on {data.name}" if others else f"{last} on {data.name}"


def footer(folder: RunFolder) -> str:
    """The versions that made a run."""
    versions = read_json(folder.config).get("versions", {})
    return " · ".join(f"{name} {number}" for name, number in versions.items())


def template(package: str, name: str):
    """A page of a package, which may extend the pages of this one."""
    jinja2 = require("jinja2", extra="training")
    loader = jinja2.ChoiceLoader([jinja2.PackageLoader(home, "") for home in (package, __package__)])
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, loader=loader).get_template(name)
