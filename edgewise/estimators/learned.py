"""What a fitted estimator holds, and what becomes of rows that it is given then."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.estimators.columns import Columns
from edgewise.estimators.deployment import deployment_of_rows
from edgewise.estimators.taking import TakesTables, validation
from edgewise.kan.discovery.scale import Scale
from edgewise.kan.kan import KAN
from edgewise.models.deployment import Deployment


class Learned(TakesTables):
    """A network for columns in units of their own, which gives targets in theirs."""

    symbolic: bool

    def _keep(self, model: KAN, columns: Columns, targets: Scale) -> None:
        self.network_, self.grid_ = model, getattr(model[0].edge.basis, "grid_size", None)
        self._columns = columns
        self.mean_, self.scale_ = columns.scale.mean.numpy(), columns.scale.deviation.numpy()
        self.target_mean_, self.target_scale_ = targets.mean.numpy(), targets.deviation.numpy()

    def fraction_outside(self, X: ArrayLike) -> np.ndarray:
        """The fraction of the rows ``(N, columns)`` that lie beyond the training rows, by column of the network.

        Nothing vouches for what is predicted there: a warning names rows that lie beyond by more than a tenth of the range.
        """
        return self._columns.fraction_outside(self._rows(X))

    def _forward(self, X: ArrayLike) -> Tensor:
        """What the network gives for rows, in the units of the targets, ``(N, outputs)``."""
        return self._outputs(self._rows(X))

    @torch.no_grad()
    def _outputs(self, x: np.ndarray) -> Tensor:
        """The same for rows that are numbers."""
        if not self.symbolic:  # a formula is made to go on
            self._columns.warn_of_outside(x, self._names())
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
        if self._cells.change:
            raise ConfigError(
                "empty cells and categories are filled in before the network, and nothing elsewhere does so: to take it "
                "there, fit to a table of numbers, such as your own SimpleImputer and OneHotEncoder give"
            )
        names = self._names() or [f"x_{number}" for number in range(1, len(self.mean_) + 1)]
        targets = Scale(torch.tensor(self.target_mean_), torch.tensor(self.target_scale_))
        return deployment_of_rows(self.network_, self._columns, targets, names, self._output())

    def _output(self) -> dict[str, Any]:
        """What comes out, in plain JSON values."""
        return {"name": "y", "targets": len(self.target_mean_)}
