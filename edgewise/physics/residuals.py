"""The residuals of a problem at a model, and their derivatives: each term by the quickest way that is right for it."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from edgewise.physics.carried import carried_jacobian, carrying, order_of
from edgewise.physics.jacobian import jacobian
from edgewise.physics.jets import Gradients
from edgewise.physics.problem import Problem
from edgewise.physics.term import Term


class Residuals:
    """How to ask the terms of a problem: with derivatives that the networks of the model carry, or by autograd alone.

    The two are compared once, at the model as it is; a term that comes out otherwise goes the general way.

    Args:
        model: The network, or the module around networks.
        problem: The terms.

    Example:
        >>> from edgewise.kan import KAN
        >>> x = torch.rand(9, 1)
        >>> beam = Problem([Term("bent", x, lambda u: u.d(0, 0)), Term("end", x[:1], lambda u: u.value)])
        >>> Residuals(KAN([1, 1]), beam).orders
        {'bent': 2, 'end': 0}
    """

    def __init__(self, model: nn.Module, problem: Problem):
        self.model, self.problem = model, problem
        self.orders = {term.name: order_of(model, term) for term in problem.terms}
        self._last: tuple[list[Tensor], dict[str, Tensor]] = [], {}

    def at(self, problem: Problem) -> "Residuals":
        """How to ask a problem of the same equations, at other points."""
        other = copy.copy(self)
        other.problem, other._last = problem, ([], {})
        return other

    def values(self, term: Term) -> Tensor:
        """By how much a term fails, at each point, without a graph."""
        return self._residual(term, "none").detach()

    def mean_squares(self) -> dict[str, Tensor]:
        """The mean square by which each term fails, without its weight and without a graph."""
        found = self.all_values()
        return {term.name: term.mean_square(found[term.name]) for term in self.problem.terms}

    def all_values(self) -> dict[str, Tensor]:
        """By how much each term fails, at each point, without a graph; remembered for one model."""
        numbers = list(self.model.state_dict().values())
        known, found = self._last
        if not found or not _same(known, numbers):
            found = {term.name: self.values(term) for term in self.problem.terms}
            self._last = [tensor.clone() for tensor in numbers], found
        return found

    def loss(self) -> Tensor:
        """What is made small."""
        terms = self.problem.terms
        return self.problem.total({term.name: term.mean_square(self._residual(term, "parameters")) for term in terms})

    def jacobian(self, term: Term, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The residuals ``(R,)`` of a term, or of one at some of its points, and their derivatives ``(R, P)``."""
        order = self.orders[term.name]
        if order is None:
            return jacobian(self.model, term, parameters)
        return carried_jacobian(self.model, term, parameters, order)

    def _residual(self, term: Term, gradients: Gradients) -> Tensor:
        order = self.orders[term.name]
        if order is None:
            return term.residual(self.model)
        with carrying(self.model, order, gradients):
            return term.residual(self.model)


def _same(known: list[Tensor], numbers: list[Tensor]) -> bool:
    return len(known) == len(numbers) and all(map(torch.equal, known, numbers))
