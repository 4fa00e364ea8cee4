"""Which digits are computed with: more than a number came in, or those that autocast says."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def widest(x: Tensor) -> Tensor:
    """In float64, if the device has it: the fifth power of any float32 is a number there."""
    return x.float() if x.device.type == "mps" else x.double()


def autocast_dtype(x: Tensor) -> torch.dtype | None:
    """What autocast lowers products to on the device of ``x``; None: it is off there, whatever is on elsewhere."""
    device = x.device.type
    on = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)  # "meta" is a device without it
    return torch.get_autocast_dtype(device) if on else None


def as_written(x: Tensor) -> AbstractContextManager:
    """No autocast on the device of ``x``: each product in the dtype of its factors."""
    return nullcontext() if autocast_dtype(x) is None else torch.autocast(x.device.type, enabled=False)
