"""Whether Triton's kernels can run on a tensor, and in words why not.

Triton is not imported here: that takes seconds, and on some systems there is none. A file with kernels is imported when
one of them is first run.
"""

import os
from functools import lru_cache

import torch

from edgewise._ground.errors import ConfigError, warn
from edgewise._ground.torch_private import constant_in_graphs

OLDEST = (3, 7)  # which came with torch 2.13
OLDEST_GPU = (8, 0)  # compute capability


def interpreted() -> bool:
    """Whether Triton's interpreter runs the kernels: slowly and on any device, as tests do where there is no GPU.

    The environment variable ``TRITON_INTERPRET`` has to be 1 before the first kernel is run.
    """
    return os.environ.get("TRITON_INTERPRET") == "1"


@lru_cache
def obstacle(device: torch.device) -> str | None:
    """Why no kernel can run on tensors of this device, in words; None if one can."""
    try:
        import triton
    except ImportError as error:
        return f"Triton cannot be imported ({error}): PyTorch's wheels for Linux with CUDA or ROCm bring it"
    if tuple(int(part) for part in triton.__version__.split(".")[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return f"Triton {triton.__version__} is too old: upgrade torch, which brings {oldest} or newer"
    if interpreted():
        return None
    if device.type != "cuda":
        return f"Triton's kernels run on GPUs (CUDA or ROCm), not on {device}: move the layer and its input to one"
    capability = torch.cuda.get_device_capability(device)
    if torch.version.hip is None and capability < OLDEST_GPU:
        name = torch.cuda.get_device_name(device)
        oldest = ".".join(map(str, OLDEST_GPU))
        return f"{name} has compute capability {'.'.join(map(str, capability))}, and Triton's kernels need {oldest}"
    return None


@constant_in_graphs
def available(device: torch.device) -> bool:
    """Whether kernels can run on tensors of this device; if not, a warning says why, once."""
    problem = obstacle(device)
    if problem is not None:
        _warn_once(problem)
    return problem is None


def check_here() -> None:
    """Refuse Triton by name where no kernel of it can ever run.

    Raises:
        ConfigError: There is no Triton that will do, or no device for it.
    """
    problem = obstacle(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    if problem is not None:
        raise ConfigError(f"the backend 'triton' cannot run here: {problem}")


def cannot_be_made() -> type[Exception]:
    """What Triton raises where a kernel does not compile, or needs more than the device has."""
    from triton import TritonError

    return TritonError


def in_one_line(error: Exception) -> str:
    """What Triton says, without the source that it says it of."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"


def warn_of(error: Exception) -> None:
    """Warn that lean does the work, since a kernel cannot be made; once for each reason."""
    _warn_once(f"a kernel in Triton cannot be made here ({in_one_line(error)})")


@lru_cache
def _warn_once(problem: str) -> None:
    warn(f"layers run on the slower lean backend, since {problem}")
