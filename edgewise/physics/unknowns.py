"""What the equations say of the numbers of a model: which they read, and how surely those are known."""

from collections.abc import Iterator, Sequence
from typing import TypeGuard

import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, warn
from edgewise.kan.network import Network
from edgewise.nn import EdgeLayer
from edgewise.physics.field import Field
from edgewise.physics.parts import is_within, outermost, trainable
from edgewise.physics.problem import Problem
from edgewise.physics.residuals import Residuals
from edgewise.physics.resolution import change_by_refining
from edgewise.physics.term import Term

DETERMINED = 1e-12  # of the largest curvature, in units of each number: directions of less are not determined


def check_what_is_read(model: nn.Module, problem: Problem) -> None:
    """Refuse equations that read numbers which no step would change, and unknowns that no equation reads.

    Raises:
        ConfigError: An equation depends on a tensor that wants a gradient and is no parameter of the model; or no equation
            depends on a parameter of the model itself, or on any number of a module in it.

    Warns:
        EdgewiseWarning: No equation depends on some numbers of a module, such as the last bias under a derivative.
    """
    own = {id(p) for p in trainable(model.named_parameters()).values()}
    read = set()
    for term in problem.terms:
        leaves = _leaves(term, model)
        foreign = [leaf for leaf in leaves if id(leaf) not in own]
        if foreign:
            raise ConfigError(
                f"the equation {term.name!r} depends on numbers of shape {tuple(foreign[0].shape)} that are no parameter "
                "of the model, and no step would change them: put the unknown, or the network that holds it, into the model"
            )
        read |= {id(leaf) for leaf in leaves}
    for name, numbers in _own_parts(model).items():
        if numbers and not any(id(p) in read for p in numbers):
            raise ConfigError(
                f"no equation depends on {name!r} of the model, so nothing can be found of it: read model.{name} in a "
                "term, or take it out of the model"
            )
    idle = [name for names in _units(model) if not any(id(p) in read for p in names.values()) for name in names]
    if idle:
        count = f" and {len(idle) - 3} more" if len(idle) > 3 else ""
        warn(f"no equation depends on {', '.join(idle[:3])}{count} of the model: these numbers stay as they are")


def unknowns_of(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters of a model that are not numbers of a network: unknown coefficients.

    Example:
        >>> model = nn.Module(); model.rate = nn.Parameter(torch.tensor(1.0)); model.net = nn.Linear(1, 1)
        >>> list(unknowns_of(model))
        ['rate']
    """
    return trainable(model.named_parameters(recurse=False))


def standard_errors(
    model: nn.Module, problem: Problem, measured: Sequence[str], names: Sequence[str] | None = None
) -> dict[str, Tensor]:
    r"""How surely a solved problem knows its unknowns: standard errors that follow from the noise of what was measured.

    With the residuals linear around the solution, :math:`H = \sum_t \frac{w_t}{R_t} J_t^T J_t`, and noise of variance
    :math:`\sigma_t^2` in the targets of the measured terms alone,

    .. math:: \mathrm{Cov}\, \theta =
        H^{-1} \left( \sum_{t\ measured} \frac{w_t^2}{R_t^2} \sigma_t^2 J_t^T J_t \right) H^{-1}, \quad
        \sigma_t^2 = \frac{\|r_t\|^2}{R_t - \frac{w_t}{R_t} \mathrm{tr}\, H^{-1} J_t^T J_t}.

    For one measured term and no equation that is ordinary least squares.

    Exact values have no noise, and what is left over then is the error of the splines. So the problem is solved on with
    twice as many intervals, and the change :math:`\Delta` of the unknown is added:
    :math:`\sqrt{\mathrm{Cov}_{ii} + \Delta_i^2}`. The model stays as it is. That is not done for numbers of the splines
    themselves. If the finer splines have more parameters than there are residuals, a warning says that it is left out.

    It needs what Levenberg-Marquardt needs: models of
    up to some thousand parameters, and equations at one point each.

    Args:
        model: The model, solved.
        problem: What it was solved for, with the weights it was solved under: ``problem.weighted(course.weights)``.
        measured: Names of the terms whose targets carry noise.
        names: Parameters to tell of; all that belong to the model itself by default, see :func:`unknowns_of`.

    Returns:
        For each name the standard errors, in the shape of the parameter; infinite where the equations say nothing of it.

    Raises:
        ConfigError: A name that is not there, or no more residuals in a measured term than it has to determine.

    Warns:
        EdgewiseWarning: The points are too few to tell the error of the splines.

    Example:
        >>> x = torch.tensor([[0.0], [1.0], [2.0], [3.0]]).double()
        >>> line = nn.Module(); line.slope = nn.Parameter(torch.tensor(1.0).double())
        >>> line.forward = lambda x: line.slope * x
        >>> y = torch.tensor([0.0, 1.1, 1.9, 3.0]).double()
        >>> fit = Problem([Term("data", x, lambda u: u.value, y)])
        >>> round(standard_errors(line, fit, ["data"])["slope"].item(), 4)
        0.0218
    """
    parameters = trainable(model.named_parameters())
    names = list(unknowns_of(model)) if names is None else list(names)
    terms = {term.name: term for term in problem.terms}
    for kind, asked, known in (("parameters of the model", names, parameters), ("terms of the problem", measured, terms)):
        if not asked or not set(asked) <= set(known):
            raise ConfigError(f"expected some {kind}, of {', '.join(known) or 'none'}; got {list(asked)}")
    squares, residuals, shares = {}, {}, {}
    asked = Residuals(model, problem := problem.like(next(iter(parameters.values()))))
    terms = {term.name: term for term in problem.terms}
    for name, term in terms.items():
        rows, residual = asked.jacobian(term, parameters)
        squares[name], residuals[name] = rows.double().T @ rows.double(), residual.double()
        shares[name] = term.factor / len(residual)
    inverse, lost = _inverse(torch.stack([shares[name] * squares[name] for name in terms]).sum(0))
    middle = torch.zeros_like(inverse)
    for name in measured:
        free = len(residuals[name]) - shares[name] * float((inverse * squares[name]).sum())
        if free <= 0.5:
            raise ConfigError(f"{name!r} has {len(residuals[name])} residuals, and as much is fitted to them: measure more")
        middle += shares[name] ** 2 * residuals[name].square().sum() / free * squares[name]
    errors = (inverse @ middle @ inverse).diagonal().clamp_min(0).sqrt()
    errors = torch.where(lost, torch.inf, errors)
    parts = dict(zip(parameters, errors.split([p.numel() for p in parameters.values()]), strict=True))
    found = {name: parts[name].view(parameters[name].shape) for name in names}
    changes = change_by_refining(model, problem, {name: parameters[name] for name in names})
    return {name: torch.hypot(found[name], changes[name].double()) for name in names}


def _inverse(curvature: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse on what is determined, and which numbers take part in what is not."""
    diagonal = curvature.diagonal()
    scale = torch.where(diagonal > 0, diagonal, 1).rsqrt()
    values, vectors = torch.linalg.eigh(curvature * scale * scale.unsqueeze(1))
    kept = values > DETERMINED * values.max()
    lost = vectors[:, ~kept].square().sum(1) > 1e-6
    vectors, values = vectors[:, kept] * scale.unsqueeze(1), values[kept]
    return vectors / values @ vectors.T, lost


def _leaves(term: Term, model: nn.Module) -> list[Tensor]:
    """The tensors that want a gradient and on which the residual depends, but for the points."""
    fields = []

    def operator(u: Field) -> Tensor:
        fields.append(u)
        return term.operator(u)

    residual = Term(term.name, term.points, operator, term.target).residual(model)
    found, seen, todo = {}, set(), [residual.grad_fn]
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            found[id(leaf)] = leaf
        todo += [after for after, _ in node.next_functions]
    return [leaf for leaf in found.values() if leaf is not fields[0].x]


def _own_parts(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The parameters of the model itself, and those of each module in it."""
    parts = {name: list(trainable(part.named_parameters()).values()) for name, part in model.named_children()}
    return parts | {name: [p] for name, p in unknowns_of(model).items()}


def _units(model: nn.Module) -> Iterator[dict[str, nn.Parameter]]:
    """Parameters that are read together or not at all: those of a network or layer of edges, each other one by itself."""
    whole = outermost(model, _is_whole)
    for prefix, module in whole.items():
        yield trainable((f"{prefix}.{name}".lstrip("."), p) for name, p in module.named_parameters())
    for name, parameter in trainable(model.named_parameters()).items():
        if not any(is_within(name, prefix) for prefix in whole):
            yield {name: parameter}


def _is_whole(module: nn.Module) -> TypeGuard[Network | EdgeLayer]:
    return isinstance(module, Network | EdgeLayer)
