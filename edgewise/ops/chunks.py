"""How much is held at once where work is done in chunks: what the nearest large cache of the device holds."""

import os
from functools import cache

import torch

from edgewise._ground.errors import ConfigError

ON_CPU = 4 << 20  # what the caches of a few cores hold
ELSEWHERE = 32 << 20  # on a device that does not say how large its cache is
LEAST = 16 << 20  # off the CPU: starting the kernels of a smaller chunk takes longer than their work


def chunk_bytes(device: torch.device) -> int:
    """Bytes of features at once: on a GPU half of its second cache, so that what is made of them fits beside them.

    ``EDGEWISE_CHUNK_MIB`` says another number for all devices but the CPU.

    Raises:
        ConfigError: The variable is set, and not to a positive number.
    """
    if device.type == "cpu":
        return ON_CPU
    stated = os.environ.get("EDGEWISE_CHUNK_MIB")
    return _by_cache(device.type, device.index) if stated is None else _stated(stated)


@cache
def _by_cache(kind: str, index: int | None) -> int:
    if kind != "cuda" or not torch.cuda.is_available():  # ROCm's devices are called cuda too
        return ELSEWHERE
    return max(LEAST, torch.cuda.get_device_properties(index).L2_cache_size // 2)


@cache
def _stated(mib: str) -> int:
    if not mib.isdigit() or int(mib) < 1:
        raise ConfigError(f"EDGEWISE_CHUNK_MIB is {mib!r} and must be a whole number of MiB above 0, such as 32")
    return int(mib) << 20
