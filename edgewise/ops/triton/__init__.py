"""What Triton's kernels of all ops share: whether they can run here, and what they know of functions on edges."""

from edgewise.ops.triton.availability import available, check_here, interpreted, obstacle

__all__ = ["available", "check_here", "interpreted", "obstacle"]
