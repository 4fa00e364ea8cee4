"""Where to compute: a device by its name, and a module that goes there and comes back."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.types import Device

from edgewise._ground.errors import ConfigError


def device_of(name: Device) -> torch.device:
    """The device of this name, such as ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.

    Raises:
        ConfigError: There is none, or it holds no numbers.

    Example:
        >>> device_of("cpu")
        device(type='cpu')
    """
    try:
        device = torch.device("cpu" if name is None else name)
        torch.zeros(1, device=device)
    except Exception as error:  # of as many classes as there are devices
        here = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        known = "cpu" if here is None else f"cpu and {here.type} ({torch.accelerator.device_count()} of it)"
        raise ConfigError(f"device {str(name)!r} is not there: this machine and its PyTorch have {known}") from error
    if device.type == "meta":
        raise ConfigError("device 'meta' holds no numbers: compute on cpu, or on an accelerator such as cuda")
    return device


@contextmanager
def computing_on(device: Device, *modules: nn.Module) -> Iterator[None]:
    """Within it modules lie on another device, afterwards where they were; None: they stay where they are.

    Raises:
        ConfigError: As for :func:`device_of`, or the device has no float64, which fits need.
    """
    if device is None:
        yield
        return
    there = device_of(device)
    before = [next((p.device for p in module.parameters()), there) for module in modules]
    if there.type == "mps":
        raise ConfigError(
            "device 'mps' has no float64, in which grids move and steps are found: compute on cpu, or on cuda"
        )
    try:
        for module in modules:
            module.to(there)
        yield
    finally:
        for module, where in zip(modules, before, strict=True):
            module.to(where)
