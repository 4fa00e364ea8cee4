"""The settings that a study chooses from."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.bases import list_bases
from edgewise.models.registry import to_plain
from edgewise.nn import parameter_kinds
from edgewise.vision.training.recipe import Recipe
from edgewise.vision.training.strict import require_that
from edgewise.vision.training.tasks import task_of
from edgewise.vision.tuning.options import TunableOptions

if TYPE_CHECKING:
    from optuna.trial import BaseTrial


@dataclass(frozen=True, kw_only=True)
class Space:
    """Ranges of settings, ends included; ``None`` leaves a setting as the recipe has it.

    Example:
        >>> from optuna.trial import FixedTrial
        >>> from edgewise.vision import create_recipe
        >>> space = Space(bases=("chebyshev",), coefficient_factor=None)
        >>> trial = FixedTrial({"basis": "chebyshev", "functions": 6, "width": 0.5, "learning_rate": 1e-3})
        >>> recipe = space.suggest(trial, create_recipe("mnist"))
        >>> recipe.model.options["width"], recipe.model.options["basis"]["degree"], recipe.optimiser.learning_rate
        ([784, 32, 10], 5, 0.001)
    """

    bases: tuple[str, ...] | None = ("bspline", "gaussian_rbf", "chebyshev", "fourier")
    """Bases of the functions on edges, by name."""
    functions: tuple[int, int] | None = (4, 16)
    """Functions an edge is a sum of: the grid of splines and the degree of polynomials follow from it."""
    width: tuple[float, float] | None = (0.5, 2.0)
    """What the hidden widths of the recipe are multiplied by."""
    learning_rate: tuple[float, float] | None = (3e-4, 1e-2)
    """Learning rate of the dense part."""
    coefficient_factor: tuple[float, float] | None = (0.3, 10.0)
    """The learning rate of coefficients of edge functions is so many times that."""

    def __post_init__(self):
        known = [name for name in list_bases() if name != "squashed"]
        for name in self.bases or ():
            if name not in known:
                raise unknown("basis", name, known)
        require_that(self.bases is None or len(self.bases) > 0, "space.bases", self.bases, "at least one basis, or none")
        for name in ("functions", "width", "learning_rate", "coefficient_factor"):
            ends = getattr(self, name)
            fits = ends is None or 0 < ends[0] <= ends[1] < float("inf")
            require_that(fits, f"space.{name}", ends, "two positive numbers, the larger last, or none")

    def fitted(self, recipe: Recipe) -> "Space":
        """The space without what the recipe's network does not have.

        Raises:
            ConfigError: Neither its functions nor its width can be tuned, or the recipe makes no network.
        """
        options = TunableOptions(recipe.model)
        if not (options.has_functions or options.has_width):
            raise ConfigError(
                f"model {recipe.model.name!r} has neither basis nor width to tune: of its options, "
                f"{', '.join(options.values)}, it is registered (takes=) with none as such. Choose another model; beside "
                "them the learning rates of coefficients and of the dense part are tuned"
            )
        with torch.random.fork_rng(devices=[]):
            kinds = parameter_kinds(task_of(recipe).network(recipe)).values()
        return replace(
            self,
            bases=self.bases if options.has_basis else None,
            functions=self.functions if options.has_functions else None,
            width=self.width if options.has_width else None,
            coefficient_factor=self.coefficient_factor if "coefficient" in kinds else None,
        )

    def suggest(self, trial: "BaseTrial", recipe: Recipe) -> Recipe:
        """The recipe with the settings that a trial draws from this space, which must be fitted to it."""
        options = TunableOptions(recipe.model)
        changed: dict[str, Any] = {}
        basis = trial.suggest_categorical("basis", self.bases) if self.bases else None
        functions = trial.suggest_int("functions", *self.functions) if self.functions else None
        if options.has_basis and (basis or functions):
            changed |= options.with_basis(basis or _name(options), functions or options.functions)
        elif functions:
            changed |= options.with_functions(functions)
        if self.width:
            changed |= options.scaled(trial.suggest_float("width", *self.width, log=True))
        rate, factor = recipe.optimiser.learning_rate, recipe.optimiser.coefficient_factor
        if self.learning_rate:
            rate = trial.suggest_float("learning_rate", *self.learning_rate, log=True)
        if self.coefficient_factor:
            factor = trial.suggest_float("coefficient_factor", *self.coefficient_factor, log=True)
        model = replace(recipe.model, options={**recipe.model.options, **changed})
        return replace(recipe, model=model, optimiser=recipe.optimiser.with_rates(rate, factor))

    def own(self, recipe: Recipe) -> dict[str, Any] | None:
        """What a trial would draw to get the recipe itself; None where this space does not hold it."""
        options = TunableOptions(recipe.model)
        if options.has_basis and len(options.bases) > 1:
            return None
        values = {
            "basis": _name(options) if self.bases else None,
            "functions": options.functions if self.functions else None,
            "width": 1.0,
            "learning_rate": recipe.optimiser.learning_rate,
            "coefficient_factor": recipe.optimiser.coefficient_factor,
        }
        ranges = {name.replace("bases", "basis"): choice for name, choice in asdict(self).items() if choice is not None}
        inside = all(
            values[name] in choice if name == "basis" else choice[0] <= values[name] <= choice[1]
            for name, choice in ranges.items()
        )
        return {name: values[name] for name in ranges} if inside else None


def _name(options: TunableOptions) -> str:
    return to_plain(options.bases[0])["name"]
