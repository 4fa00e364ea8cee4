r"""Attention whose rows of scores pass sums of learnable functions where softmax stood.

Of one head, with scores :math:`A_{kq}`, functions :math:`\phi_{pq}` and values V:

=========  ==========================================================  =====================================
form       activated row, of N numbers                                 what is computed
=========  ==========================================================  =====================================
FullRank   :math:`\sum_q \phi_{pq}(A_{kq})`                            as it stands
LowRank    :math:`\sum_{j \le r} W_{pj} \sum_q \phi_{jq}(A_{kq})`      :math:`H (W^T V)`, H with r columns
Projected  :math:`\sum_{j \le r} \phi_{pj}((W A_k)_j)`                 as it stands
Composed   :math:`\sum_j \phi'_{pj}(\sum_q \phi_{jq}(A_{kq}))`         as it stands
=========  ==========================================================  =====================================
After Maity et al., "Kolmogorov-Arnold Attention" (arXiv:2503.10632), which trains LowRank and has the other orders in an
ablation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.ops.backend import ops
from edgewise.ops.edge import EdgeFunction, in_full_precision

Simplex = Literal["rows", "rank"]
Weights = Mapping[str, Tensor]


def project_to_simplex(y: Tensor) -> Tensor:
    r"""The nearest point :math:`x_i \ge 0, \sum_i x_i = 1` along the last dimension: ``max(y - lambda, 0)``.

    Example:
        >>> project_to_simplex(torch.tensor([0.9, 0.5, -3.0]))
        tensor([0.7000, 0.3000, 0.0000])
    """
    with torch.no_grad():
        ordered = y.sort(-1, descending=True).values
        count = torch.arange(1, y.shape[-1] + 1, device=y.device, dtype=y.dtype)
        active = (ordered - (ordered.cumsum(-1) - 1) / count > 0).sum(-1, keepdim=True).clamp_min(1)  # NaN: none
        inside = y >= ordered.gather(-1, active - 1)
    threshold = ((y * inside).sum(-1, keepdim=True) - 1) / inside.sum(-1, keepdim=True)
    return torch.where(inside | y.isnan(), y - threshold, 0)


@dataclass(frozen=True)
class Form:
    """How a head turns its scores into what multiplies the values.

    Args:
        edge: The functions.
        simplex: Project onto the probability simplex the whole rows, or what the functions give (r numbers a row in a
            LowRank form): the two readings that the paper leaves open. None for no projection.
    """

    edge: EdgeFunction
    simplex: Simplex | None = None
    inner: ClassVar[bool] = False  # whether there is anything of rank r to project

    def __post_init__(self):
        if self.simplex not in ((None, "rows", "rank") if self.inner else (None, "rows")):
            known = "'rows', 'rank' or None" if self.inner else "'rows' or None"
            raise ConfigError(f"simplex must be {known} for a {type(self).__name__} form, got {self.simplex!r}")

    def activate(self, scores: Tensor, weights: Weights) -> Tensor:
        """Activated rows: ``(b, n, N) -> (b, n, N)``, with the weights of one head."""
        raise NotImplementedError

    def attend(self, scores: Tensor, v: Tensor, weights: Weights) -> Tensor:
        """Activated rows times values: ``(b, n, N), (b, N, d) -> (b, n, d)``."""
        return self.activate(scores, weights) @ v

    def _sum(self, x: Tensor, weights: Weights, name: str = "functions") -> Tensor:
        """Sums over functions of x, ``(b, n, inputs) -> (b, n, outputs)``."""
        own = {key.removeprefix(name + "."): t for key, t in weights.items() if key.startswith(name + ".")}
        state = {key.removeprefix("state."): t for key, t in own.items() if key.startswith("state.")}
        base_weight = own.get("base_weight") if self.edge.base is not None else None
        rows = ops(x).linear(x.flatten(0, 1), self.edge, state, own["coef"], base_weight, own.get("scale"))
        return rows.unflatten(0, x.shape[:2])

    def _finish(self, rows: Tensor) -> Tensor:
        return project_to_simplex(rows) if self.simplex == "rows" else rows


class FullRank(Form):
    """A function for each pair of a key and an output."""

    def activate(self, scores, weights):
        return self._finish(self._sum(scores, weights))


class LowRank(Form):
    """Functions from N scores to r numbers, then a linear projector ``(N, r)`` back, with or without bias ``(N,)``."""

    inner = True

    def activate(self, scores, weights):
        rows = self._hidden(scores, weights) @ weights["projector"].mT
        return self._finish(rows + weights["bias"] if "bias" in weights else rows)

    def attend(self, scores, v, weights):
        if self.simplex == "rows":
            return super().attend(scores, v, weights)
        y = self._hidden(scores, weights) @ (weights["projector"].mT @ v)
        return y + (weights["bias"] @ v).unsqueeze(1) if "bias" in weights else y

    def _hidden(self, scores: Tensor, weights: Weights) -> Tensor:
        hidden = self._sum(scores, weights)
        return project_to_simplex(hidden) if self.simplex == "rank" else hidden


class Projected(Form):
    """A linear projector ``(r, N)`` first, then functions from r numbers to N."""

    def activate(self, scores, weights):
        return self._finish(self._sum(scores @ weights["projector"].mT, weights))


class Composed(Form):
    """Functions from N scores to r numbers, then functions from those to N."""

    def activate(self, scores, weights):
        return self._finish(self._sum(self._sum(scores, weights), weights, "outer"))


@dataclass(frozen=True)
class Attention:
    """A form with the scale of its scores. A masked score counts as 0, and its value is left out."""

    form: Form
    scale: float

    def scores(self, q: Tensor, k: Tensor, weights: Weights, rows: slice = slice(None)) -> Tensor:
        """Of one head: ``(b, n, d), (b, N, d) -> (b, n, N)``; ``weights["offset"]`` ``(N, N)`` is added, if given."""
        scores = (q * self.scale) @ k.mT
        return scores + weights["offset"][rows] if "offset" in weights else scores

    def tile(self, q, k, v, mask: Tensor | None, weights: Weights, rows: slice) -> Tensor:
        """Some rows of one head, plainly."""
        scores = self.scores(q, k, weights, rows)
        if mask is None:
            return self.form.attend(scores, v, weights)
        return self.activate(scores, mask, weights) @ v

    def activate(self, scores: Tensor, mask: Tensor | None, weights: Weights) -> Tensor:
        """Activated rows of one head, ``(b, n, N) -> (b, n, N)``."""
        if mask is None:
            return self.form.activate(scores, weights)
        return self.form.activate(scores.where(mask, 0), weights).where(mask, 0)

    def plain(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, weights: Weights) -> Tensor:
        """All heads, ``(b, heads, n, d)``; its gradients are autograd's."""
        dtype = v.dtype
        weights = {name: in_full_precision(t) for name, t in weights.items()}
        q, k, v = map(in_full_precision, (q, k, v))
        heads = range(q.shape[1])
        own = ({name: t[h] for name, t in weights.items()} for h in heads)
        rows = [self.tile(q[:, h], k[:, h], v[:, h], mask, w, slice(None)) for h, w in zip(heads, own, strict=True)]
        return torch.stack(rows, 1).to(dtype)
