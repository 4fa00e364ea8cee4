"""What was measured of all cases, with the groups that they belong to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from edgewise.vision.segmentation.scores.summary import means


@dataclass(frozen=True)
class Cohort:
    """Cases that were measured, in their order.

    Args:
        ids: A name for each case.
        groups: What it belongs to, such as a patient; None: it is a group of its own.
        measured: Of each, what :func:`~edgewise.vision.segmentation.scores.measure.measure` gave.

    Example:
        >>> import numpy as np
        >>> from edgewise.vision.segmentation.scores.measure import measure
        >>> masks = np.array([[1, 1, 0]]), np.array([[0, 1, 1]])
        >>> cohort = Cohort(("a", "b"), ("one", "one"), [measure(*masks), measure(*masks[::-1])])
        >>> cohort.by_group()["one"]["precision"], cohort.units
        (0.5, 1)
    """

    ids: tuple[str, ...]
    groups: tuple[str | None, ...]
    measured: Sequence[dict[str, Tensor]] = field(repr=False)

    @classmethod
    def together(cls, parts: Sequence["Cohort"], order: Sequence[int]) -> "Cohort":
        """All cases of several, in an order of their places, one part after the other."""
        cases = [case for part in parts for case in zip(part.ids, part.groups, part.measured, strict=True)]
        return cls(*zip(*(cases[place] for place in order), strict=True))

    @property
    def cases(self) -> dict[str, Tensor]:
        """What was measured, by name, (cases, ...)."""
        return {name: torch.stack([case[name] for case in self.measured]) for name in self.measured[0]}

    @property
    def sums(self) -> dict[str, Tensor]:
        """The sums over all cases."""
        return {name: part.sum(0) for name, part in self.cases.items()}

    @property
    def grouped(self) -> bool:
        """Whether the group of any case is known."""
        return any(group is not None for group in self.groups)

    @property
    def units(self) -> int:
        """How many groups there are, with cases of unknown group as groups of their own."""
        return len(set(self._keys()))

    def sums_by_unit(self) -> dict[str, Tensor]:
        """The sums over the cases of each group, (units, ...), cases of unknown group for themselves."""
        keys = self._keys()
        number = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        place = torch.tensor([number[key] for key in keys])
        return {
            name: part.new_zeros(len(number), *part.shape[1:]).index_add(0, place, part)
            for name, part in self.cases.items()
        }

    def by_group(self) -> dict[str, dict[str, float]]:
        """All scores of the cases of each known group, by its name; those that are not defined are left out."""
        found = defined(means, self.sums_by_unit())
        return {key[1]: scores for key, scores in zip(dict.fromkeys(self._keys()), found, strict=True) if key[0] == "group"}

    def size(self, group: str) -> int:
        """How many cases a group has."""
        return self.groups.count(group)

    def _keys(self) -> list[tuple[str, str]]:
        """The group of each case, or its own name."""
        pairs = zip(self.ids, self.groups, strict=True)
        return [("case", id) if group is None else ("group", group) for id, group in pairs]


def defined(scores: Callable[[dict[str, Tensor]], dict[str, Tensor]], sums: dict[str, Tensor]) -> list[dict[str, float]]:
    """Scores (units,) as a dictionary for each unit, without those that are not defined."""
    columns = {name: column.tolist() for name, column in scores(sums).items()}
    rows = zip(*columns.values(), strict=True)
    return [{name: value for name, value in zip(columns, row, strict=True) if value == value} for row in rows]
