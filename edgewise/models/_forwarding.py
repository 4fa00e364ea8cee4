"""What users of a network call on it, and other parts of the house do: the only imports that run upwards, when called."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Forwarding:
    """The methods of :class:`~edgewise.models.KAN` that fit, prune, read and draw."""

    def fit(self, data, **options):
        """Fit the network to data; see :func:`edgewise.fitting.fit`."""
        from edgewise.fitting import fit

        return fit(self, data, **options)

    def update_grid(self, x: Tensor, eps: float = 0.02) -> None:
        """Move the grid of each layer to where its inputs are, without changing the functions on them."""
        from edgewise.nn import update_grid

        x = self.select(torch.as_tensor(x).to(self[0].coef))
        with torch.no_grad():
            for layer in self:
                update_grid(layer, x, eps=eps)
                x = layer(x)

    def refine(self, grid: int | Sequence[int]) -> "Forwarding":
        """The same function on a finer grid: a new network. See :func:`edgewise.nn.refine_grid`."""
        from edgewise.interpret import refine

        return refine(self, grid)

    def prune(self, x: Tensor, node_threshold: float = 1e-2, edge_threshold: float = 3e-2) -> "Forwarding":
        """A smaller network without what matters little on ``x``; see :func:`edgewise.interpret.prune`."""
        from edgewise.interpret import prune

        return prune(self, x, node_threshold, edge_threshold)

    def auto_symbolic(self, x: Tensor, **options):
        """Give each edge a formula; see :func:`edgewise.interpret.auto_symbolic`."""
        from edgewise.interpret import auto_symbolic

        return auto_symbolic(self, x, **options)

    def suggest_symbolic(self, x: Tensor, layer: int, into: int, out: int, **options):
        """The formulas that fit an edge best; see :func:`edgewise.interpret.suggest_symbolic`."""
        from edgewise.interpret import suggest_symbolic

        return suggest_symbolic(self, x, layer, into, out, **options)

    def symbolic_formula(self, **options):
        """The formulas of the outputs; see :func:`edgewise.interpret.symbolic_formula`."""
        from edgewise.interpret import symbolic_formula

        return symbolic_formula(self, **options)

    def plot(self, x: Tensor, **options):
        """The diagram of the network; see :func:`edgewise.interpret.plot`."""
        from edgewise.interpret import plot

        return plot(self, x, **options)
