"""The edge sum on Triton's kernels: as PyTorch knows them, with their second derivatives, and the ops."""

from edgewise.ops.kan.lean import PlannedKAN


class TritonKAN(PlannedKAN):
    """The ops on Triton's kernels; what these do not cover is carried out by plan."""
