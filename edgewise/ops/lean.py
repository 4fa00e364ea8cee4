"""The lean backend: gradients as exact as autograd's, at the memory of a dense layer.

Only the input and the parameters are saved. Forward and backward walk the batch in chunks that fit the cache, and the
backward rebuilds the functions of one chunk at a time.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from edgewise.bases.basis import State
from edgewise.ops.chunks import chunk_bytes
from edgewise.ops.operation import Operands, Operation
from edgewise.ops.plan import Plan, Weights


def run_lean(plan: Plan, x: Tensor, state: State, weights: Weights) -> Tensor:
    """Carry out a plan, saving nothing for the backward but ``x``, ``state`` and ``weights``."""
    return _Lean(plan, tuple(state))(x, *state.values(), *weights)


@dataclass(frozen=True)
class _Lean(Operation):
    """Of x, the tensors of the state and the weights."""

    plan: Plan
    names: tuple[str, ...]  # of the tensors of the state

    def plain(self, *operands):
        return self.plan.run(*self._sorted(operands))

    def fast(self, *operands):
        return _forward(self.plan, *self._sorted(operands)), ()

    def gradients(self, gradient, operands, wants, kept):
        x, *tensors = operands
        leaves = [t if t is None else t.detach().requires_grad_(w) for t, w in zip(tensors, wants[1:], strict=True)]
        found = iter(_backward(self.plan, wants[0], gradient, *self._sorted((x, *leaves))))
        return [next(found) if want else None for want in wants]

    def _sorted(self, operands: Operands) -> tuple[Tensor, State, Weights]:
        x, *tensors = operands
        count = len(self.names)
        return x, dict(zip(self.names, tensors[:count], strict=True)), tensors[count:]


def _chunks(plan: Plan, x: Tensor) -> list[slice]:
    """Slices of the batch, each with about as many features as the cache holds."""
    row = x[:1].numel() * max(term.num_functions for term in plan.terms) * x.element_size()
    step = max(1, chunk_bytes(x.device) // max(1, row))
    return [slice(i, i + step) for i in range(0, x.shape[0], step)]


def _forward(plan: Plan, x: Tensor, state: State, weights: Weights) -> Tensor:
    # shape: x (N, C, *space) to (N, outputs, *out)
    chunks = _chunks(plan, x)
    if len(chunks) < 2:
        return plan.run(x, state, weights)
    packed = plan.pack(weights)
    y: Any = None
    for rows in chunks:
        part = plan.contract(x[rows], state, packed).movedim(1, -1)  # channels last, as convolutions leave them
        y = part.new_empty(len(x), *part.shape[1:]) if y is None else y
        y[rows] = part
    return y.movedim(-1, 1)


def _backward(plan: Plan, wants_x: bool, gradient: Tensor, x: Tensor, state: State, weights: Weights) -> list[Tensor]:
    """Gradients of all tensors that require one, in the order x, state, weights."""
    # shape: x (N, C, *space), gradient (N, outputs, *out)
    with torch.enable_grad():
        packed = plan.pack(weights)
    learnable = [s for s in state.values() if s.requires_grad]
    dx = [torch.empty_like(x)] if wants_x else []
    dstate = [torch.zeros_like(s) for s in learnable]
    dpacked = [torch.zeros_like(p) for p in packed]
    for rows in _chunks(plan, x):
        part = x[rows].detach().requires_grad_(wants_x)
        sources = [part, *learnable] if wants_x else learnable
        found, increments = _chunk_backward(plan, part, state, sources, packed, gradient[rows])
        if wants_x:
            dx[0][rows] = found.pop(0)
        for total, increment in zip([*dstate, *dpacked], [*found, *increments], strict=True):
            total += increment
    learned = [(p, d) for p, d in zip(packed, dpacked, strict=True) if p.requires_grad]
    leaves = [w for w in weights if w is not None and w.requires_grad]
    dweights = torch.autograd.grad([p for p, _ in learned], leaves, [d for _, d in learned]) if leaves else []
    return [*dx, *dstate, *dweights]


def _chunk_backward(plan, x, state, sources, packed, gradient) -> tuple[list[Tensor], list[Tensor]]:
    """Those of ``sources`` and of the packed weights: contractions know their transposes, autograd the functions."""
    # shape: x and gradient as in _backward, of one chunk
    outputs, backs, dpacked = [], [], []
    with torch.set_grad_enabled(bool(sources)):
        z = plan.arrange(x)
        values = [plan.features(term, z, state) for term in plan.terms]
    for (term, own), features in zip(plan.by_packed(packed), values, strict=True):
        own = [p.detach() for p in own]
        cast = features.detach().to(own[0].dtype)
        back, *increments = term.contraction.transpose(cast, own, gradient.to(cast.dtype), features.requires_grad)
        dpacked += increments
        if features.requires_grad:
            outputs.append(features)
            backs.append(back.to(features.dtype))
    if not outputs:
        return [torch.zeros_like(s) for s in sources], dpacked
    return list(torch.autograd.grad(outputs, sources, backs, materialize_grads=True)), dpacked
