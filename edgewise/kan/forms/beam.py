"""Sparse regression: sums of few products, found side by side, one term more at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TINY = 1e-26  # share of the variance, below which nothing is left over
ALIKE = 1e-10  # share of its size that a product must have beyond those chosen before
TAKEN = 9  # digits to which two sums that are the same leave over the same


@dataclass(frozen=True)
class Choice:
    """Products that are summed.

    Attributes:
        members: Their numbers.
        left: Share of the variance that their best sum leaves over.
        score: The smaller, the better.
    """

    members: tuple[int, ...]
    left: float
    score: float


@dataclass
class _State:
    choice: Choice
    basis: NDArray  # shape: (N, members); orthonormal
    rest: NDArray  # shape: (N,); what is left of the target
    sizes: NDArray  # shape: (products,); squares of what the products have beyond the basis
    cost: float


def beam(
    values: NDArray,
    target: NDArray,
    weight: NDArray,
    cost: NDArray,
    *,
    width: int,
    depth: int,
    price: float,
    always: NDArray,
) -> Iterator[list[Choice]]:
    """The best sums of 1, 2, ... products and what is always there, by orthogonal least squares from ``width`` to the next.

    Args:
        values: Of the products at the rows, ``(N, products)``.
        target: ``(N,)``.
        weight: What each row's difference is multiplied by, ``(N,)``.
        cost: Of the products, ``(products,)``.
        width: Sums that go on.
        depth: Products in a sum, at most.
        price: Of a unit of cost, beside N times the logarithm of what is left over.
        always: What is in every sum, such as a column of ones for a constant, ``(N, parts)``.
    """
    always = np.linalg.qr(always * weight[:, None])[0]
    products = values * weight[:, None]
    scale = np.linalg.norm(products, axis=0)
    products /= scale
    products -= always @ (always.T @ products)
    scaled = target * weight
    rest = scaled - always @ (always.T @ scaled)
    total = float(rest @ rest)
    if not total > TINY * float(scaled @ scaled) or not values.shape[1]:
        return
    rows, sizes = len(target), np.einsum("np,np->p", products, products)
    states = [_State(Choice((), 1.0, 0.0), np.zeros((rows, 0)), rest, sizes, 0.0)]
    for _ in range(depth):
        shares = np.stack([s.rest for s in states]) @ products  # shape: (states, products)
        beyond = np.stack([s.sizes for s in states])
        with np.errstate(all="ignore"):
            gain = np.where(beyond > ALIKE * sizes.clip(1e-12), shares**2 / beyond, 0)
        left = (np.array([[s.rest @ s.rest] for s in states]) - gain).clip(0) / total
        spent = np.array([[s.cost] for s in states]) + cost
        score = rows * np.log(left + TINY) + price * spent
        states = _best(states, products, score, total, cost, width, price)
        if not states:
            return
        yield [state.choice for state in states]
        if min(state.choice.left for state in states) < TINY:
            return


def _best(states: list[_State], products, score, total: float, cost, width: int, price: float) -> list[_State]:
    """The best sums that are one longer, each once."""
    many = min(6 * width, score.size - 1)
    flat = score.ravel()
    order = np.argpartition(flat, many)[: many + 1]
    found: list[_State] = []
    seen: set = set()
    for place in order[np.argsort(flat[order], kind="stable")]:
        before, new = states[place // score.shape[1]], int(place % score.shape[1])
        members = tuple(sorted((*before.choice.members, new)))
        if new in before.choice.members or members in seen:
            continue
        seen.add(members)
        direction = products[:, new].copy()
        for _ in range(2):  # twice is enough
            direction -= before.basis @ (before.basis.T @ direction)
        size = np.linalg.norm(direction)
        if not size > 0:
            continue
        direction /= size
        rest = before.rest - direction * (direction @ before.rest)
        left = float(rest @ rest) / total
        if (alike := f"{left:.{TAKEN}e}") in seen:
            continue
        seen.add(alike)
        spent = before.cost + float(cost[new])
        choice = Choice(members, left, len(rest) * float(np.log(left + TINY)) + price * spent)
        basis = np.column_stack([before.basis, direction])
        found.append(_State(choice, basis, rest, before.sizes - (direction @ products) ** 2, spent))
        if len(found) == width:
            break
    return found
