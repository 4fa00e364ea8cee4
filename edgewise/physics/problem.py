"""A differential equation with its boundary, initial and measured values: terms that must hold together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.physics.field import Rows
from edgewise.physics.parts import random_signs, trainable
from edgewise.physics.term import Term

Number = TypeVar("Number", Tensor, float)
PROBES = 8  # random sums of residuals from which the size of a gradient is taken


class Problem:
    r"""Terms to be fulfilled at once: the loss :math:`\sum_t w_t \langle (L_t u - f_t)^2 \rangle`; weights of None count 1.

    Args:
        terms: The equations, of different names.

    Raises:
        ConfigError: No terms, or two of one name.

    Example:
        >>> x = torch.linspace(0, 1, 5).unsqueeze(1)
        >>> problem = Problem([Term("decay", x, lambda u: u.d(0) + u.value), Term("start", x[:1], lambda u: u.value, 1.0)])
        >>> problem.loss(lambda x: 2 * torch.exp(-x)).item()
        1.0
    """

    def __init__(self, terms: Sequence[Term]):
        self.terms = tuple(terms)
        if not all(isinstance(term, Term) for term in self.terms):
            raise ConfigError(f"a problem is made of Terms, got {', '.join(type(term).__name__ for term in self.terms)}")
        names = [term.name for term in self.terms]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"a problem needs terms of different names, got {names}")

    def mean_squares(self, model: Rows) -> dict[str, Tensor]:
        """The mean square by which each term fails, without its weight."""
        return {term.name: term.mean_square(term.residual(model)) for term in self.terms}

    def loss(self, model: Rows) -> Tensor:
        """What is made small."""
        return self.total(self.mean_squares(model))

    def total(self, mean_squares: Mapping[str, Number]) -> Number:
        """The loss from its parts."""
        total, *others = (term.factor * mean_squares[term.name] for term in self.terms)
        for part in others:
            total = total + part
        return total

    def weighted(self, weights: Mapping[str, float]) -> "Problem":
        """The same with these weights, by the names of the terms; terms that are not named keep theirs.

        Raises:
            ConfigError: There is no term of such a name.
        """
        known = [term.name for term in self.terms]
        if not set(weights) <= set(known):
            raise ConfigError(f"weights are for terms of the problem, {', '.join(known)}; got {', '.join(weights)}")
        return Problem([replace(term, weight=weights.get(term.name, term.weight)) for term in self.terms])

    def balanced(self, model: nn.Module) -> "Problem":
        r"""The same with a weight for each term that has none: one over the size of its gradient at this model.

        :math:`w_t \propto 1 / \tau_t` with :math:`\tau_t` the mean over points of
        :math:`\|\partial r / \partial \theta\|^2`, so that all terms are learned at one pace, whatever their units (Wang,
        Yu and Perdikaris, "When and why PINNs fail to train", arXiv:2007.14527). The geometric mean of these weights is 1.
        """
        free = [term for term in self.terms if term.weight is None]
        sizes = {term.name: _gradient_size(term, model) for term in free}
        least = torch.finfo(self.terms[0].points.dtype).eps ** 1.5 * max(sizes.values(), default=0.0)
        found = [size for size in sizes.values() if size > least]  # less is rounding
        middle = math.exp(sum(map(math.log, found)) / len(found)) if found else 1.0
        return self.weighted({name: middle / size if size > least else 1.0 for name, size in sizes.items()})

    @property
    def points(self) -> Tensor:
        """The points of all terms."""
        return torch.cat([term.points for term in self.terms])

    def like(self, tensor: Tensor) -> "Problem":
        """The same in the type and on the device of ``tensor``."""
        return Problem([term.like(tensor) for term in self.terms])


def _gradient_size(term: Term, model: nn.Module) -> float:
    """The mean square, over residuals, of the gradient by all parameters, from a few random sums of them."""
    parameters = list(trainable(model.named_parameters()).values())
    residual = term.residual(model).flatten()
    if not residual.requires_grad:
        return 0.0
    generator, total = torch.Generator().manual_seed(0), 0.0
    for _ in range(PROBES):
        signs = random_signs(residual, generator)
        found = torch.autograd.grad(residual, parameters, signs, retain_graph=True, allow_unused=True)
        total += sum(float(g.double().square().sum()) for g in found if g is not None)
    return total / PROBES / residual.numel()
