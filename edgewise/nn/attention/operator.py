r"""What attention operators have in common, and the general one: parameters, and one op call."""

import math
from collections.abc import Callable
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise._ground.registry import unknown
from edgewise.bases import BasisLike, Fourier
from edgewise.nn.attention.functions import BASE_FUNCTION_NAMES, HeadFunctions
from edgewise.nn.attention.init import AttentionInit, KeepVariance
from edgewise.nn.layer import check_dtype
from edgewise.nn.settings import HasSettings, settings_text
from edgewise.ops import EdgeFunction
from edgewise.ops.attention import Attention, Form, FullRank, Simplex, attend

PAPER_BASIS = Fourier(num_frequencies=3)


class AttentionOperator(HasSettings):
    r"""Base of the operators: ``(b, heads, n, d)`` queries, keys and values to mixed values, for a fixed number of keys.

    The functions belong to places: N is fixed, and no place may be exchanged for another. What comes out of them is not
    normalised: entries may be negative and rows need not sum to 1, unless a projection onto the simplex is asked for.

    Attributes:
        tokens: N, the number of keys.
        heads: Number of heads, each with functions of its own.
        form: How scores become rows, an :class:`edgewise.ops.attention.Form`.
        functions: Parameters of the functions.
    """

    form_class: ClassVar[type[Form]]
    functions: HeadFunctions

    def __init__(
        self,
        tokens: int,
        heads: int,
        basis: BasisLike = PAPER_BASIS,
        *,
        base: str = "zero",
        simplex: Simplex | None = None,
        scalars: bool = True,
        init: AttentionInit = KeepVariance(),  # noqa: B008 (frozen)
        device=None,
        dtype=None,
    ):
        super().__init__()
        self._check_sizes(tokens, heads)
        if base not in BASE_FUNCTION_NAMES:
            raise unknown("base of attention functions", base, BASE_FUNCTION_NAMES)
        self.tokens, self.heads, self.init = tokens, heads, init
        self.form = self.form_class(EdgeFunction(basis, None if base == "zero" else base), simplex)
        self._factory = {"device": device, "dtype": dtype}
        self._build(partial(HeadFunctions, heads, self.form.edge, scalars, base != "zero", **self._factory))
        self.reset_parameters()

    def _check_sizes(self, tokens: int, heads: int) -> None:
        if min(tokens, heads) < 1:
            raise ConfigError(f"tokens and heads must be at least 1, got {tokens} and {heads}")

    def _build(self, functions: Callable[..., HeadFunctions]) -> None:
        """Make the parameters; ``functions`` takes inputs, outputs and the rms of what comes out."""
        raise NotImplementedError

    def reset_parameters(self) -> None:
        """Draw all parameters anew, from the global generator."""
        with torch.no_grad():
            for functions in (m for m in self.modules() if isinstance(m, HeadFunctions)):
                functions.reset_parameters()
                if functions.coef.device.type != "meta":
                    self.init.functions(functions)

    def weight_settings(self) -> str:
        """What becomes of the functions' rows; the functions know their own settings."""
        return settings_text(simplex=self.form.simplex)

    def weights(self) -> dict[str, Tensor]:
        """All tensors by name, each ``(heads, ...)``."""
        return self.functions.weights("functions")

    def forward(
        self, q: Tensor, k: Tensor, v: Tensor, *, scale: float | None = None, offset: Tensor | None = None, mask=None
    ) -> Tensor:
        """Mix the values.

        Args:
            q: Queries, ``(b, heads, n, d)``.
            k: Keys, ``(b, heads, N, d)``.
            v: Values, ``(b, heads, N, d)``.
            scale: Of the scores; one over the root of d by default.
            offset: Added to the scores, ``(heads, n, N)``, such as a bias for relative positions.
            mask: Boolean, True where a query sees a key, ``(b, n, N)``. A masked score counts as 0, and the value behind
                it is left out.

        Raises:
            ConfigError: Another number of tokens or heads, a mask that is not boolean or beside a projection.
        """
        self._check(q, k)
        check_dtype(v, self.functions.coef)
        if mask is not None:
            self._check_mask(mask, (q.shape[0], q.shape[2], k.shape[2]))
        weights = self.weights() if offset is None else self.weights() | {"offset": offset}
        return attend(Attention(self.form, scale or q.shape[-1] ** -0.5), q, k, v, weights, mask)

    def matrix(self, scores: Tensor) -> Tensor:
        """What stands before the values, written out: scores ``(b, heads, n, N)`` to rows of the same shape."""
        self._check(scores, scores.transpose(2, 3))
        own = [{name: t[head] for name, t in self.weights().items()} for head in range(self.heads)]
        return torch.stack([self.form.activate(scores[:, head], w) for head, w in enumerate(own)], 1)

    def _check(self, q: Tensor, k: Tensor) -> None:
        if q.dim() != 4 or q.shape[1] != self.heads:
            raise ConfigError(f"expected (batch, {self.heads} heads, tokens, width), got shape {tuple(q.shape)}")
        if k.shape[2] != self.tokens:
            raise ConfigError(
                f"these functions belong to {self.tokens} tokens, got {k.shape[2]}: the resolution is fixed when the "
                "operator is made, so resize the input or make another operator"
            )

    def _check_mask(self, mask: Tensor, shape: tuple[int, ...]) -> None:
        if mask.dtype != torch.bool or tuple(mask.shape) != shape:
            raise ConfigError(
                f"a mask must be boolean (True: seen) and of shape {shape}, got {mask.dtype} {tuple(mask.shape)}: "
                "there is no softmax that minus infinity could silence"
            )
        if self.form.simplex is not None:
            raise ConfigError("a projection onto the simplex cannot honour a mask: leave one of them out")

    def extra_repr(self) -> str:
        edge = self.functions.edge
        return f"tokens={self.tokens}, heads={self.heads}, basis={edge.basis}, base={edge.base or 'zero'!r}"


class FullRankAttention(AttentionOperator):
    r"""The general operator: row k becomes :math:`\sum_q \phi_{pq}(A_{kq})`, a function for each pair p, q of tokens.

    N x N functions a head: for small N. The rows of one tile are formed, never all of them.

    Args:
        tokens: N, the number of tokens.
        heads: Number of heads.
        basis: The functions ``B_j``.
        base: The function b: ``"zero"``, ``"identity"``, ``"silu"`` or ``"gelu"``.
        simplex: ``"rows"`` to project rows onto the probability simplex, or None.
        scalars: The paper's two scalars an edge.
        init: Draws the parameters; :class:`KeepVariance` or :class:`Published`.
        device: Where the parameters live.
        dtype: What they are.

    Example:
        >>> q = k = v = torch.randn(2, 3, 10, 8)
        >>> FullRankAttention(tokens=10, heads=3)(q, k, v).shape
        torch.Size([2, 3, 10, 8])
    """

    form_class = FullRank

    def _build(self, functions) -> None:
        self.functions = functions(self.tokens, self.tokens, 1 / math.sqrt(self.tokens))
