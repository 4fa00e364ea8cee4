"""Reading networks: what matters in them, which formulas they are, and how they look."""

from edgewise.kan.interpret.animate import Recorder, animate
from edgewise.kan.interpret.cut import Difference, difference
from edgewise.kan.interpret.deviations import Deviations, deviations
from edgewise.kan.interpret.expand import expand_depth, expand_width, side_by_side
from edgewise.kan.interpret.expand_inputs import expand_inputs
from edgewise.kan.interpret.expression import parse_formula, to_callable
from edgewise.kan.interpret.formula import symbolic_formula
from edgewise.kan.interpret.plot import plot, plot_edge
from edgewise.kan.interpret.prune import keep_nodes, prune, prune_inputs, refine
from edgewise.kan.interpret.scores import Scores, attribute, feature_interaction
from edgewise.kan.interpret.separability import is_separable, separability
from edgewise.kan.interpret.sparsity import Sparsity
from edgewise.kan.interpret.symbolic import Candidate, Choice, auto_symbolic, suggest_symbolic
from edgewise.kan.interpret.symmetry import is_function_of, symmetric_groups, symmetry
from edgewise.kan.interpret.tree import plot_tree, tree
from edgewise.kan.interpret.written import Formula

__all__ = [
    "Candidate",
    "Choice",
    "Deviations",
    "Difference",
    "Formula",
    "Recorder",
    "Scores",
    "Sparsity",
    "animate",
    "attribute",
    "auto_symbolic",
    "deviations",
    "difference",
    "expand_depth",
    "expand_inputs",
    "expand_width",
    "feature_interaction",
    "is_function_of",
    "is_separable",
    "keep_nodes",
    "parse_formula",
    "plot",
    "plot_edge",
    "plot_tree",
    "prune",
    "prune_inputs",
    "refine",
    "separability",
    "side_by_side",
    "suggest_symbolic",
    "symbolic_formula",
    "symmetric_groups",
    "symmetry",
    "to_callable",
    "tree",
]
