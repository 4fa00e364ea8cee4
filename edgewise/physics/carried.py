"""Equations on networks whose derivatives are carried forward: their residuals, and the derivatives of these, quickly.

While an equation is asked, each network of the model that is called answers with a polynomial about its inputs, whose
coefficients are its values and derivatives there. Autograd goes through that and through whatever the model and the
equation do around it, so that nothing else has to know. An equation that this does not serve goes the general way.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeGuard

import torch
from torch import Tensor, nn

from edgewise.kan.network import Network
from edgewise.physics.expanded import expanded
from edgewise.physics.jacobian import read_directly
from edgewise.physics.jets import HIGHEST, Gradients, Passed, carries, jet_of, square
from edgewise.physics.parts import is_within, outermost, random_signs, trainable
from edgewise.physics.term import Term


def carried_networks(model: nn.Module) -> dict[str, Network]:
    """The networks in a model that can be carried, by name."""
    return {name: part for name, part in outermost(model, _is_network).items() if carries(part)}


def _is_network(module: nn.Module) -> TypeGuard[Network]:
    return isinstance(module, Network)


@contextmanager
def carrying(model: nn.Module, order: int, gradients: Gradients = "parameters") -> Iterator[list[list[Passed]]]:
    """Let the networks of a model answer with what was carried up to an order; gives a list that notes each call."""
    calls: list[list[Passed]] = []

    def answering(network: Network) -> Callable[[Tensor], Tensor]:
        def answer(x: Tensor) -> Tensor:
            x = network.select(x)
            jet, passed = jet_of(network, x, order, gradients)
            calls.append(passed)
            derivatives = [jet.slopes, square(jet.curves, x.shape[1])] if order > 1 else [jet.slopes][:order]
            return expanded(x, jet.value, *derivatives)

        return answer

    networks = list(carried_networks(model).values())
    for network in networks:
        vars(network)["forward"] = answering(network)  # found before that of the class
    try:
        yield calls
    finally:
        for network in networks:
            del vars(network)["forward"]


def order_of(model: nn.Module, term: Term) -> int | None:
    """The lowest order with which a term comes out as autograd has it, its gradient too; None if there is none."""
    if not carried_networks(model):
        return None
    parameters = list(trainable(model.named_parameters()).values())
    expected = _probe(model, term, parameters)
    for order in range(HIGHEST + 1):
        with carrying(model, order):
            try:
                found = _probe(model, term, parameters)
            except (RuntimeError, IndexError):  # of an operator that does with the network what only autograd can
                return None
        if all(_agree(one, other) for one, other in zip(found, expected, strict=True)):
            return order
    return None


def _probe(model: nn.Module, term: Term, parameters: Sequence[Tensor]) -> list[Tensor]:
    residual = term.residual(model)
    if not residual.requires_grad:
        return [residual]
    signs = random_signs(residual, torch.Generator().manual_seed(0))
    return [residual.detach(), *torch.autograd.grad(residual, parameters, signs, materialize_grads=True)]


def _agree(one: Tensor, other: Tensor) -> bool:
    tolerance = torch.finfo(one.dtype).eps ** 0.5
    return bool(((one - other).abs() <= tolerance * (1 + other.abs().max())).all())  # false for a NaN


@torch.enable_grad()
def carried_jacobian(model: nn.Module, term: Term, parameters: Mapping[str, Tensor], order: int) -> tuple[Tensor, Tensor]:
    """The residuals ``(R,)`` of a term and their derivatives ``(R, P)`` by the named parameters of the model.

    Points do not meet, so one gradient of the sum of the residuals by the curves of all edges at all points says how each
    residual depends on each curve; a curve is linear in its coefficients. Numbers of no carried network are read directly.
    """
    with carrying(model, order, "edges") as calls:
        residual = term.residual(model).reshape(len(term.points), -1)
    leaves = [curve for passed in calls for layer in passed for curve in layer.curves]
    blocks = {name: residual.new_zeros(len(residual), residual.shape[1], p.numel()) for name, p in parameters.items()}
    names = {id(p): name for name, p in parameters.items()}
    if not residual.requires_grad:
        return torch.cat(list(blocks.values()), -1).flatten(0, 1), residual.detach().flatten()
    for column in range(residual.shape[1]):
        found = iter(torch.autograd.grad(residual[:, column].sum(), leaves, retain_graph=True, materialize_grads=True))
        for layer in (layer for passed in calls for layer in passed):
            by_curve = [next(found) for _ in layer.curves]
            for parameter, rows in _of_edges(layer, by_curve):
                if id(parameter) in names:
                    blocks[names[id(parameter)]][:, column] += rows.flatten(1)
    inside = list(carried_networks(model))
    others = [name for name in parameters if not any(is_within(name, prefix) for prefix in inside)]
    if others:
        rows = read_directly(residual, [parameters[name] for name in others])
        for name, part in zip(others, rows.split([parameters[name].numel() for name in others], 1), strict=True):
            blocks[name] += part.view_as(blocks[name])
    return torch.cat(list(blocks.values()), -1).flatten(0, 1), residual.detach().flatten()


def _of_edges(passed: Passed, by_curve: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Derivatives by coefficients and base weights, ``(N, *shape)``, from those by the curves ``(N, in, subnodes)``."""
    layer, mask = passed.layer, passed.layer.mask.t().to(by_curve[0])
    functions = zip(passed.features, by_curve, strict=True)
    rows = torch.stack([torch.einsum("nif,nis->nifs", feature, change * mask) for feature, change in functions]).sum(0)
    if layer.base_weight is not None:
        yield layer.base_weight, rows[:, :, 0].transpose(1, 2)
        rows = rows[:, :, 1:]
    yield layer.coef, rows
