"""What a finer grid would change: the error of the splines, which noise says nothing about."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from edgewise._ground.errors import warn
from edgewise.bases import BSpline
from edgewise.nn import EdgeLayer, edge_layers, refine_grid
from edgewise.physics.gauss_newton import GaussNewton
from edgewise.physics.problem import Problem

FINER = 2  # times the intervals
STEPS = 10  # at most, to the solution on the finer grid
KEPT = ("edge", "state", "coef")  # what refining a layer replaces


def change_by_refining(model: nn.Module, problem: Problem, numbers: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    r"""By how much numbers move, if the problem is solved on with splines of twice as many intervals.

    If the error of a number shrinks as :math:`h^p` with the spacing h, it is the change times :math:`1 / (1 - 2^{-p})`: the
    change itself, as good as, for splines of high degree (L. F. Richardson, Phil. Trans. A 210, 1911).

    Args:
        model: The model, solved; it is afterwards what it was before.
        problem: What it was solved for.
        numbers: Parameters of the model. Those of splines, which mean something else on another grid, count as unmoved.

    Returns:
        The changes by name, in the shapes of the numbers; 0 if no layer can be refined.

    Warns:
        EdgewiseWarning: The finer splines would have more parameters than there are residuals; the changes are 0 then.
    """
    layers = [layer for _, layer in edge_layers(model) if isinstance(layer.edge.basis, BSpline)]
    own = {id(p) for layer in layers for p in layer.parameters()}
    changes = {name: torch.zeros_like(number) for name, number in numbers.items()}
    free = {name: number for name, number in numbers.items() if id(number) not in own}
    if not layers or not free:
        return changes
    before = {name: number.detach().clone() for name, number in free.items()}
    with _refined(model, layers):
        residuals = sum(term.residual(model).numel() for term in problem.terms)
        count = sum(p.numel() for p in model.parameters() if p.requires_grad)
        if count > residuals:
            warn(
                f"twice as many intervals make {count} parameters of {residuals} residuals, too few points to tell the "
                "error of the splines: the standard errors know of noise alone"
            )
            return changes
        stepper = GaussNewton(model, problem)
        for _ in range(STEPS):
            stepper.step()
            if stepper.stuck:
                break
        return changes | {name: number.detach() - before[name] for name, number in free.items()}


@contextmanager
def _refined(model: nn.Module, layers: list[EdgeLayer]) -> Iterator[None]:
    numbers = {parameter: parameter.detach().clone() for parameter in model.parameters()}
    kept = [[getattr(layer, name) for name in KEPT] for layer in layers]
    try:
        for layer in layers:
            basis = layer.edge.basis
            assert isinstance(basis, BSpline)
            refine_grid(layer, FINER * basis.grid_size)
        yield
    finally:
        for layer, parts in zip(layers, kept, strict=True):
            for name, part in zip(KEPT, parts, strict=True):
                setattr(layer, name, part)
        with torch.no_grad():
            for parameter, values in numbers.items():
                parameter.copy_(values)
