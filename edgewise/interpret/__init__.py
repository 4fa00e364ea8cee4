"""Reading networks: what matters in them, which formulas they are, and how they look."""

from edgewise.interpret.animate import Recorder, animate
from edgewise.interpret.deviations import Deviations, deviations
from edgewise.interpret.expand import expand_depth, expand_width
from edgewise.interpret.expression import parse_formula, to_callable
from edgewise.interpret.formula import Formula, symbolic_formula
from edgewise.interpret.kanpiler import kanpiler
from edgewise.interpret.plot import plot, plot_edge
from edgewise.interpret.prune import keep_nodes, prune, prune_inputs, refine
from edgewise.interpret.scores import Scores, attribute, feature_interaction
from edgewise.interpret.separability import is_separable, separability
from edgewise.interpret.sparsity import Sparsity
from edgewise.interpret.symbolic import Candidate, Choice, auto_symbolic, suggest_symbolic
from edgewise.interpret.symmetry import is_function_of, symmetric_groups, symmetry
from edgewise.interpret.tree import plot_tree, tree

__all__ = [
    "Candidate",
    "Choice",
    "Deviations",
    "Formula",
    "Recorder",
    "Scores",
    "Sparsity",
    "animate",
    "attribute",
    "auto_symbolic",
    "deviations",
    "expand_depth",
    "expand_width",
    "feature_interaction",
    "is_function_of",
    "is_separable",
    "kanpiler",
    "keep_nodes",
    "parse_formula",
    "plot",
    "plot_edge",
    "plot_tree",
    "prune",
    "prune_inputs",
    "refine",
    "separability",
    "suggest_symbolic",
    "symbolic_formula",
    "symmetric_groups",
    "symmetry",
    "to_callable",
    "tree",
]
