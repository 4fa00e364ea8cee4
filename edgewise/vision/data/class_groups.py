"""A side of pictures with classes, drawn in whole groups: of every class about the same part."""

from collections.abc import Sequence

import numpy as np

from edgewise._ground.errors import DataError, warn

NEAR = 0.05
"""A side further than this part of all from the size asked for is worth a warning."""
TRIES = 10


def draw_groups(
    name: str,
    labels: np.ndarray,
    groups: Sequence[str],
    classes: Sequence[str],
    fraction: float,
    draw: np.random.Generator,
) -> np.ndarray:
    r"""Which pictures to draw, so that all of a group are drawn or none, and of each class about a fraction.

    Groups are taken in a random order while they lower :math:`(p - f)^2 + \sum_c (p_c - f)^2`, f the fraction, p the part
    of all pictures that is drawn and :math:`p_c` that of class c, and while some of every class is left. Of a class without
    any by then, the group is taken that raises the sum least. Of ten such draws the one with the least sum counts.

    Args:
        name: The dataset's name, for messages.
        labels: The class of each picture, integers ``(N,)``.
        groups: The group of each.
        classes: Names of the classes.
        fraction: How much to draw, between 0 and 1.
        draw: Where chance comes from.

    Returns:
        Places of the drawn pictures in ``labels``, rising.

    Raises:
        DataError: The groups of a class cannot be parted so that some are drawn and some are left.

    Warns:
        EdgewiseWarning: The groups are so large that the part drawn is far from the fraction.

    Example:
        >>> labels, groups = np.array([0, 0, 1, 1] * 2), ["ann", "ann", "bob", "bob", "cy", "cy", "di", "di"]
        >>> drawn = draw_groups("toy", labels, groups, ("a", "b"), 0.5, np.random.default_rng(0))
        >>> sorted({groups[place] for place in drawn}) in (["ann", "bob"], ["ann", "di"], ["bob", "cy"], ["cy", "di"])
        True
    """
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (place, labels), 1)
    there = np.flatnonzero(counts.sum(0))
    counts = np.concatenate([counts[:, there], counts.sum(1, keepdims=True)], axis=1)
    tries = [_Try(counts / counts.sum(0), fraction).run(draw.permutation(len(names))) for _ in range(TRIES)]
    best = min(tries, key=lambda one: (one.missing is not None, one.off))
    if best.missing is not None:
        having = int((counts[:, best.missing] > 0).sum())
        raise DataError(
            f"class {classes[there[best.missing]]!r} of {name!r} is in {having} group{'s' if having > 1 else ''}, which "
            "cannot be parted in those to learn from and others: give it more, or take it out"
        )
    drawn = np.flatnonzero(best.chosen[place])
    if abs(len(drawn) - fraction * len(labels)) > max(1, NEAR * len(labels)):
        warn(
            f"a side of {name!r} has {len(drawn)} pictures where about {fraction * len(labels):.0f} were asked for: its "
            "groups are large, and none is divided"
        )
    return drawn


class _Try:
    """One draw: which groups are chosen, and how far off their parts are."""

    def __init__(self, parts: np.ndarray, fraction: float):
        self.parts, self.fraction = parts, fraction  # (groups, classes and all)
        self.chosen = np.zeros(len(parts), bool)
        self.taken, self.left = np.zeros(parts.shape[1]), (parts > 0).sum(0)
        self.missing: int | None = None
        """A class of which none could be drawn."""

    @property
    def off(self) -> float:
        """The sum that is lowered."""
        return float(((self.taken - self.fraction) ** 2).sum())

    def run(self, order: np.ndarray) -> "_Try":
        """Choose, taking the groups in that order."""
        for group in order:
            if self._with(group) < self.off:
                self._take(group)
        for column in range(self.parts.shape[1]):
            if not self.taken[column]:
                best = min((group for group in order if self.parts[group, column]), key=self._with)
                if self._with(best) == np.inf:
                    self.missing = column
                    break
                self._take(best)
        return self

    def _with(self, group: int) -> float:
        """The sum with one group more; infinite where none of a class would be left."""
        spares = (self.left - (self.parts[group] > 0) > 0).all()
        return float(((self.taken + self.parts[group] - self.fraction) ** 2).sum()) if spares else np.inf

    def _take(self, group: int) -> None:
        self.chosen[group] = True
        self.taken, self.left = self.taken + self.parts[group], self.left - (self.parts[group] > 0)
