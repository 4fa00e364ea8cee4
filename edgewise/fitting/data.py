"""Tables as tensors: what a fit is given, checked once before anything is changed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edgewise._errors import DataError
from edgewise.models.kan import KAN


@dataclass(frozen=True)
class Table:
    """Rows of inputs and what they should give: x ``(N, inputs)``, y ``(N, outputs)`` (or class numbers ``(N,)``)."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)


def tables(model: KAN, data, test=None) -> tuple[Table, Table | None]:
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
    return _table(model, data, "data"), None if test is None else _table(model, test, "test")


def _table(model: KAN, pair, what: str) -> Table:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise DataError(f"{what} must be a pair (x, y) of rows and targets, got {type(pair).__name__}")
    like = next(model.parameters())
    x = _tensor(pair[0], f"the inputs of {what}").to(device=like.device, dtype=like.dtype)
    y = _tensor(pair[1], f"the targets of {what}").to(like.device)
    if x.dim() != 2:
        raise DataError(f"the inputs of {what} must be a table (rows, columns), got shape {tuple(x.shape)}")
    if not len(x) or len(x) != len(y):
        raise DataError(f"{what} has {len(x)} rows of inputs and {len(y)} of targets: as many of both, and at least one")
    needed = model[0].in_features if model.inputs is None else max(model.inputs) + 1
    if x.shape[1] < needed or (model.inputs is None and x.shape[1] > needed):
        raise DataError(f"the network takes {needed} inputs and {what} has {x.shape[1]} columns")
    if y.is_floating_point():
        outputs = model[-1].nodes
        y = (y.unsqueeze(1) if y.dim() == 1 else y).to(like.dtype)
        if y.shape != (len(x), outputs):
            raise DataError(f"the network has {outputs} outputs and the targets of {what} have shape {tuple(y.shape)}")
    return Table(x, y)


def _tensor(values, what: str) -> Tensor:
    try:
        tensor = values.detach() if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} must be numbers, and are not: {error}") from error
    if tensor.is_floating_point() and not tensor.isfinite().all():
        place = tuple((~tensor.isfinite()).nonzero()[0].tolist())
        raise DataError(f"{what} hold {tensor[place].item()} at {place}: drop or fill such rows first")
    return tensor
