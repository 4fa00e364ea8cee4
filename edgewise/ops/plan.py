"""An op as a plan: arrange the input, then a sum of terms, each a pointwise function and a contraction of its values.

Every layer of edges has this form: the base branch is one term, the basis another. A backend is a way to carry out a
plan; the ``plain`` one, :meth:`Plan.run`, does it all at once and leaves the gradients to autograd.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from edgewise._ground.precision import autocast_dtype
from edgewise.bases.basis import State
from edgewise.ops.contraction import Contraction
from edgewise.ops.edge import EdgeFunction, in_full_precision
from edgewise.ops.window import Window

Weights = Sequence[Tensor | None]


@dataclass(frozen=True)
class Term:
    """A pointwise function of the arranged input, and the contraction in which its values meet ``num_weights`` weights."""

    function: Callable[[Tensor, State], Tensor]  # (N, *space, C) -> (N, *space, C, num_functions)
    num_functions: int
    contraction: Contraction
    num_weights: int


@dataclass(frozen=True)
class Plan:
    """How to compute an op from its input, the state of its basis and its weights (one list, term after term)."""

    terms: tuple[Term, ...]
    window: Window | None
    dtype: torch.dtype | None  # of the contractions; None: that of the weights

    @classmethod
    def of(cls, x: Tensor, terms: Sequence[Term], window: Window | None = None) -> Self:
        """The plan for ``x``, with contractions in the dtype that autocast says now; the backward pass keeps to it."""
        return cls(tuple(terms), window, autocast_dtype(x))

    def arrange(self, x: Tensor) -> Tensor:
        """The input in full precision; for a convolution padded, channels last."""
        x = in_full_precision(x)
        return x if self.window is None else self.window.arrange(x)

    def pack(self, weights: Weights) -> list[Tensor]:
        """Each term's weights as its contraction wants them, in the dtype of the contraction; differentiable."""
        packed = [p for term, own in self.by_term(weights) for p in term.contraction.pack(*own)]
        return packed if self.dtype is None else [p.to(self.dtype) if p.dtype == torch.float32 else p for p in packed]

    def by_term(self, weights: Weights) -> Iterator[tuple[Term, Weights]]:
        """Each term with its own weights, as the layer holds them."""
        start = 0
        for term in self.terms:
            yield term, weights[start : start + term.num_weights]
            start += term.num_weights

    def by_packed(self, packed: Sequence[Tensor]) -> Iterator[tuple[Term, Sequence[Tensor]]]:
        """Each term with its own packed weights."""
        start = 0
        for term in self.terms:
            yield term, packed[start : start + term.contraction.num_packed]
            start += term.contraction.num_packed

    def features(self, term: Term, z: Tensor, state: State) -> Tensor:
        """Values of one term's function at the arranged input."""
        values = term.function(z, state)
        return values if self.window is None else self.window.finish(values)

    def contract(self, x: Tensor, state: State, packed: Sequence[Tensor]) -> Tensor:
        """The op on all of ``x`` at once, from packed weights."""
        # shape: x (N, C, *space) to (N, outputs, *out)
        z = self.arrange(x)
        total: Any = None
        for term, own in self.by_packed(packed):
            y = term.contraction(self.features(term, z, state).to(own[0].dtype), *own)
            total = y if total is None else total + y
        return total

    def run(self, x: Tensor, state: State, weights: Weights) -> Tensor:
        """The op on all of ``x`` at once; its gradients are autograd's."""
        return self.contract(x, state, self.pack(weights))


def one_function(weight: Tensor) -> Tensor:
    """A dense weight ``(out, in, *kernel)`` as coefficients ``(in, 1, *kernel, out)`` of a basis of one function."""
    return weight.movedim(0, -1).unsqueeze(1)


Execute = Callable[[Plan, Tensor, State, Weights], Tensor]


@dataclass(frozen=True)
class Planned:
    """Base of the ops that are carried out by plan; ``execute`` is the way to do it."""

    execute: Execute = Plan.run

    def sum_edges(
        self, x: Tensor, edge: EdgeFunction, state: State, contraction: Contraction, weights: Weights,
        base_contraction: Contraction, base_weight: Tensor | None, window: Window | None = None,
    ) -> Tensor:  # fmt: skip
        """The functions of the basis in one contraction, the base function in another."""
        terms = [Term(edge.basis_values, edge.basis.num_functions, contraction, len(weights))]
        if base_weight is not None:
            weights = (*weights, one_function(base_weight))
            terms.append(Term(lambda z, _: edge.base_values(z).unsqueeze(-1), 1, base_contraction, 1))
        return self.execute(Plan.of(x, terms, window), x, state, weights)
