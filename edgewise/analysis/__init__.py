"""What a model costs (parameters, operations, bytes, seconds) and where its gradient flows."""

from edgewise.analysis.compare import Comparison, compare, write_comparison
from edgewise.analysis.cost import count_flops, count_parameters
from edgewise.analysis.gradient_share import GradientShare, gradient_shares
from edgewise.analysis.kanify_plan import KanifyPlan, kanify_plan
from edgewise.analysis.memory import live_bytes, peak_memory, saved_bytes, training_step
from edgewise.analysis.timing import Timing, compare_times, step_time

__all__ = [
    "Comparison",
    "GradientShare",
    "KanifyPlan",
    "Timing",
    "compare",
    "compare_times",
    "count_flops",
    "count_parameters",
    "gradient_shares",
    "kanify_plan",
    "live_bytes",
    "peak_memory",
    "saved_bytes",
    "step_time",
    "training_step",
    "write_comparison",
]
