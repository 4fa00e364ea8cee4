"""The Kolmogorov-Arnold network of the papers, with all that is done with it as methods."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Self

from numpy.typing import ArrayLike
from torch import Tensor
from torch.types import Device
from torch.utils.data import DataLoader

from edgewise.kan.fitting.data import Data, Loss, Pair
from edgewise.kan.fitting.fit import fit
from edgewise.kan.fitting.history import History
from edgewise.kan.functions import Function
from edgewise.kan.interpret.formula import Normalizer, symbolic_formula
from edgewise.kan.interpret.plot import plot
from edgewise.kan.interpret.prune import prune, refine
from edgewise.kan.interpret.sparsity import Sparsity
from edgewise.kan.interpret.symbolic import Candidate, Choice, auto_symbolic, suggest_symbolic
from edgewise.kan.interpret.written import Formula
from edgewise.kan.network import Network
from edgewise.models.registry import register_model
from edgewise.models.takes import Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@register_model("kan", takes=Rows(basis="basis", shorthands=("grid", "k"), free=("init", "frozen")))
class KAN(Network):
    """A network of KAN layers that can be fitted, pruned, read and drawn; made as its base :class:`Network` is.

    Example:
        >>> import torch
        >>> KAN([2, 5, 1])(torch.zeros(3, 2)).shape
        torch.Size([3, 1])
        >>> KAN([6, [0, 2], 1], grid=3, mult_arity=3)
        KAN([6, [0, [3, 3]], 1], grid=[3, 3], 266 parameters)
    """

    def fit(
        self,
        data: Data | ArrayLike,
        y: ArrayLike | None = None,
        *,
        test: Pair | DataLoader | None = None,
        optimizer: str = "lbfgs",
        steps: int = 50,
        grids: Sequence[int] | None = None,
        penalty: float | Sparsity | Sequence[float | Sparsity] = 0.0,
        starts: int = 1,
        loss: Loss | None = None,
        weights: ArrayLike | None = None,
        lr: float | None = None,
        grid_updates: int = 10,
        patience: int | None = None,
        callback: Callable[[Network, int, History], None] | None = None,
        progress: bool | None = None,
        device: Device = None,
    ) -> History:
        """Fit the network to data, in place; see :func:`edgewise.kan.fitting.fit`."""
        return fit(
            self,
            data,
            y,
            test=test,
            optimizer=optimizer,
            steps=steps,
            grids=grids,
            penalty=penalty,
            starts=starts,
            loss=loss,
            weights=weights,
            lr=lr,
            grid_updates=grid_updates,
            patience=patience,
            callback=callback,
            progress=progress,
            device=device,
        )

    def refine(self, grid: int | Sequence[int]) -> Self:
        """The same function on a finer grid: a new network. See :func:`edgewise.kan.interpret.refine`."""
        return refine(self, grid)

    def prune(self, x: Tensor | None = None, node_threshold: float = 1e-2, edge_threshold: float = 3e-2) -> Self:
        """A smaller network without what matters little on ``x``; see :func:`edgewise.kan.interpret.prune`."""
        return prune(self, x, node_threshold, edge_threshold)

    def auto_symbolic(
        self,
        x: Tensor | None = None,
        functions: Iterable[str | Function] | None = None,
        *,
        worse: float = 10.0,
        min_r2: float = 0.8,
    ) -> list[Choice]:
        """Give each edge a formula; see :func:`edgewise.kan.interpret.auto_symbolic`."""
        return auto_symbolic(self, x, functions, worse=worse, min_r2=min_r2)

    def suggest_symbolic(
        self,
        x: Tensor | None,
        layer: int,
        into: int,
        out: int,
        functions: Iterable[str | Function] | None = None,
        top: int = 5,
    ) -> list[Candidate]:
        """The formulas that fit an edge best; see :func:`edgewise.kan.interpret.suggest_symbolic`."""
        return suggest_symbolic(self, x, layer, into, out, functions, top)

    def symbolic_formula(
        self,
        *,
        names: Sequence[str] | None = None,
        x: Tensor | None = None,
        input_normalizer: Normalizer | None = None,
        output_normalizer: Normalizer | None = None,
        digits: int | None = None,
        tolerance: float = 1e-7,
    ) -> Formula:
        """The formulas of the outputs; see :func:`edgewise.kan.interpret.symbolic_formula`."""
        return symbolic_formula(
            self,
            names=names,
            x=x,
            input_normalizer=input_normalizer,
            output_normalizer=output_normalizer,
            digits=digits,
            tolerance=tolerance,
        )

    def plot(
        self,
        x: Tensor | None = None,
        *,
        scores: Sequence[Tensor] | None = None,
        beta: float = 3.0,
        top: int | None = None,
        names: Sequence | None = None,
        out_names: Sequence | None = None,
        title: str | None = None,
        ax: "Axes | None" = None,
        samples: bool = False,
    ) -> "Figure":
        """The diagram of the network; see :func:`edgewise.kan.interpret.plot`."""
        return plot(
            self,
            x,
            scores=scores,
            beta=beta,
            top=top,
            names=names,
            out_names=out_names,
            title=title,
            ax=ax,
            samples=samples,
        )
