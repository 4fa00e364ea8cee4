"""Which layers of a network are replaced: those that were asked for, and no layer that cannot be."""

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase

from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

from edgewise._ground.errors import ConfigError
from edgewise.models.kanify_layers import KINDS, Layer, kind_of
from edgewise.models.kanify_source import reads_weight

Filter = str | type | nn.Module | Callable[[str, nn.Module], bool] | Iterable["Filter"]

_READERS = (nn.MultiheadAttention, nn.TransformerEncoderLayer)  # use the weights of their layers without calling them


def layers_of(model: nn.Module) -> Iterator[tuple[str, Layer]]:
    """All linear layers and convolutions with their names; a layer in two places comes twice."""
    return ((name, m) for name, m in model.named_modules(remove_duplicate=False) if isinstance(m, KINDS))


def matches(chosen: Filter, name: str, layer: nn.Module) -> bool:
    """Whether a filter takes the layer.

    Args:
        chosen: A pattern for the dotted name, such as ``"layer4.*"``; a class; a module, which stands for itself and all
            inside it; a function of name and layer; or several of these, any of which may take it.
        name: Of the layer.
        layer: The layer.

    Example:
        >>> matches(["*.fc", lambda name, layer: layer.weight.numel() > 100], "head.fc", nn.Linear(2, 2))
        True
    """
    if isinstance(chosen, str):
        return fnmatchcase(name, chosen)
    if isinstance(chosen, type):
        return isinstance(layer, chosen)
    if isinstance(chosen, nn.Module):
        return any(layer is module for module in chosen.modules())
    if callable(chosen):
        return bool(chosen(name, layer))
    if isinstance(chosen, Iterable):
        return any(matches(part, name, layer) for part in chosen)
    raise ConfigError(f"a filter is a pattern, a class, a module, a function of name and layer, or several; got {chosen!r}")


def select(model: nn.Module, replaced: Callable[[Layer], bool], where: Filter | None, skip: Filter) -> list[list[str]]:
    """The names of the layers to replace; those of one layer, which may stand in several places, together.

    Raises:
        ConfigError: There are none, or one of them cannot be replaced.
    """
    groups: dict[int, tuple[Layer, list[str]]] = {}
    all_names = []
    for name, layer in layers_of(model):
        if replaced(layer):
            groups.setdefault(id(layer), (layer, []))[1].append(name)
            all_names.append(name)
    if not all_names:
        raise ConfigError(
            f"{type(model).__name__} has no layer to replace: no linear layer or convolution that was asked for"
        )

    def taken(layer: Layer, names: list[str], chosen: Filter | None) -> bool:
        return chosen is None or any(matches(chosen, name, layer) for name in names)

    found = [g for g in groups.values() if taken(*g, where) and not taken(*g, skip)]
    if not found:
        raise ConfigError(f"where and skip leave none of the {len(all_names)} layers, such as {all_names[0]!r}")
    kept = _kept_by(model)
    for layer, names in found:
        for name in names:
            if reason := _obstacle(model, name, layer, kept.get(id(layer))):
                raise ConfigError(
                    f"{name!r} ({type(layer).__name__}) cannot be replaced: {reason}, or leave it out (skip=)"
                )
    return [names for _, names in found]


def _obstacle(model: nn.Module, name: str, layer: Layer, keeper: str | None) -> str | None:
    """Why a layer cannot be replaced and what to do, or None."""
    kind, parent = kind_of(layer), model.get_submodule(name.rpartition(".")[0])
    if isinstance(parent, _READERS) or reads_weight(parent, name.rpartition(".")[2]):
        return f"{type(parent).__name__} reads its weight instead of calling it; use another module there"
    if keeper is not None:
        return f"{keeper} keeps it in a plain list or dict too, where it would stay; use nn.ModuleList or nn.ModuleDict"
    if any(map(is_lazy, layer.parameters())):
        return "its sizes are not known yet; run the network once"
    if parametrize.is_parametrized(layer):
        return "its weight is parametrized; call torch.nn.utils.parametrize.remove_parametrizations"
    if not isinstance(layer._parameters.get("weight"), nn.Parameter):
        return "its weight is no parameter (pruning or weight norm makes it anew each time); take that off"
    if any((layer._forward_hooks, layer._forward_pre_hooks, layer._backward_hooks, layer._backward_pre_hooks)):
        return "it has hooks, which would be lost; remove them and register them on the new layer"
    own = [getattr(type(layer), method, None) for method in ("forward", "_conv_forward")]
    if vars(layer).keys() & {"forward", "_conv_forward"}:
        return "its forward was replaced by another on this very layer; put the replacement around it"
    if own != [getattr(kind, method, None) for method in ("forward", "_conv_forward")]:
        return f"its class computes something else than {kind.__name__}; replace it by a {kind.__name__}"
    if not layer.weight.is_floating_point():
        return f"its weight is {layer.weight.dtype} and functions need floating point; convert it"
    return None


def _kept_by(model: nn.Module) -> dict[int, str]:
    """For modules in a list, tuple or dict of Python's, which no replacement reaches, the class of who has it."""
    found = {}
    for module in model.modules():
        for key, value in vars(module).items():
            if key != "_modules" and isinstance(value, (list, tuple, dict)):
                items = value.values() if isinstance(value, dict) else value
                found |= {id(item): type(module).__name__ for item in items if isinstance(item, nn.Module)}
    return found
