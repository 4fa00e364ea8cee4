"""What a differential equation is written in: the outputs of a network, and their derivatives by its inputs."""

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.nn import edge_layers
from edgewise.ops import use_backend

Rows = Callable[[Tensor], Tensor]


class Field:
    r"""A function at points with its derivatives: :math:`\partial_i u` is ``u.d(i)``, :math:`\partial_i \partial_j u` is
    ``u.d(i, j)``, and so on to any order.

    A point's output depends on that point alone, so the derivatives at all points are the gradient of their sum (reverse
    mode, once more for each order). What was asked for is kept: ``u.d(0, 0)`` after ``u.d(0)`` costs one gradient. All
    results are differentiable with respect to the parameters of the model.

    Args:
        model: A network or any function of rows, ``(N, d) -> (N, outputs)``.
        x: Points, ``(N, d)``.

    Attributes:
        x: The points as coordinates to use in an equation, ``u.x[:, 0]``.
        outputs: What the model gives at them, ``(N, outputs)``.

    Raises:
        ConfigError: The model does not give one row a point.

    Example:
        >>> u = Field(lambda x: x[:, :1] ** 3 * x[:, 1:], torch.tensor([[2.0, 5.0]]))
        >>> [t.item() for t in (u.value, u.d(0), u.d(0, 0), u.d(0, 1), u.laplacian())]
        [40.0, 60.0, 60.0, 12.0, 60.0]
    """

    def __init__(self, model: Rows, x: Tensor):
        self.model = model
        self._look(x.detach().clone().requires_grad_())

    def _look(self, x: Tensor) -> None:
        self.x = x
        with torch.enable_grad(), use_backend("plain"):  # of all backends the quickest to differentiate twice
            self.outputs = self.model(x)
        if self.outputs.shape[:-1] != x.shape[:1]:
            raise ConfigError(f"a model must give one row a point, {len(x)} of them, got shape {tuple(self.outputs.shape)}")
        self._gradients, self._components = {}, {}

    def shifted(self, step: Tensor) -> "Field":
        """The same function at x + step, one row for each row: on the other face of a domain, or some time ago.

        Example:
            >>> u = Field(lambda x: x**2, torch.tensor([[3.0]]))
            >>> u.shifted(torch.tensor([1.0])).d(0).item()
            8.0
        """
        if step.shape not in (self.x.shape[1:], self.x.shape):
            raise ConfigError(f"a step has one number for each of {self.x.shape[1]} columns, got shape {tuple(step.shape)}")
        other = copy.copy(self)
        with torch.enable_grad():
            other._look(self.x + step)
        return other

    def __getitem__(self, component: int) -> "Field":
        """One of several outputs, for itself.

        Raises:
            ConfigError: There is no such output.
        """
        outputs = self.outputs.shape[1]
        if not -outputs <= component < outputs:
            raise ConfigError(f"the model has {outputs} outputs, u[0] to u[{outputs - 1}], and u[{component}] is asked for")
        if component not in self._components:
            one = copy.copy(self)
            with torch.enable_grad():
                one.outputs = self.outputs.narrow(1, component, 1)
            one._gradients, one._components = {}, {}
            self._components[component] = one
        return self._components[component]

    @property
    def value(self) -> Tensor:
        """The only output, ``(N,)``.

        Raises:
            ConfigError: There are several.
        """
        if self.outputs.shape[1] != 1:
            raise ConfigError(f"the model has {self.outputs.shape[1]} outputs: choose one, such as u[0]")
        return self.outputs[:, 0]

    def d(self, *columns: int) -> Tensor:
        """The derivative by these columns of x, one after the other, ``(N,)``; by none, the value.

        Raises:
            ConfigError: x has no such column, the model has several outputs, or its splines are of too low a degree.
        """
        if not columns:
            return self.value
        self._check(columns)
        *first, last = sorted(columns)
        return self._gradient(*first)[:, last]

    def gradient(self) -> Tensor:
        """All first derivatives, ``(N, d)``."""
        return self._gradient()

    def laplacian(self, columns: Iterable[int] | None = None) -> Tensor:
        r"""The sum of second derivatives :math:`\sum_i \partial_i^2 u`, over all columns or those given, ``(N,)``."""
        places = range(self.x.shape[1]) if columns is None else columns
        return sum((self.d(i, i) for i in places), self.x.new_zeros(len(self.x)))

    def _gradient(self, *columns: int) -> Tensor:
        if columns not in self._gradients:
            with torch.enable_grad():
                total = self.d(*columns).sum()
                self._gradients[columns] = (
                    torch.autograd.grad(total, self.x, create_graph=True, materialize_grads=True)[0]
                    if total.requires_grad
                    else torch.zeros_like(self.x)  # of a function that has become constant
                )
        return self._gradients[columns]

    def _check(self, columns: tuple[int, ...]) -> None:
        if not all(0 <= i < self.x.shape[1] for i in columns):
            raise ConfigError(f"a derivative is by columns of x, 0 to {self.x.shape[1] - 1}, got {columns}")
        if len(columns) > 1 and isinstance(self.model, nn.Module):
            highest = min((layer.edge.basis.smoothness for _, layer in edge_layers(self.model)), default=len(columns)) + 1
            if len(columns) > highest:
                raise ConfigError(
                    f"derivatives of order {len(columns)} of this network are 0 almost everywhere, its splines have "
                    f"degree {highest}: take a higher degree, such as KAN(..., k={len(columns) + 1})"
                )
