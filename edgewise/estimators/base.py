"""What the estimators share: columns in units of their deviations, a seed of their own, a penalty that suits the data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from edgewise._ground.optional import require
from edgewise.estimators.columns import Columns
from edgewise.estimators.deployment import deployment_of_rows
from edgewise.kan.discovery.discover import PENALTY, discover
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.discovery.start import learning_by_heart, seeded, start
from edgewise.kan.discovery.strength import chosen_strength
from edgewise.kan.fitting import History, Table, fit
from edgewise.kan.fitting.columns import cut_outputs, still
from edgewise.kan.fitting.plan import Loss
from edgewise.kan.kan import KAN
from edgewise.models.deployment import Deployment

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
else:
    BaseEstimator = require("sklearn.base", extra="science").BaseEstimator
validation = require("sklearn.utils.validation", extra="science")

LARGEST_SEED = 2**31 - 1


class KANEstimator(BaseEstimator):
    """Base of regressor and classifier; their docstrings say what the settings are."""

    def __init__(
        self,
        hidden: Sequence = (5,),
        *,
        grid: int = 3,
        k: int = 3,
        penalty: float | Sequence[float] | None = None,
        optimizer: str = "lm",
        steps: int = 20,
        starts: int = 2,
        symbolic: bool = False,
        functions: Sequence[str] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.hidden = hidden
        self.grid = grid
        self.k = k
        self.penalty = penalty
        self.optimizer = optimizer
        self.steps = steps
        self.starts = starts
        self.symbolic = symbolic
        self.functions = functions
        self.random_state = random_state

    def _fit(self, x: np.ndarray, y: np.ndarray, outputs: int, digit: float, loss: Loss | None = None) -> None:
        """Set everything that is learned, from checked arrays whose rounding errors have the relative size ``digit``."""
        random = require("sklearn.utils", extra="science").check_random_state(self.random_state)
        seed = int(random.randint(LARGEST_SEED))
        if self.symbolic:
            self._discover(x, y, digit, loss, seed)
            return
        columns, targets = Columns.of(torch.tensor(x), digit), torch.tensor(y)
        scale = Scale.of(targets) if loss is None else Scale.none(outputs)
        table = Table(columns(x), scale(targets) if loss is None else targets)
        with seeded(seed):
            model = start((x.shape[1], *self.hidden, outputs), self.grid, self.k, len(x) * outputs)
            columns.cut(model, torch.tensor(x), digit, self._names())
            if loss is None:
                cut_outputs(model, targets)
            self.penalty_ = self._chosen_penalty(model, table, loss) if self.penalty is None else self.penalty
            starts = 1 if self.penalty is None else self.starts
            self.history_ = self._fit_network(model, table, loss, self.penalty_, starts)
        self._keep(model, columns, scale)

    def _discover(self, x: np.ndarray, y: np.ndarray, digit: float, loss: Loss | None, seed: int) -> None:
        found = discover(
            x.astype(np.float32) if digit == np.finfo(np.float32).eps else x,  # the numbers as they were given
            y,
            names=self._names(),
            hidden=self.hidden,
            grid=self.grid,
            k=self.k,
            functions=self.functions,
            penalty=PENALTY if self.penalty is None else self.penalty,
            optimizer=self.optimizer,
            loss=loss,
            steps=self.steps,
            starts=self.starts,
            seed=seed,
            progress=False,
        )
        self.discovery_, self.formula_ = found, found.formula
        self._keep(found.symbolic or found.network, Columns(found.inputs, still(torch.tensor(x), digit)), found.outputs)

    def _names(self) -> list[str] | None:
        names = getattr(self, "feature_names_in_", None)
        return None if names is None else list(names)

    def _keep(self, model: KAN, columns: Columns, targets: Scale) -> None:
        self.network_, self.grid_ = model, getattr(model[0].edge.basis, "grid_size", None)
        self._columns = columns
        self.mean_, self.scale_ = columns.scale.mean.numpy(), columns.scale.deviation.numpy()
        self.target_mean_, self.target_scale_ = targets.mean.numpy(), targets.deviation.numpy()

    def _fit_network(
        self, model: KAN, table: Table, loss: Loss | None, penalty: float | Sequence[float], starts: int = 1
    ) -> History:
        with learning_by_heart():
            return fit(
                model,
                (table.x, table.y),
                optimizer=self.optimizer,
                steps=self.steps,
                penalty=penalty,
                starts=starts,
                loss=loss,
                progress=False,
            )

    def _chosen_penalty(self, model: KAN, table: Table, loss: Loss | None) -> float:
        starts = iter([self.starts])  # the first fit has several, the others go on from it
        return chosen_strength(model, table, lambda m, t, p: self._fit_network(m, t, loss, p, next(starts, 1)), loss)

    @torch.no_grad()
    def _forward(self, X: ArrayLike) -> Tensor:
        """What the network gives for rows, in the units of the targets, ``(N, outputs)``."""
        validation.check_is_fitted(self, "network_")
        x = validation.validate_data(self, X, reset=False, dtype=np.float64)
        y = self.network_(self._columns(x))
        return y * torch.tensor(self.target_scale_) + torch.tensor(self.target_mean_)

    def deployment(self) -> Deployment:
        """The fitted network for use elsewhere, as :func:`edgewise.export.to_onnx` takes it: in the units of the data.

        Example:
            >>> from edgewise.estimators import KANRegressor
            >>> x = np.linspace(-1, 1, 50)[:, None]
            >>> KANRegressor((), random_state=0).fit(x, x[:, 0]).deployment().metadata["input"]["columns"]
            ['x_1']
        """
        validation.check_is_fitted(self, "network_")
        names = self._names() or [f"x_{number}" for number in range(1, len(self.mean_) + 1)]
        targets = Scale(torch.tensor(self.target_mean_), torch.tensor(self.target_scale_))
        return deployment_of_rows(self.network_, self._columns.scale, targets, self._columns.still, names, self._output())

    def _output(self) -> dict[str, Any]:
        """What comes out, in plain JSON values."""
        return {"name": "y", "targets": len(self.target_mean_)}
