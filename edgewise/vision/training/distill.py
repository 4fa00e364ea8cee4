"""Distillation: a student learns to answer as its teacher does."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError, DataError, NonFiniteError
from edgewise.nn.modes import keeping_modes
from edgewise.vision.training.guard import all_finite

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class SoftLabels:
    r"""How far the student's classes are from the teacher's, :math:`T^2\, \mathrm{KL}(p_T(t) \,\|\, p_T(s))`.

    :math:`p_T` is the softmax of logits over :math:`T`; the factor keeps gradients of one size whatever the temperature
    (Hinton, Vinyals and Dean, arXiv:1503.02531, section 2). A mean over all places that have classes.

    Args:
        temperature: T, above 0; the higher, the more the wrong classes count.

    Shape:
        logits of student and teacher, both ``(N, classes, *)``

    Example:
        >>> SoftLabels()(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 0.0]])).item()
        0.0
    """

    temperature: float = 2.0

    def __post_init__(self):
        if not 0 < self.temperature < math.inf:
            raise ConfigError(f"temperature must be above 0 and finite, got {self.temperature}")

    def __call__(self, student: Tensor, teacher: Tensor) -> Tensor:
        if student.dim() < 2 or student.shape[1] < 2:
            raise ConfigError(f"soft labels need logits (N, classes, *) of 2 or more classes, got {tuple(student.shape)}")
        found, wanted = (F.log_softmax(logits / self.temperature, 1) for logits in (student, teacher))
        return self.temperature**2 * F.kl_div(found, wanted, reduction="none", log_target=True).sum(1).mean()


@dataclass
class Distillation:
    """The course of a distillation: losses of each epoch, as they were met, and on the held-out data after it.

    Means over batches, of which each counts as much as it has samples.
    """

    loss: list[float] = field(default_factory=list)
    valid: list[float] = field(default_factory=list)


def first_part(model: nn.Module, batch) -> Tensor:
    """The output of a network for a batch: of the batch itself, or of its first part where it has several."""
    return model(batch[0] if isinstance(batch, tuple | list) else batch)


def distill(
    student: nn.Module,
    teacher: nn.Module,
    data: Iterable,
    *,
    loss: Loss = F.mse_loss,
    epochs: int = 1,
    lr: float = 1e-3,
    valid: Iterable | None = None,
    run: Callable[[nn.Module, object], Tensor] = first_part,
    callback: Callable[[nn.Module, int, Distillation], None] | None = None,
) -> Distillation:
    """Train a student on the outputs of its teacher, by Adam; labels are not used.

    The student trains in training mode and is given back in the mode it had; the teacher is asked in evaluation mode and
    does not change. What is frozen in the student stays so.

    Args:
        student: Such as :func:`edgewise.kanify` makes, or a pruned network; it changes in place.
        teacher: What it should compute.
        data: Batches, gone through anew in each epoch, such as a ``DataLoader``: inputs, or inputs first.
        loss: Of the outputs of student and teacher, a mean over samples; :class:`SoftLabels` for classifiers.
        epochs: How often to go through the data.
        lr: Learning rate.
        valid: Held-out batches, measured after each epoch.
        run: How a network is asked about a batch, such as ``lambda model, batch: model(**batch).logits``.
        callback: Called after each epoch with the student, the number of the epoch and the course so far.

    Raises:
        ConfigError: Fewer than 1 epoch, nothing to train, or outputs of different shapes.
        DataError: The data gives no batch.
        NonFiniteError: The loss or a gradient is not finite; the student is as it was before that step.

    Example:
        >>> teacher, student, x = nn.Linear(3, 1), nn.Linear(3, 1), torch.randn(100, 3)
        >>> course = distill(student, teacher, x.split(20), epochs=50, lr=0.02)
        >>> course.loss[-1] < 0.01 * course.loss[0]
        True
    """
    parameters = [p for p in student.parameters() if p.requires_grad]
    if epochs < 1 or not parameters:
        raise ConfigError(
            f"a distillation needs at least 1 epoch and parameters to train, got {epochs=}, {len(parameters)=}"
        )
    optimizer, course = torch.optim.Adam(parameters, lr), Distillation()
    with keeping_modes(student, teacher):
        teacher.eval()
        for epoch in range(epochs):
            student.train()
            course.loss.append(_mean(_step(student, teacher, batch, loss, run, optimizer) for batch in data))
            if valid is not None:
                student.eval()
                with torch.no_grad():
                    course.valid.append(_mean(_measured(student, teacher, b, loss, run) for b in valid))
            if callback is not None:
                callback(student, epoch, course)
    return course


def _step(student, teacher, batch, loss: Loss, run, optimizer: torch.optim.Optimizer) -> tuple[float, int]:
    """Learn from a batch; its loss and how many samples it has."""
    before = [buffer.clone() for buffer in student.buffers()]  # such as running means, which the forward pass moves
    value, samples = _compared(student, teacher, batch, loss, run)
    optimizer.zero_grad()
    value.backward()
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    if not (value.isfinite() and all_finite(gradients)):
        for buffer, old in zip(student.buffers(), before, strict=True):
            buffer.copy_(old)
        what = "gradient" if value.isfinite() else "loss"
        raise NonFiniteError(f"the {what} of a distillation is not finite; lower lr or look for such numbers in the data")
    optimizer.step()
    return value.item(), samples


def _measured(student, teacher, batch, loss: Loss, run) -> tuple[float, int]:
    value, samples = _compared(student, teacher, batch, loss, run)
    return value.item(), samples


def _compared(student, teacher, batch, loss: Loss, run) -> tuple[Tensor, int]:
    with torch.no_grad():
        wanted = run(teacher, batch)
    found = run(student, batch)
    if found.shape != wanted.shape:
        raise ConfigError(f"the student gives {tuple(found.shape)} where its teacher gives {tuple(wanted.shape)}")
    return loss(found, wanted), len(found) if found.dim() else 1


def _mean(losses: Iterable[tuple[float, int]]) -> float:
    losses = list(losses)
    samples = sum(count for _, count in losses)
    if not samples:
        raise DataError("the data gives no batch: a distillation goes through it once an epoch, which an iterator cannot")
    return sum(value * count for value, count in losses) / samples
