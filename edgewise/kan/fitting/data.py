"""Tables as tensors: what a fit is given, checked once before anything is changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader

from edgewise._ground.errors import DataError
from edgewise.kan.fitting.columns import digit_of
from edgewise.kan.fitting.losses import CurvedLoss
from edgewise.kan.network import Network

Pair = Sequence[ArrayLike]
"""Rows and their targets, ``(x, y)``."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""Of outputs and targets, a number."""
Data = Pair | Mapping[str, ArrayLike] | DataLoader
"""What a fit takes."""


@dataclass(frozen=True)
class Table:
    """Rows of inputs and what they should give: x ``(N, inputs)``, y ``(N, outputs)`` or class numbers ``(N,)``.

    Whole numbers in a single row are class numbers where the network has more than one output, and else numbers as others.

    Attributes:
        digit: The relative size of a rounding error of the inputs as they were given; None if their type tells it.
        weight: How much each row counts, ``(N,)``; None if all count alike.
    """

    x: Tensor
    y: Tensor
    digit: float | None = None
    weight: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def counts(self) -> Tensor:
        """How much each row counts, ``(N,)``: ones where all count alike."""
        return torch.ones(len(self), dtype=self.x.dtype, device=self.x.device) if self.weight is None else self.weight

    def some(self, rows: Tensor) -> "Table":
        """The table of some rows, by number or by a mask."""
        return Table(self.x[rows], self.y[rows], self.digit, None if self.weight is None else self.weight[rows])

    def error(self, output: Tensor, loss: Loss | None = None) -> Tensor:
        """The loss of outputs for these rows; the mean square by default; in it, and in curved ones, rows weigh."""
        if isinstance(loss, CurvedLoss):
            return loss(output, self.y, self.weight)
        if loss is not None:
            return loss(output, self.y)
        if self.weight is None:
            return mse_loss(output, self.y)
        return self.weight @ (output - self.y).square().mean(1) / self.weight.sum()


def weights_of(given: ArrayLike, rows: Table) -> Tensor:
    """The weights of rows, in the type and on the device of their inputs.

    Raises:
        DataError: There are not as many as rows, or they are not finite, negative, or all zero.
    """
    weight = _tensor(given, "the weights").to(rows.x)
    if weight.shape != (len(rows),):
        raise DataError(f"weights are one number a row: there are {len(rows)} rows, got shape {tuple(weight.shape)}")
    if not weight.isfinite().all() or (weight < 0).any() or not weight.any():
        raise DataError(f"weights must be finite, none negative and not all 0, got {weight.min():g} to {weight.max():g}")
    return weight


def tables(model: Network, data: Data, test: object = None) -> tuple[Table, Table | None]:
    """The training rows and the test rows, if there are any, in the type and on the device of the model.

    Args:
        model: Whose inputs and outputs they must fit.
        data: A pair ``(x, y)`` of arrays or tensors, or a dict with ``train_input``, ``train_label``, ``test_input`` and
            ``test_label`` as pykan wants it.
        test: Another pair, or None.

    Raises:
        DataError: Rows that do not belong together or to the model, a NaN or an infinity, or no rows.
    """
    if isinstance(data, Mapping):
        missing = [name for name in ("train_input", "train_label") if name not in data]
        if missing:
            raise DataError(f"a dict of data needs train_input and train_label, it lacks {', '.join(missing)}")
        if test is None and "test_input" in data:
            test = (data["test_input"], data["test_label"])
        data = (data["train_input"], data["train_label"])
    return table_of(model, data, "data"), None if test is None else table_of(model, test, "test")


def table_of(model: Network, pair: object, what: str) -> Table:
    """A pair ``(x, y)``, called ``what`` in errors, as a table in the type and on the device of the model.

    Raises:
        DataError: As for :func:`tables`.
    """
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise DataError(
            f"{what} must be a pair (x, y) of rows and targets, got {type(pair).__name__}: the targets may also be given "
            "as y, the argument behind"
        )
    like, outputs = next(model.parameters()), model[-1].nodes
    x, y = (_tensor(values, f"the {name} of {what}") for values, name in zip(pair, ("inputs", "targets"), strict=True))
    are_classes = y.dim() == 1 and outputs > 1 and not y.is_floating_point()
    digit = digit_of(x)
    x, y = x.to(like), _classes(y, outputs, what).to(like.device) if are_classes else y.to(like)
    if x.dim() != 2:
        raise DataError(f"the inputs of {what} must be a table (rows, columns), got shape {tuple(x.shape)}")
    rows = len(y) if y.dim() else 0
    if not len(x) or len(x) != rows:
        raise DataError(f"{what} has {len(x)} rows of inputs and {rows} of targets: as many of both, and at least one")
    needed = model[0].in_features if model.inputs is None else max(model.inputs) + 1
    if x.shape[1] < needed or (model.inputs is None and x.shape[1] > needed):
        raise DataError(f"the network takes {needed} inputs and {what} has {x.shape[1]} columns")
    if not are_classes:
        y = y.unsqueeze(1) if y.dim() == 1 else y
        if y.shape != (len(x), outputs):
            raise DataError(f"the network has {outputs} outputs and the targets of {what} have shape {tuple(y.shape)}")
    _check_finite(x, f"the inputs of {what}")
    _check_finite(y, f"the targets of {what}")
    return Table(x, y, digit)


def _tensor(values, what: str) -> Tensor:
    try:
        tensor = values.detach() if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} must be numbers, and are not: {error}") from error
    if tensor.is_complex():
        raise DataError(f"{what} must be real numbers, and are complex: give real and imaginary parts as columns")
    return tensor


def _classes(y: Tensor, outputs: int, what: str) -> Tensor:
    """Class numbers, which must be those of outputs."""
    if y.dtype == torch.bool:
        return y.long()
    if len(y) and not 0 <= y.min() <= y.max() < outputs:
        raise DataError(
            f"the targets of {what} are class numbers from {y.min()} to {y.max()}, and the network has outputs for 0 to "
            f"{outputs - 1}: number the classes so, or give numbers to be predicted as floats"
        )
    return y


def _check_finite(tensor: Tensor, what: str) -> None:
    if tensor.is_floating_point() and not tensor.isfinite().all():
        place = tuple((~tensor.isfinite()).nonzero()[0].tolist())
        raise DataError(f"{what} hold {tensor[place].item()} at {place}, in {tensor.dtype}: drop or fill such rows first")
