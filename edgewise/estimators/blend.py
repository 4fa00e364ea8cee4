"""How much each candidate counts: shares of least loss on rows held back, none negative, of a sum of at most 1."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from edgewise._ground.optional import require
from edgewise.estimators.rows import Rows

AS_GOOD = 1.005  # times the least loss: candidates that stand before the others then do without them
EXACT = 1e-6  # of the loss of the constant: less is rounding
TRIFLE = 0.02  # a share below this is not worth its candidate
SURE = 2.0  # standard errors: a gain of no more may be chance
PRECISION = 1e-9


def blended(held: Sequence[Tensor], shares: Sequence[float], constant: Tensor) -> Tensor:
    """The weighted sum of candidates' outputs ``(N, outputs)``; what is left of 1 is the constant's."""
    total = constant * (1 - sum(shares)) + torch.zeros_like(held[0])
    for output, share in zip(held, shares, strict=True):
        if share:
            total = total + share * output
    return total


def best_shares(held: Sequence[Tensor], rows: Rows) -> list[float]:
    """The shares of candidates by what they gave for rows held back; one that is not finite has none.

    The loss is convex in the shares, so there is one best answer (for squares: L. Breiman, Machine Learning 24, 1996).
    Where few rows speak for it, all shares are smaller, as C. Stein shrinks a mean.

    Args:
        held: Their outputs, each ``(N, outputs)``, the simplest first.
        rows: The rows.
    """
    finite = [place for place, output in enumerate(held) if output.isfinite().all()]
    found = [
        (chosen := _worthy(held, finite[:count], rows), _error(held, chosen, rows)) for count in range(1, len(finite) + 1)
    ]
    if not found:
        return [0.0] * len(held)
    enough = max(AS_GOOD * min(error for _, error in found), EXACT * rows.floor())
    shares = next(chosen for chosen, error in found if error <= enough)
    doubt = _doubt(blended(held, shares, rows.constant), rows) if any(shares) else 0.0
    return [share * (1 - doubt) for share in shares]


def _worthy(held: Sequence[Tensor], places: Sequence[int], rows: Rows) -> list[float]:
    """The best shares of the candidates at some places, without trifles."""
    shares = [0.0] * len(held)
    found = _least([held[place] for place in places], rows)
    kept = [place for place, share in zip(places, found, strict=True) if share >= TRIFLE]
    for place, share in zip(kept, _least([held[place] for place in kept], rows), strict=True):
        shares[place] = share
    return shares


def _error(held: Sequence[Tensor], shares: Sequence[float], rows: Rows) -> float:
    return rows.error(blended(held, shares, rows.constant))


def _doubt(output: Tensor, rows: Rows) -> float:
    """Which part of the way back to the constant is due: the square of two standard errors in units of the gain.

    Where a few rows make most of the gain it may be chance, and the whole way is due; where many rows agree next to nothing
    is. It is less where little is left to be gained: without noise nothing is due.
    """
    weight = rows.table.counts / rows.table.counts.sum()
    gain = rows.loss.rows(rows.constant.expand_as(output), rows.table.y) - rows.loss.rows(output, rows.table.y)
    mean = float(weight @ gain)
    error = float((weight * (gain - mean)).square().sum().sqrt())
    return min(1.0, (SURE * error / mean) ** 2) * rows.error(output) / rows.floor() if mean > 0 else 1.0


def _least(held: Sequence[Tensor], rows: Rows) -> list[float]:
    if not held:
        return []
    parts = torch.stack([output - rows.constant for output in held]).double()  # (candidates, N, outputs)
    unit = max(rows.floor(), 1e-300)

    def value(shares: np.ndarray) -> tuple[float, np.ndarray]:
        weights = torch.tensor(shares, dtype=torch.double, requires_grad=True)
        with torch.enable_grad():
            output = rows.constant + torch.einsum("m,mno->no", weights, parts)
            loss = rows.loss(output, rows.table.y, rows.table.weight) / unit
        (slope,) = torch.autograd.grad(loss, weights)
        return float(loss.detach()), slope.numpy()

    count = len(held)
    found = require("scipy.optimize", extra="science").minimize(
        value,
        np.full(count, 1 / count),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * count,
        constraints={"type": "ineq", "fun": lambda shares: 1 - shares.sum(), "jac": lambda shares: -np.ones(count)},
        options={"ftol": PRECISION, "maxiter": 200},
    )
    shares = np.clip(found.x, 0, 1)
    corners = [*np.eye(count), np.zeros(count), shares / max(1.0, shares.sum())]
    return min(corners, key=lambda corner: value(corner)[0]).tolist()
