"""What a model costs (parameters, operations, bytes, seconds), where its gradient flows, and what training made of it."""

from edgewise.analysis.attention_maps import AttentionMaps, attention_maps
from edgewise.analysis.attention_record import read_attention
from edgewise.analysis.attention_statistics import AttentionStatistics, attention_statistics
from edgewise.analysis.backends import Served, backends_of
from edgewise.analysis.compare import Comparison, compare, write_comparison
from edgewise.analysis.cost import count_flops, count_parameters
from edgewise.analysis.directions import PrincipalDirections, principal_directions, random_directions
from edgewise.analysis.gradient_share import GradientShare, gradient_shares
from edgewise.analysis.kanify_plan import KanifyPlan, kanify_plan
from edgewise.analysis.landscape import LossLandscape, loss_landscape
from edgewise.analysis.memory import live_bytes, peak_memory, saved_bytes, training_step
from edgewise.analysis.path import OptimizerPath, optimizer_path
from edgewise.analysis.plane import Plane, principal_plane, random_plane
from edgewise.analysis.spectrum import AttentionSpectrum, attention_spectrum
from edgewise.analysis.timing import Timing, compare_times, step_time
from edgewise.analysis.weights import WeightHistograms, weight_groups, weight_histograms
from edgewise.analysis.write import write_analysis

__all__ = [
    "AttentionMaps",
    "AttentionSpectrum",
    "AttentionStatistics",
    "Comparison",
    "GradientShare",
    "KanifyPlan",
    "LossLandscape",
    "OptimizerPath",
    "Plane",
    "PrincipalDirections",
    "Served",
    "Timing",
    "WeightHistograms",
    "attention_maps",
    "attention_spectrum",
    "attention_statistics",
    "backends_of",
    "compare",
    "compare_times",
    "count_flops",
    "count_parameters",
    "gradient_shares",
    "kanify_plan",
    "live_bytes",
    "loss_landscape",
    "optimizer_path",
    "peak_memory",
    "principal_directions",
    "principal_plane",
    "random_directions",
    "random_plane",
    "read_attention",
    "saved_bytes",
    "step_time",
    "training_step",
    "weight_groups",
    "weight_histograms",
    "write_analysis",
    "write_comparison",
]
