"""L-BFGS and Adam on the whole of the data, by one interface, and kept from a step that leads nowhere."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Objective = Callable[[], Tensor]
DEEPER = 1e-4  # the objective is scaled anew when it has fallen by so much


class LBFGS:
    """Twenty iterations of PyTorch's L-BFGS a step, with a strong-Wolfe line search, in the objective's own units.

    PyTorch forgets curvature that is small in absolute terms, which near a perfect fit all curvature is; so the objective
    is divided by its size now and then. A step that ends in a worse point, or in none, is taken back, its memory cleared.

    Args:
        model: What to fit.
        objective: Gives the number to be made small, with its graph.
        lr: First length to try along a direction.
    """

    def __init__(self, model: nn.Module, objective: Objective, lr: float = 1.0):
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.objective, self.lr, self.stuck = objective, lr, False
        self.reset()

    def reset(self) -> None:
        """Forget the curvature: the parameters or the objective have changed."""
        self.optimizer = torch.optim.LBFGS(
            self.parameters, self.lr, history_size=20, line_search_fn="strong_wolfe", tolerance_grad=0, tolerance_change=0
        )
        self.scale = 0.0  # of the objective, once it is known

    def step(self) -> None:
        """One step; notes in ``stuck`` if it led nowhere."""
        before = [p.detach().clone() for p in self.parameters]
        start = float(self.objective().detach())
        if not self.scale or start < DEEPER * self.scale:
            self.reset()
            self.scale = start if start > 0 else 1.0
        self.optimizer.step(self._closure)
        end = float(self.objective().detach())
        self.stuck = not end < start
        if not end <= start:  # a NaN is no progress either
            with torch.no_grad():
                for p, old in zip(self.parameters, before, strict=True):
                    p.copy_(old)
            self.reset()

    def _closure(self) -> Tensor:
        self.optimizer.zero_grad()
        value = self.objective() / self.scale
        value.backward()
        if value.isfinite():
            return value
        for p in self.parameters:  # PyTorch's line search halves its interval if all is not a number but the value
            if p.grad is not None:
                p.grad.fill_(torch.nan)
        return torch.full_like(value, torch.inf)


class Adam:
    """Adam on the whole of the data.

    Args:
        model: What to fit.
        objective: Gives the number to be made small, with its graph.
        lr: Learning rate.
    """

    def __init__(self, model: nn.Module, objective: Objective, lr: float = 1e-2):
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.objective, self.lr, self.stuck = objective, lr, False
        self.reset()

    def reset(self) -> None:
        """Forget the moments."""
        self.optimizer = torch.optim.Adam(self.parameters, self.lr)

    def step(self) -> None:
        """One step."""
        self.optimizer.zero_grad()
        with torch.enable_grad():
            self.objective().backward()
        self.optimizer.step()
