r"""Operators that pass through r numbers a row, in the three orders of the paper's ablation."""

import math

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.bases import BasisLike
from edgewise.nn.attention.init import AttentionInit, KeepVariance
from edgewise.nn.attention.operator import PAPER_BASIS, AttentionOperator, FullRankAttention
from edgewise.ops.attention import Composed, LowRank, Projected, Simplex


class RankedAttention(AttentionOperator):
    """Base of the operators of rank r."""

    def __init__(
        self,
        tokens: int,
        heads: int,
        basis: BasisLike = PAPER_BASIS,
        rank: int = 12,
        *,
        base: str = "zero",
        simplex: Simplex | None = None,
        scalars: bool = True,
        init: AttentionInit = KeepVariance(),  # noqa: B008 (frozen)
        device=None,
        dtype=None,
    ):
        self.rank = rank  # before anything is built; a number, which needs no module
        super().__init__(
            tokens, heads, basis, base=base, simplex=simplex, scalars=scalars, init=init, device=device, dtype=dtype
        )

    def _check_sizes(self, tokens: int, heads: int) -> None:
        super()._check_sizes(tokens, heads)
        if not 1 <= self.rank <= tokens:
            raise ConfigError(f"rank must be from 1 to the number of tokens, {tokens}, got {self.rank}")

    def _linear(self, *shape: int) -> nn.Parameter:
        return nn.Parameter(torch.empty(self.heads, *shape, **self._factory))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, rank={self.rank}"


class LowRankAttention(RankedAttention):
    r"""The operator that the paper trains: r functions a key, and a linear projector back to N.

    :math:`H_{kj} = \sum_q \phi_{jq}(A_{kq})`, :math:`j \le r`; what multiplies the values is :math:`H W^T`. It is never
    formed: :math:`H (W^T V)` is the same. With N = 197, G = 3 and r = 12 a head has 197 x 12 x (2 G + 3) parameters.

    Args:
        tokens: N, the number of tokens.
        heads: Number of heads.
        basis: The functions ``B_j``.
        rank: r, from 1 to N.
        bias: Give the projector a bias; the rank may then be r + 1.
        base: The function b: ``"zero"``, ``"identity"``, ``"silu"`` or ``"gelu"``.
        simplex: Project the ``"rows"`` (which have to be formed then, tile by tile) or the r numbers (``"rank"``) onto the
            probability simplex; None for neither.
        scalars: The paper's two scalars an edge.
        init: Draws the parameters; :class:`KeepVariance` or :class:`Published`.
        device: Where the parameters live.
        dtype: What they are.

    Attributes:
        projector: W, ``(heads, N, r)``.
        bias: Of the projector, ``(heads, N)``, or None.

    Example:
        >>> operator = LowRankAttention(tokens=197, heads=3)
        >>> sum(p.numel() for p in operator.parameters()) == 3 * 197 * 12 * (2 * 3 + 3)
        True
    """

    form_class = LowRank

    def __init__(
        self,
        tokens: int,
        heads: int,
        basis: BasisLike = PAPER_BASIS,
        rank: int = 12,
        *,
        bias: bool = False,
        base: str = "zero",
        simplex: Simplex | None = None,
        scalars: bool = True,
        init: AttentionInit = KeepVariance(),  # noqa: B008 (frozen)
        device=None,
        dtype=None,
    ):
        self._biased = bias
        super().__init__(
            tokens, heads, basis, rank, base=base, simplex=simplex, scalars=scalars, init=init, device=device, dtype=dtype
        )

    def _build(self, functions) -> None:
        self.functions = functions(self.tokens, self.rank, 1.0)
        self.projector = self._linear(self.tokens, self.rank)
        self.bias = self._linear(self.tokens) if self._biased else None

    def reset_parameters(self) -> None:
        """Draw all parameters anew, from the global generator."""
        super().reset_parameters()
        with torch.no_grad():
            self.init.projector(self.projector, self.bias, self.rank, 1 / math.sqrt(self.tokens))

    def weights(self) -> dict[str, Tensor]:
        """All tensors by name, each ``(heads, ...)``."""
        own = super().weights() | {"projector": self.projector}
        return own if self.bias is None else own | {"bias": self.bias}


class ProjectedAttention(RankedAttention):
    r"""A linear projector first, :math:`z = W A_k`, then functions from its r numbers to N, :math:`\sum_j \phi_{pj}(z_j)`.

    The paper's ablation finds it worse than :class:`LowRankAttention`, whose arguments it takes, but for ``bias``.

    Attributes:
        projector: W, ``(heads, r, N)``.

    Example:
        >>> ProjectedAttention(tokens=20, heads=2, rank=4)(*torch.randn(3, 1, 2, 20, 8)).shape
        torch.Size([1, 2, 20, 8])
    """

    form_class = Projected

    def _build(self, functions) -> None:
        self.functions = functions(self.rank, self.tokens, 1 / math.sqrt(self.tokens))
        self.projector = self._linear(self.rank, self.tokens)

    def reset_parameters(self) -> None:
        """Draw all parameters anew, from the global generator."""
        super().reset_parameters()
        with torch.no_grad():
            self.init.projector(self.projector, None, self.tokens, 1.0)

    def weights(self) -> dict[str, Tensor]:
        """All tensors by name, each ``(heads, ...)``."""
        return super().weights() | {"projector": self.projector}


class ComposedAttention(RankedAttention):
    r"""Functions from N scores to r numbers, then functions from those to N: no linear projector at all.

    The paper's ablation finds that it trains unstably. Arguments as in :class:`ProjectedAttention`.

    Attributes:
        outer: Parameters of the second functions.

    Example:
        >>> ComposedAttention(tokens=20, heads=2, rank=4)(*torch.randn(3, 1, 2, 20, 8)).shape
        torch.Size([1, 2, 20, 8])
    """

    form_class = Composed

    def _build(self, functions) -> None:
        self.functions = functions(self.tokens, self.rank, 1.0)
        self.outer = functions(self.rank, self.tokens, 1 / math.sqrt(self.tokens))

    def weights(self) -> dict[str, Tensor]:
        """All tensors by name, each ``(heads, ...)``."""
        return super().weights() | self.outer.weights("outer")


ATTENTION_OPERATORS: dict[str, type[AttentionOperator]] = {
    "full": FullRankAttention,
    "functions_first": LowRankAttention,
    "projector_first": ProjectedAttention,
    "functions_twice": ComposedAttention,
}
