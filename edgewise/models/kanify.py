"""Any network as a KAN: its linear layers and convolutions replaced by layers of edges."""

import copy
from collections import defaultdict
from collections.abc import Callable
from typing import cast

from torch import nn

from edgewise._ground.errors import ConfigError
from edgewise.models.kanify_layers import TRANSPOSED, Layer, ToKAN
from edgewise.models.kanify_select import Filter, layers_of, select
from edgewise.models.kanify_warm import start_as
from edgewise.models.registry import forget_config

Maker = Callable[[nn.Module], nn.Module]


def kanify(
    model: nn.Module,
    linear: Maker | None = ToKAN(),  # noqa: B008 (frozen)
    conv: Maker | None = ToKAN(),  # noqa: B008
    *,
    where: Filter | None = None,
    skip: Filter = (),
    warm_start: bool = True,
) -> nn.Module:
    r"""A copy of any network whose linear layers and convolutions are KAN layers.

    By default it starts as the function that the network is: a base branch :math:`w\, x` carries the weights, which stay
    the same parameters, and the new functions start at zero,
    :math:`\phi_{qp}(t) = w_{qp} t + \sum_j c_{qpj} B_j(t)` with :math:`c = 0`. Sizes, strides, dilation, groups, padding,
    device, dtype, mode and ``requires_grad`` stay what they were, and what was shared is shared.

    Args:
        model: From torchvision, timm, MONAI, transformers or anywhere; it is left as it is.
        linear: Makes what replaces an ``nn.Linear`` out of it: :class:`ToKAN`, :class:`ToSaKAN` or a function of the old
            layer; None leaves them.
        conv: The same for ``nn.Conv1d/2d/3d`` and ``nn.ConvTranspose1d/2d/3d``.
        where: Which layers; all by default. A pattern for their names, such as ``"layer4.*"``; a class; a module, for all
            inside it; a function of name and layer, such as ``lambda name, layer: layer.weight.numel() > 10_000``; or
            several of these.
        skip: Which of those to leave, in the same terms.
        warm_start: Start as the same function; otherwise all parameters of the new layers are drawn.

    Raises:
        ConfigError: No layer is chosen, one of them cannot be replaced, or cannot start as the same function; the message
            says which and why.

    Example:
        >>> import torch
        >>> from edgewise.bases import Chebyshev
        >>> net, x = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 2)), torch.randn(5, 3, 4, 4)
        >>> kan = kanify(net, linear=ToKAN(Chebyshev(degree=4)), conv=None)
        >>> kan[0], type(kan[2]).__name__, torch.allclose(kan(x), net(x), atol=1e-5)
        (Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1)), 'KANLinear', True)
    """
    for name, make in (("linear", linear), ("conv", conv)):
        if not (make is None or callable(make)):
            raise ConfigError(f"{name} must be ToKAN(), ToSaKAN(), a function of the old layer or None, got {make!r}")

    def maker(layer: Layer) -> Maker | None:
        return linear if isinstance(layer, nn.Linear) else conv

    places = select(model, lambda layer: maker(layer) is not None, where, skip)
    model = copy.deepcopy(model)
    layers, owners, made = dict(layers_of(model)), _owners(model), set()
    for names in places:
        old = layers[names[0]]
        others = owners[id(old.weight)] - set(names)
        if others and (not warm_start or isinstance(old, TRANSPOSED)):
            raise ConfigError(
                f"{names[0]!r} shares its weight with {min(others)!r}, which only a warm start of linear layers and "
                f"convolutions keeps: give it a weight of its own or leave it out with skip={names[0]!r}"
            )
        new = _replace(old, cast("Maker", maker(old)), names[0], warm_start)  # no other layers are selected
        if names == [""]:
            return new
        made.add(new)
        for name in names:
            model.set_submodule(name, new)
    for module in model.modules():
        if any(m in made for m in module.modules()):
            forget_config(module)  # which rebuilds another network
    return model


def _replace(old: Layer, make: Maker, name: str, warm_start: bool) -> nn.Module:
    try:
        new = make(old)
    except ConfigError as error:
        raise ConfigError(f"{name!r} ({type(old).__name__}) cannot be replaced: {error}") from error
    new.requires_grad_(old.weight.requires_grad)
    if warm_start:
        start_as(old, new, name)
    elif old.bias is not None and (bias := getattr(new, "bias", None)) is not None:
        bias.requires_grad_(old.bias.requires_grad)
    return new.train(old.training)


def _owners(model: nn.Module) -> dict[int, set[str]]:
    """For each parameter the names of all modules that have it."""
    owners = defaultdict(set)
    for name, parameter in model.named_parameters(remove_duplicate=False):
        owners[id(parameter)].add(name.rpartition(".")[0])
    return owners
