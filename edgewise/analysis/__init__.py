"""What a model costs: parameters, operations, bytes and seconds, counted where they arise."""

from edgewise.analysis.compare import Comparison, compare, write_comparison
from edgewise.analysis.cost import count_flops, count_parameters
from edgewise.analysis.memory import live_bytes, peak_memory, saved_bytes, training_step
from edgewise.analysis.timing import Timing, compare_times, step_time

__all__ = [
    "Comparison",
    "Timing",
    "compare",
    "compare_times",
    "count_flops",
    "count_parameters",
    "live_bytes",
    "peak_memory",
    "saved_bytes",
    "step_time",
    "training_step",
    "write_comparison",
]
