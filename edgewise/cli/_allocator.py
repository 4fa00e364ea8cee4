"""Memory that training frees is memory that its next step needs."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of glibc's mallopt
_ALWAYS = 2**31 - 1


def keep_freed_memory() -> None:
    """Let this process keep what it frees instead of handing it to the system and asking for it again at each step.

    glibc returns each freed block of a few megabytes to the kernel, which clears its pages one by one when they are
    asked for again; on a CPU that took half of a training step. It holds for the process; elsewhere than on glibc
    nothing happens.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _ALWAYS)
        mallopt(_TRIM_THRESHOLD, _ALWAYS)
