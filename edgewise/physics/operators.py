"""Derivatives of systems: of a vector at each point, one output of the network for each of its components."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from edgewise._ground.errors import ConfigError
from edgewise.physics.field import Field


def grad(u: Field) -> Tensor:
    """The first derivatives of each output, ``(N, outputs, d)``.

    Example:
        >>> u = Field(lambda x: torch.stack([x[:, 0] * x[:, 1], x[:, 0]], 1), torch.tensor([[2.0, 3.0]]))
        >>> grad(u).tolist()
        [[[3.0, 2.0], [1.0, 0.0]]]
    """
    return torch.stack([u[i].gradient() for i in range(u.outputs.shape[1])], 1)


def div(u: Field, columns: Sequence[int] | None = None) -> Tensor:
    r"""The divergence :math:`\sum_i \partial_i u_i`, ``(N,)``, of as many outputs as there are columns.

    Args:
        u: The field.
        columns: By which the outputs are derived, one after the other; the first ones by default.

    Raises:
        ConfigError: More outputs than columns.

    Example:
        >>> u = Field(lambda x: x * x, torch.tensor([[2.0, 3.0]]))
        >>> div(u).item()
        10.0
    """
    outputs = u.outputs.shape[1]
    columns = range(outputs) if columns is None else columns
    if len(columns) != outputs or max(columns) >= u.x.shape[1]:
        raise ConfigError(f"a divergence needs one column for each output, got {outputs} outputs and {list(columns)}")
    return torch.stack([u[i].d(column) for i, column in enumerate(columns)]).sum(0)


def curl(u: Field) -> Tensor:
    r"""The curl: of two outputs :math:`\partial_0 u_1 - \partial_1 u_0`, ``(N,)``; of three the vector, ``(N, 3)``.

    Raises:
        ConfigError: Another number of outputs.

    Example:
        >>> u = Field(lambda x: torch.stack([-x[:, 1], x[:, 0]], 1), torch.tensor([[2.0, 3.0]]))
        >>> curl(u).item()
        2.0
    """
    outputs = u.outputs.shape[1]
    if outputs == 2:
        return u[1].d(0) - u[0].d(1)
    if outputs != 3:
        raise ConfigError(f"a curl is of two or three outputs, got {outputs}")
    return torch.stack([u[(i + 2) % 3].d((i + 1) % 3) - u[(i + 1) % 3].d((i + 2) % 3) for i in range(3)], 1)


def laplacian(u: Field, columns: Sequence[int] | None = None) -> Tensor:
    """The Laplacian of each output, ``(N, outputs)``, over all columns or those given.

    Example:
        >>> u = Field(lambda x: torch.stack([x[:, 0] ** 2, x[:, 1] ** 3], 1), torch.tensor([[2.0, 3.0]]))
        >>> laplacian(u).tolist()
        [[2.0, 18.0]]
    """
    return torch.stack([u[i].laplacian(columns) for i in range(u.outputs.shape[1])], 1)


def around(u: Field, column: int, period: float) -> Tensor:
    r"""What is 0 of a function that goes round: :math:`u(x + p e_i) - u(x)`, and the same of :math:`\partial_i u`.

    A term of that at the points of one face says that the solution, and its slope, go on at the other.

    Args:
        u: The field, at points of the lower face.
        column: Which coordinate goes round.
        period: p.

    Shape:
        ``(N, 2 outputs)``, the values of all outputs and then their slopes

    Raises:
        ConfigError: The points have no such column, or the period is no number above or below 0.

    Example:
        >>> u = Field(lambda x: torch.sin(x) + x, torch.tensor([[0.0]]))
        >>> [round(gap, 4) for gap in around(u, 0, 2 * torch.pi)[0].tolist()]
        [6.2832, 0.0]
    """
    if not 0 <= column < u.x.shape[1]:
        raise ConfigError(f"column {column} is to go round, and the points have columns 0 to {u.x.shape[1] - 1}")
    if not math.isfinite(period) or period == 0:
        raise ConfigError(f"what goes round has a period, a finite number other than 0, got {period}")
    step = u.x.new_zeros(u.x.shape[1])
    step[column] = period
    other = u.shifted(step)
    columns = range(u.outputs.shape[1])
    slopes = [other[i].d(column) - u[i].d(column) for i in columns]
    return torch.cat([other.outputs - u.outputs, torch.stack(slopes, 1)], 1)


def along(u: Field, directions: Tensor) -> Tensor:
    """The derivative of one output along vectors ``(N, d)``, such as ``along(u, disc.normals(u.x))`` on an edge, ``(N,)``.

    Args:
        u: The field.
        directions: One for each point, or one ``(d,)`` for all.

    Raises:
        ConfigError: Another shape.

    Example:
        >>> u = Field(lambda x: x[:, :1] + 2 * x[:, 1:], torch.zeros(1, 2))
        >>> along(u, torch.tensor([[3.0, 4.0]])).item()
        11.0
    """
    if directions.shape not in (u.x.shape, u.x.shape[1:]):
        raise ConfigError(f"directions have the shape of the points, {tuple(u.x.shape)}, got {tuple(directions.shape)}")
    return (u.gradient() * directions.to(u.outputs)).sum(1)
