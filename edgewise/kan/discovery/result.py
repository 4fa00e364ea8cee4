"""What was found in a table."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from edgewise.kan.discovery.between import Departure
from edgewise.kan.discovery.clock import Clock
from edgewise.kan.discovery.direct import Direct
from edgewise.kan.discovery.front import Member
from edgewise.kan.discovery.scale import Scale, in_units
from edgewise.kan.discovery.search import Search
from edgewise.kan.fitting.history import History
from edgewise.kan.interpret import Choice, Formula
from edgewise.kan.kan import KAN


@dataclass(frozen=True)
class Discovery:
    """What was found in a table.

    Attributes:
        network: The network with curves on its edges, for rows in units of ``inputs``; it gives units of ``outputs``. The
            formula as a network, if none was fitted.
        symbolic: The network with formulas on its edges, in the same units; None after an interrupt.
        formula: What it computes, in the units of the data; its ``rmse`` and ``relative`` are those on the targets, or with
            a loss of one's own those against ``symbolic``. None after an interrupt.
        choices: The formula of each edge, and what else was tried.
        inputs: Means and deviations of the inputs.
        outputs: Those of the targets; with a loss of one's own, 0 and 1.
        stages: Names and histories of the fits that led here, in their order.
        stopped: ``"all stages done"``, ``"interrupted"`` or ``"time is up"``.
        departure: How far the formulas lie from the curves, at the rows and between them; None after an interrupt, and for
            a formula that is not the network's.
        front: Formulas of ever greater length and ever smaller error, ``formula`` among them; empty if none were looked for
            beside that of the network.
    """

    network: KAN
    symbolic: KAN | None
    formula: Formula | None
    choices: tuple[Choice, ...]
    inputs: Scale
    outputs: Scale
    stages: tuple[tuple[str, History], ...]
    stopped: str
    departure: Departure | None = None
    front: tuple[Member, ...] = ()

    @property
    def chosen(self) -> Member | None:
        """The member of the front that ``formula`` is; None if there is no front."""
        return next((member for member in self.front if member.formula is self.formula), None)

    def in_units(self) -> KAN:
        """The network in the units of the data, with formulas if it has them; see :func:`edgewise.kan.fitting.in_units`."""
        return in_units(copy.deepcopy(self.symbolic or self.network), self.inputs, self.outputs)

    @torch.no_grad()
    def predict(self, x: ArrayLike) -> Tensor:
        """What the network with curves gives for rows ``(N, inputs)`` of the data, ``(N, outputs)``."""
        return self.outputs.back(self.network(self.inputs(torch.as_tensor(x).to(self.inputs.mean))))


def of_network(search: Search, names: Sequence[str] | None, stopped: str) -> Discovery:
    """What a search for a network found; after an interrupt there is no formula."""
    _name(search, names)
    done = search.formula is not None
    formulas = (search.symbolic, search.formula, tuple(search.choices)) if done else (None, None, ())
    found = search.found
    return Discovery(found.network, *formulas, search.inputs, search.outputs, found.stages, stopped, search.departure)


def with_front(search: Search, direct: Direct, names: Sequence[str] | None, stopped: str, clock: Clock) -> Discovery:
    """What was found on the rows, beside what the network says if it came so far."""
    if search.formula is not None:
        direct.add(search.formula)
    front, best, compiled = direct.front(clock)
    inputs, outputs, network = search.inputs, search.outputs, search.found.network
    if search.found.stages or (direct.is_done and stopped == "interrupted"):
        symbolic = in_units(compiled, _undone(inputs), _undone(outputs))
    else:
        inputs, outputs = (Scale.none(len(scale.mean)) for scale in (inputs, outputs))
        symbolic, network = compiled, copy.deepcopy(compiled)
    _name(search, names)
    if names is not None:
        network.names = list(map(str, names))
    return Discovery(network, symbolic, best.formula, (), inputs, outputs, search.found.stages, stopped, None, front)


def _undone(scale: Scale) -> Scale:
    """The scale that undoes another."""
    return Scale(-scale.mean / scale.deviation, 1 / scale.deviation)


def _name(search: Search, names: Sequence[str] | None) -> None:
    for made in filter(None, (search.found.network, search.symbolic)):
        made.names = None if names is None else list(map(str, names))
