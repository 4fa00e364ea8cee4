"""Networks of pykan, live or as ``saveckpt`` wrote them, as networks of this library that compute the same."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise.bases import BSpline
from edgewise.kan._pykan_source import UNITS, read_pykan
from edgewise.kan.functions import FUNCTIONS
from edgewise.kan.kan import KAN
from edgewise.kan.layer import KANLayer
from edgewise.ops.edge import BASE_FUNCTIONS

BASES = {  # as pykan's settings have them
    "silu": "silu",
    "identity": "identity",
    "zero": None,
    "object:torch.nn.modules.activation.SiLU": "silu",
    "object:torch.nn.modules.activation.ReLU": "relu",
    "object:torch.nn.modules.activation.Tanh": "tanh",
    "object:torch.nn.modules.linear.Identity": "identity",
    "name:kan.MultKAN.<lambda>": None,  # how zero is written where prune_input left the function
}
ULPS = 32  # by which evenly spaced knots may be off


def from_pykan(source: Any) -> KAN:
    r"""The network that computes what a network of pykan computes.

    :math:`\phi(x) = m_n (w_b\, b(x) + w_s \sum_j c_j B_j(x)) + m_s (c f(a x + b) + d)` on each edge (Liu et al.,
    arXiv:2404.19756 and 2408.10205). Masks other than 0 and 1 go into the numbers beside them; knots that are not evenly
    spaced stay those of each input. It has the dtype and the device of the original.

    Args:
        source: A model of pykan, or the path that its ``saveckpt`` got, which adds ``_config.yml`` and ``_state`` to it.
            Nothing in these files is run. They do not tell which inputs were pruned: such a network takes the columns
            that are left.

    Raises:
        CheckpointError: A file is missing or damaged, or its parts do not belong together.
        ConfigError: An edge has a function that the library has not, or the network a base function that is not one of
            ``BASE_FUNCTIONS``, or ``source`` is something else.

    Example:
        >>> from_pykan("no_such/0.1")  # where a model was saved by model.saveckpt("no_such/0.1")
        Traceback (most recent call last):
        edgewise.CheckpointError: no_such/0.1_config.yml does not exist: give the path that saveckpt got
    """
    found = read_pykan(source)
    settings, base = found.settings, _base(found.settings["base_fun_name"])
    width = _width(settings)
    parts = [_part(found.state, number, entry) for number, entry in enumerate(width[1:])]
    affine = bool(settings["affine_trainable"])
    frozen = [] if settings["sp_trainable"] else ["scale"]
    frozen += [] if settings["sb_trainable"] or base is None else ["base_weight"]
    model = KAN(
        width,
        [_basis(part["grid"], part["coef"]) for part in parts],
        base,
        scale=True,
        affine=affine or any(bool((part[name] != unit).any()) for part in parts for name, unit in UNITS.items()),
        frozen=frozen,
        inputs=found.inputs,
    ).to(parts[0]["coef"])
    for number, (layer, part) in enumerate(zip(model, parts, strict=True)):
        _check(number, layer, part)
        _fill(layer, part)
        for parameter in {} if layer.affine is None else layer.affine.values():
            parameter.requires_grad_(affine)
        if settings["symbolic_enabled"]:
            _fix(number, layer, part, settings.get(f"symbolic.funs_name.{number}"))
    return model


def _width(settings: Mapping) -> list:
    """Nodes from input to output as :class:`KAN` takes them."""
    width, arity = settings["width"], settings["mult_arity"]
    try:
        entries = [(int(entry), 0) if isinstance(entry, int) else (int(entry[0]), int(entry[1])) for entry in width]
        shared = isinstance(arity, int)
        arities = [[arity] * products if shared else list(map(int, arity[i])) for i, (_, products) in enumerate(entries)]
        fits = [len(own) == products for own, (_, products) in zip(arities[1:], entries[1:], strict=True)]
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise CheckpointError(f"width {width} and mult_arity {arity} are not those of a network of pykan") from error
    if not all(fits):
        raise CheckpointError(f"width {width} and mult_arity {arity} do not belong together")
    return [sum(entries[0]), *([sums, own] for (sums, _), own in zip(entries[1:], arities[1:], strict=True))]


def _base(given: Any) -> str | None:
    """The name of the base function; None for one that is zero."""
    if callable(given):
        x = torch.tensor([-2.0, -0.3, 0.4, 3.0])
        known: dict[str | None, Callable[[Tensor], Tensor]] = {**BASE_FUNCTIONS, None: torch.zeros_like}
        same = [name for name, function in known.items() if torch.allclose(torch.as_tensor(given(x)), function(x))]
        if same:
            return same[0]
    elif isinstance(given, str) and given in BASES:
        return BASES[given]
    raise ConfigError(
        f"the base function of the pykan model is {given}; here it is one of {', '.join(BASE_FUNCTIONS)} or zero"
    )


def _part(state: Mapping[str, Tensor], number: int, nodes: list) -> dict[str, Tensor]:
    """The tensors of one layer, by pykan's names."""
    names = {name: f"act_fun.{number}.{name}" for name in ("grid", "coef", "mask", "scale_base", "scale_sp")}
    names |= {f"symbolic_{name}": f"symbolic_fun.{number}.{name}" for name in ("mask", "affine")}
    lacking = [key for key in names.values() if key not in state]
    if lacking:
        raise CheckpointError(f"the state of the pykan model lacks {', '.join(lacking)}")
    part = {name: state[key] for name, key in names.items()}
    for name, unit in UNITS.items():
        size = nodes[0] + (sum(nodes[1]) if name.startswith("subnode") else len(nodes[1]))
        part[name] = state.get(f"{name}_{number}", part["coef"].new_full((size,), unit))
    return part


def _basis(grid: Tensor, coef: Tensor) -> BSpline:
    # shape: grid (in, G + 2k + 1), coef (in, out, G + k)
    degree = grid.shape[-1] - coef.shape[-1] - 1
    size = coef.shape[-1] - degree
    if grid.dim() != 2 or coef.dim() != 3 or degree < 1 or size < 1:
        raise CheckpointError(f"grid {tuple(grid.shape)} and coef {tuple(coef.shape)} of pykan do not belong together")
    ends = grid[0, degree].item(), grid[0, -degree - 1].item()
    if ends[0] < ends[1]:
        even = BSpline(size, degree, ends, knots="per-feature").init_state(len(grid), device=grid.device, dtype=grid.dtype)
        if torch.allclose(even["knots"], grid, rtol=0, atol=ULPS * torch.finfo(grid.dtype).eps * max(map(abs, ends))):
            return BSpline(size, degree, ends)
    outer = grid[:, degree].min().item(), grid[:, -degree - 1].max().item()
    return BSpline(size, degree, outer if outer[0] < outer[1] else (-1.0, 1.0), knots="per-feature")


def _check(number: int, layer: KANLayer, part: dict[str, Tensor]) -> None:
    into, out = layer.in_features, layer.out_features
    wanted = dict.fromkeys(("mask", "scale_base", "scale_sp"), (into, out))
    wanted |= {"coef": (into, out, part["coef"].shape[-1]), "grid": (into, part["grid"].shape[-1])}
    wanted |= {"symbolic_mask": (out, into), "symbolic_affine": (out, into, 4)}
    wanted |= {name: (out if name.startswith("subnode") else layer.nodes,) for name in UNITS}
    for name, shape in wanted.items():
        if part[name].shape != shape:
            raise CheckpointError(
                f"layer {number} of the pykan model has {into} inputs and {out} subnodes by its settings, "
                f"and {name} has shape {tuple(part[name].shape)} instead of {shape}"
            )


@torch.no_grad()
def _fill(layer: KANLayer, part: dict[str, Tensor]) -> None:
    """Numeric edges and nodes."""
    # shape: of pykan: mask, scale_base, scale_sp (in, out), coef (in, out, K), grid (in, knots)
    mask = part["mask"]
    factor = torch.where(mask == 0, 1.0, mask)  # the function under a cut edge stays
    layer.coef.copy_(part["coef"].transpose(1, 2))
    layer.get_parameter("scale").copy_((part["scale_sp"] * factor).t())
    if layer.base_weight is not None:
        layer.base_weight.copy_((part["scale_base"] * factor).t())
    layer.set_mask((mask != 0).t())
    for knots in layer.state.buffers():
        knots.copy_(part["grid"])
    for name, parameter in {} if layer.affine is None else layer.affine.items():
        parameter.copy_(part[name])


def _fix(number: int, layer: KANLayer, part: dict[str, Tensor], names: list | None) -> None:
    """Symbolic edges; those of the function 0 are left out."""
    # shape: of pykan: symbolic_mask (out, in), symbolic_affine (out, in, 4)
    if not isinstance(names, list) or [len(list(row)) for row in names] != [layer.in_features] * layer.out_features:
        raise CheckpointError(f"layer {number} of the pykan model has no name for each of its symbolic edges")
    for out, into in part["symbolic_mask"].nonzero().tolist():
        name, factor = str(names[out][into]), part["symbolic_mask"][out, into]
        a, b, c, d = part["symbolic_affine"][out, into].tolist()
        if name == "0" and d == 0:
            continue
        if name not in FUNCTIONS:
            raise ConfigError(
                f"the edge from input {into} to subnode {out} of layer {number} of the pykan model is {name!r}, which the "
                f"library has not: add it with edgewise.kan.register_function, then read the model again"
            )
        layer.enable_symbolic().fix(out, into, name, (a, b, factor.item() * c, factor.item() * d))
