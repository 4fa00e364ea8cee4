"""What the C++ kernels of all ops share: how they are built and loaded, what they know of functions and windows."""

from edgewise.ops.native.library import available, load

__all__ = ["available", "load"]
