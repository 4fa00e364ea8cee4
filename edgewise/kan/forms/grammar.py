"""What formulas may be: which functions they have, in which units they are, how long they are, how they behave."""

import math
from dataclasses import dataclass

from edgewise.kan.forms.behaviour import Behaviour
from edgewise.kan.forms.dimensions import Dimensions
from edgewise.kan.forms.tree import Tree


@dataclass(frozen=True)
class Grammar:
    """The formulas that a search may offer.

    Attributes:
        functions: Names of those that a formula may have.
        units: What the columns and the target are measured in, if that is known.
        longest: Numbers, variables and operations, at most.
        behaviour: How they rise, fall or mirror, if that is known.

    Example:
        >>> from edgewise.kan.forms.tree import constant, variable
        >>> short, line = Grammar(("x",), longest=3), constant(2.0) * variable(0) + constant(1.0)
        >>> short.allows(line), short.may_lead_to(line)
        (False, True)
    """

    functions: tuple[str, ...]
    units: Dimensions | None = None
    longest: float = math.inf
    behaviour: Behaviour | None = None

    def allows(self, tree: Tree) -> bool:
        """Whether a formula may be offered."""
        return tree.length() <= self.longest and self.has_units(tree)

    def has_units(self, tree: Tree) -> bool:
        """Whether a formula can be of the target's unit."""
        return self.units is None or self.units.fits(tree)

    def behaves(self, tree: Tree) -> bool:
        """Whether a formula, with its constants as they are, rises, falls or mirrors as is known; this takes longer."""
        return self.behaviour is None or not self.behaviour.broken(tree)

    def may_lead_to(self, tree: Tree) -> bool:
        """Whether what is left of a formula may be offered if its constants turn out to be 1 or 0."""
        return tree.length() - 2 * len(tree.constants()) <= self.longest and self.has_units(tree)
