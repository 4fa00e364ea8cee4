"""Derivatives of a function at rows, without units: what the tests of symmetry and separability look at."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError
from edgewise.ops import use_backend

NEGLIGIBLE = 1e-3  # of the typical gradient: below it a variable counts as absent
ZERO = 1e-6  # of the same: rows with less are left out where a logarithm is taken

Rows = Callable[[Tensor], Tensor]
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Derivatives:
    """A function at N rows and its derivatives: each variable in its standard deviations, f in its median gradient.

    Args:
        value: ``(N,)``
        first: ``(N, d)``
        higher: From the second on, as far as they were asked for: ``(N, d, d)``, ``(N, d, d, d)``.
    """

    value: Tensor
    first: Tensor
    higher: tuple[Tensor, ...] = ()

    @property
    def second(self) -> Tensor:
        """``(N, d, d)``"""
        return self.higher[0]

    @property
    def third(self) -> Tensor:
        """``(N, d, d, d)``"""
        return self.higher[1]

    @property
    def relevant(self) -> list[int]:
        """The variables on which the function depends noticeably."""
        return (self.first.abs().mean(0) > NEGLIGIBLE).nonzero().flatten().tolist()

    def log(self) -> "Derivatives":
        """The same for log|f|, up to the second derivative, at the rows where f is not 0."""
        keep = _enough(self.value.abs() > ZERO, "f")
        value, ratio = self.value[keep], self.first[keep] / self.value[keep, None]
        second = self.second[keep] / value[:, None, None] - ratio.unsqueeze(2) * ratio.unsqueeze(1)
        return normalised([value.abs().log(), ratio, second])

    def log_gradient(self) -> tuple[Tensor, Tensor]:
        r"""The first and second derivatives of each :math:`\log|\partial_i f|`, ``(N', d, d)`` and ``(N', d, d, d)``.

        At the N' rows where no derivative is 0 by a relevant variable; without a meaning where i is not relevant.
        """
        keep = _enough((self.first[:, self.relevant].abs() > ZERO).all(1), "a derivative of f")
        gradient = self.first[keep]
        first = self.second[keep] / gradient.unsqueeze(2)
        return first, self.third[keep] / gradient[..., None, None] - first.unsqueeze(3) * first.unsqueeze(2)


def derivatives(f: Rows, x: Tensor, order: int) -> Derivatives:
    """The function and its derivatives up to that order, by automatic differentiation.

    Args:
        f: A model or function of rows, ``(N, d) -> (N,)`` or ``(N, 1)``.
        x: Rows, ``(N, d)``.
        order: How many derivatives, 1 to 3.

    Raises:
        ConfigError: x or f has another shape.
        DataError: A column of x, or f, is constant.
        NonFiniteError: x, f or a derivative is not finite.
    """
    spread = _spread(x)
    with torch.enable_grad(), use_backend("plain"):  # which is differentiable to any order
        x = x.detach().clone().requires_grad_()
        y = f(x)
        if not isinstance(y, Tensor) or y.shape not in (x.shape[:1], (len(x), 1)):
            got = f"shape {tuple(y.shape)}" if isinstance(y, Tensor) else type(y).__name__
            raise ConfigError(f"f must give one number a row, ({len(x)},) or ({len(x)}, 1), got {got}: choose one output")
        found = [y.flatten()]
        for _ in range(order):
            found.append(_gradient(found[-1], x) * spread)
    return normalised([t.detach() for t in found])


def normalised(found: Sequence[Tensor]) -> Derivatives:
    """Value and derivatives over the median size of the gradient, if all are finite and that is not 0."""
    for degree, values in enumerate(found):
        what = f"derivative {degree} of f" if degree else "f"
        _check_finite(values, f"{what} at the rows of x", "leave out rows where f is not smooth")
    scale = found[1].norm(dim=1).median()
    if not scale > torch.finfo(scale.dtype).eps * found[0].abs().max():
        raise DataError("f is constant, or flat at most rows of x: there is nothing to test; give rows where it changes")
    value, first, *higher = (t / scale for t in found)
    return Derivatives(value, first, tuple(higher))


def check_groups(groups: Iterable[Collection[int]], columns: int) -> list[list[int]]:
    """The groups as lists of column numbers, if they are disjoint, not empty and there."""
    groups = [[int(i) for i in group] for group in groups]
    named = [i for group in groups for i in group]
    if not groups or not all(groups) or len(set(named)) < len(named) or not all(0 <= i < columns for i in named):
        raise ConfigError(f"groups must name columns from 0 to {columns - 1}, none twice and no group empty, got {groups}")
    return groups


def connected(items: Iterable[Item], meet: Callable[[Item, Item], bool]) -> list[list[Item]]:
    """The items in groups: those that meet, directly or through others."""
    groups = []
    for item in items:
        met = [group for group in groups if any(meet(item, other) for other in group)]
        groups = [group for group in groups if group not in met] + [sum(met, [item])]
    return groups


def _enough(keep: Tensor, what: str) -> Tensor:
    if keep.sum() < 2:
        raise DataError(f"{what} is 0 at nearly all {len(keep)} rows of x: there is nothing to test; give other rows")
    return keep


def _gradient(values: Tensor, x: Tensor) -> Tensor:
    """Derivatives of ``(N, ...)`` with respect to x, ``(N, ..., d)``; 0 where no way leads from x to a value."""
    columns = [
        torch.autograd.grad(column.sum(), x, create_graph=True, materialize_grads=True)[0]
        if column.requires_grad
        else torch.zeros_like(x)
        for column in values.reshape(len(x), -1).unbind(1)
    ]
    return torch.stack(columns, 1).reshape(*values.shape, x.shape[1])


def _spread(x: Tensor) -> Tensor:
    """The standard deviation of each column, after a look at whether x can be used."""
    # shape: x (N, d) to (d,)
    if not isinstance(x, Tensor) or x.dim() != 2 or min(x.shape) < 2 or not x.is_floating_point():
        got = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise ConfigError(f"x must be a floating tensor of at least 2 rows and 2 variables, got {got}")
    x = x.detach()
    _check_finite(x, "x", "leave out or mend such rows")
    spread = x.std(0)
    constant = (spread <= 8 * torch.finfo(x.dtype).eps * x.abs().amax(0)).nonzero().flatten().tolist()
    if constant:
        raise DataError(f"columns {constant} of x are constant: vary them, or write f without them")
    return spread


def _check_finite(values: Tensor, what: str, fix: str) -> None:
    # shape: values (N, ...)
    bad = (~values.isfinite()).reshape(len(values), -1).any(1).nonzero().flatten().tolist()
    if bad:
        raise NonFiniteError(f"{what} must be finite and is not in {len(bad)} of them, first in row {bad[0]}: {fix}")
