"""What all layers of edges have in common."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from edgewise._ground.errors import ConfigError
from edgewise._ground.precision import autocast_dtype
from edgewise.bases import Basis, BSpline
from edgewise.nn.settings import HasSettings, settings_text
from edgewise.ops import EdgeFunction

DEFAULT_BASIS = BSpline()
Kind = Literal["coefficient", "weight", "offset"]


class BasisState(nn.Module):
    """The knots (buffers) and learnable numbers (parameters) of a basis, found in ``state_dict`` by their names."""

    def __init__(self, basis: Basis, features: int, device=None, dtype=None):
        super().__init__()
        self.features = features
        self._draw = partial(basis.init_state, features)
        self.names = tuple(state := self._draw(device=device, dtype=dtype))
        for name, tensor in state.items():
            if isinstance(tensor, nn.Parameter):
                self.register_parameter(name, tensor)
            else:
                self.register_buffer(name, tensor)

    def reset_parameters(self) -> None:
        """Start anew, buffers included: what was built on the meta device and moved holds no numbers yet."""
        with torch.no_grad():
            for name, tensor in self.tensors().items():
                tensor.copy_(self._draw(device=tensor.device, dtype=tensor.dtype)[name])

    def tensors(self) -> dict[str, Tensor]:
        """The state as a basis wants it."""
        return {name: getattr(self, name) for name in self.names}


class EdgeLayer(HasSettings):
    """Base of the layers whose edges carry functions.

    Attributes:
        edge: The functions' settings: basis, base function, grad-free or not.
        state: Knots and learnable numbers of the basis.
        coef: Coefficients of the functions; each class says how they lie.
        coefficients: Names of the parameters that shape the functions (they often want a learning rate of their own).
    """

    coefficients: ClassVar[tuple[str, ...]] = ("coef",)
    coef: nn.Parameter

    def __init__(self, edge: EdgeFunction, features: int, device=None, dtype=None):
        super().__init__()
        self.edge = edge
        self.state = BasisState(edge.basis, features, device, dtype)

    def reset_parameters(self) -> None:
        """Draw all parameters anew, from the global generator as ``nn.Linear`` does."""
        raise NotImplementedError

    def fraction_outside(self, x: Tensor) -> float:
        """The fraction of inputs that fall outside the domain of the basis.

        Args:
            x: An input of the layer, of any shape it takes.
        """
        return self.edge.basis.fraction_outside(self._features_last(x), self.state.tensors()).item()

    def weight_settings(self) -> str:
        """The functions that the coefficients belong to."""
        return settings_text(basis=self.edge.basis, base=self.edge.base)

    def _features_last(self, x: Tensor) -> Tensor:
        return x

    def _apply(self, fn, recurse=True):
        """As of any module; but a memory format passes by what has no layout of images, such as coefficients.

        ``to(memory_format=...)`` asks it of all tensors of four or five dimensions, and fails where there are more or less
        than an image has.
        """
        if recurse:
            for child in self.children():
                child._apply(fn)
        return super()._apply(
            lambda t: fn(t) if self._is_laid_out(t) else fn(t.flatten(1)).unflatten(1, t.shape[1:]), False
        )

    def _is_laid_out(self, tensor: Tensor) -> bool:
        """Whether it may take a memory format, or none is asked of it."""
        return tensor.dim() not in (4, 5)

    def _describe_edge(self) -> str:
        text = f"basis={self.edge.basis}, base={self.edge.base!r}"
        return text + ", grad_free=True" if self.edge.grad_free else text


class DrawnLayer(EdgeLayer):
    """Base of the layers whose parameters an initialisation draws.

    Attributes:
        init: Draws the parameters.
        basis_dim: The dimension of ``coef`` that counts the functions of the basis.
        base_weight: Weights of the base branch, or None.
        bias: Added to the output, or None.
    """

    init: Callable[["DrawnLayer"], None]
    basis_dim: ClassVar[int]
    base_weight: nn.Parameter | None
    bias: nn.Parameter | None

    @property
    def fan_in(self) -> float:
        """Number of edges that end in one output."""
        raise NotImplementedError

    def init_functions(self, functions: list[Tensor], noise: float) -> None:
        """Start from random multiples of each of the functions (their coefficients), and noise."""
        raise NotImplementedError

    def reset_parameters(self) -> None:
        """Draw all parameters anew, from the global generator as ``nn.Linear`` does."""
        self.init(self)


class RowLayer(EdgeLayer):
    """Base of the fully connected layers: their sizes, leading dimensions and bias, and what they refuse.

    A subclass sums its edges in ``_sum``, rows ``(N, in_features)`` to ``(N, out_features)``.
    """

    def __init__(self, edge: EdgeFunction, in_features: int, out_features: int, bias: bool, device=None, dtype=None):
        if min(in_features, out_features) < 1:
            raise ConfigError(f"in_features and out_features must be at least 1, got {in_features} and {out_features}")
        super().__init__(edge, in_features, device, dtype)
        self.in_features, self.out_features = in_features, out_features
        self.bias = nn.Parameter(torch.empty(out_features, device=device, dtype=dtype)) if bias else None

    @property
    def fan_in(self) -> int:
        """Number of edges that end in one output."""
        return self.in_features

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.in_features,):
            raise ConfigError(f"expected {self.in_features} features in the last dimension, got shape {tuple(x.shape)}")
        check_dtype(x, self.coef)
        if x.dim() == 2:  # a small network is all calls, so none to spare
            y = self._sum(x)
        else:
            y = self._sum(x.reshape(-1, self.in_features)).reshape(*x.shape[:-1], self.out_features)
        return y if self.bias is None else y + self.bias.to(y.dtype)  # which autocast may have lowered

    def _sum(self, rows: Tensor) -> Tensor:
        raise NotImplementedError

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, {self._describe_edge()}, bias={self.bias is not None}"


def check_dtype(x: Tensor, weight: Tensor) -> None:
    """Refuse an input of another dtype than the weights, as ``nn.Linear`` does, but for what autocast converts.

    Raises:
        ConfigError: The dtypes differ.
    """
    if x.dtype == weight.dtype:
        return
    if not x.is_floating_point() or x.dtype == torch.float64 or autocast_dtype(x) is None:
        own = str(weight.dtype)
        raise ConfigError(f"x is {x.dtype} and the layer is {own}: give it x.to({own}), or convert it with .to({x.dtype})")


def edge_layers(model: nn.Module) -> Iterator[tuple[str, EdgeLayer]]:
    """All layers of edges inside ``model``, with their names."""
    return ((name, module) for name, module in model.named_modules() if isinstance(module, EdgeLayer))


def parameter_kinds(model: nn.Module) -> dict[str, Kind]:
    """What each parameter is: a ``"coefficient"`` of edge functions, a dense ``"weight"``, or an ``"offset"``.

    The class of the layer that owns a parameter declares its coefficients in ``coefficients``, and so may one of yours;
    names play no part. Of the rest, matrices and kernels are weights, and biases and the vectors of norms are offsets.

    Example:
        >>> from edgewise.nn import KANLinear
        >>> parameter_kinds(KANLinear(2, 3, bias=True))
        {'bias': 'offset', 'coef': 'coefficient', 'base_weight': 'weight'}
    """
    coefficients = set()
    for module in model.modules():
        declared = getattr(type(module), "coefficients", ())
        if isinstance(declared, tuple):  # another library may mean something else by it
            coefficients |= {id(p) for name in declared for p in _parameters_behind(module, name)}
        if isinstance(module, EdgeLayer):
            coefficients |= {id(p) for p in module.state.parameters()}
    return {
        name: "coefficient" if id(p) in coefficients else "weight" if p.dim() > 1 else "offset"
        for name, p in model.named_parameters()
    }


def _parameters_behind(module: nn.Module, name: str) -> Iterator[nn.Parameter]:
    """What is learned of an attribute: the parameter of that name, or those it is made from.

    ``torch.nn.utils.prune`` keeps it as ``coef_orig``, the older norms of weights as ``coef_g`` and ``coef_v``, and
    ``torch.nn.utils.parametrize`` in a module of its own.
    """
    for own, parameter in module.named_parameters(recurse=False):
        if own == name or own in (f"{name}_orig", f"{name}_g", f"{name}_v"):
            yield parameter
    if parametrize.is_parametrized(module, name):
        yield from module.get_submodule(f"parametrizations.{name}").parameters()
