"""Numbers of more digits, and more room for large ones, than they came in."""

from torch import Tensor


def widest(x: Tensor) -> Tensor:
    """In float64, if the device has it: the fifth power of any float32 is a number there."""
    return x.float() if x.device.type == "mps" else x.double()
