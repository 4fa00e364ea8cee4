"""What a classifier says of all pictures, and the scores of these, of their classes and of samples of their groups."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from edgewise._ground.errors import DataError
from edgewise.vision.classification.metrics import OF_CLASSES, SCORES, area, by_class, log_odds, measure, summarise
from edgewise.vision.training.bootstrap import REPLICATES, Difference, Interval, draws, paired, percentiles

BUDGET = 1e8
"""Pictures times classes times samples: of larger sets, fewer samples are drawn."""
FEWEST = 200
"""Samples at least."""
AT_ONCE = 4e5
"""Pictures times samples that are worked on at once."""


class Scores(NamedTuple):
    """Scores by name, as :mod:`edgewise.vision.classification.metrics` defines them."""

    whole: dict[str, Tensor]
    """Of all pictures, ``(samples,)``."""
    classes: dict[str, Tensor]
    """Of each class, ``(samples, classes)``."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Pictures that a classifier saw, in their order.

    Attributes:
        ids: A name for each.
        groups: What each belongs to, such as a patient; None: it is not known, and each is a group of its own.
        labels: The class of each, integers ``(N,)``.
        logits: What was said of each, ``(N, classes)``.
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...] | None
    labels: Tensor = field(repr=False)
    logits: Tensor = field(repr=False)

    @classmethod
    def together(cls, parts: Sequence["Cohort"], order: Sequence[int]) -> "Cohort":
        """All pictures of several, in an order of their places, one part after the other."""
        ids = [id for part in parts for id in part.ids]
        groups = [group for part in parts for group in part.groups or ()]
        labels, logits = (torch.cat([getattr(part, name) for part in parts])[list(order)] for name in ("labels", "logits"))
        known = tuple(groups[place] for place in order) if groups else None
        return cls(tuple(ids[place] for place in order), known, labels, logits)

    @property
    def units(self) -> int:
        """How many groups there are."""
        return len(self.ids if self.groups is None else set(self.groups))

    @property
    def replicates(self) -> int:
        """How many samples are drawn of it."""
        return min(REPLICATES, max(FEWEST, int(BUDGET / max(1, self.logits.numel()))))

    @property
    def bins(self) -> Tensor:
        """``(15, 3)``: pictures, sum of probabilities and pictures named right, by the largest probability."""
        return self._measured["bins"].sum(0)

    def scores(self, drawn: Tensor | None = None) -> Scores:
        """All scores of samples of the groups.

        Args:
            drawn: How often each group is in each sample, ``(samples, units)``; None: all once, one sample.
        """
        drawn = torch.ones(1, self.units, dtype=torch.float64) if drawn is None else drawn
        parts = [self._weighted(some[:, self._unit]) for some in drawn.split(max(1, int(AT_ONCE / len(self.ids))))]
        return Scores(
            *({name: torch.cat([part[name] for part in kind]) for name in kind[0]} for kind in zip(*parts, strict=True))
        )

    def intervals(self) -> tuple[dict[str, Interval], list[dict[str, Interval]]]:
        """95 % intervals of all scores, and of those of each class, by the percentile bootstrap over groups.

        As in segmentation, :func:`edgewise.vision.segmentation.scores.bootstrap.intervals`: as many groups as there are are
        drawn with replacement, all pictures of a group together, 2000 times, or for large sets fewer, at least 200. Scores
        that are not defined have none, and with one group there is none at all.
        """
        classes = range(self.logits.shape[1])
        if self.units < 2:
            return {}, [{} for _ in classes]
        whole, each = self.scores(draws(self.units, self.replicates))
        found = [{name: percentiles(part[:, index]) for name, part in each.items()} for index in classes]
        known = [{name: ends for name, ends in one.items() if ends is not None} for one in found]
        return {name: ends for name, part in whole.items() if (ends := percentiles(part)) is not None}, known

    def differences(self, other: "Cohort") -> dict[str, Difference]:
        """Its scores of all pictures less those of another, with 95 % intervals, both on the same samples of groups.

        Args:
            other: What another classifier says of the same pictures.

        Raises:
            DataError: The pictures, their classes or their groups are not the same.
        """
        self._check(other)
        if self.units < 2:
            return {}
        drawn = draws(self.units, self.replicates)
        one, two, ones, twos = (cohort.scores(which).whole for which in (None, drawn) for cohort in (self, other))
        found = {name: paired(one[name][0], two[name][0], (ones[name], twos[name])) for name in one}
        return {name: difference for name, difference in found.items() if difference is not None}

    def _check(self, other: "Cohort") -> None:
        if self.ids != other.ids:
            odd = sorted({*self.ids} ^ {*other.ids}) or list(self.ids)
            raise DataError(f"the two were not scored on the same images, such as {odd[0]!r}: score both on one dataset")
        if self.logits.shape != other.logits.shape:
            raise DataError("the two were not scored on as many classes: compare runs of the same classes")
        odd = (self.labels != other.labels).nonzero()[:, 0].tolist()
        if odd or self.groups != other.groups:
            pairs = zip(self.groups or self.ids, other.groups or other.ids, strict=True)
            first = odd[0] if odd else next(index for index, (one, two) in enumerate(pairs) if one != two)
            raise DataError(
                f"the class or the group of {self.ids[first]!r} is not the same for the two: score both on one dataset"
            )

    @cached_property
    def _unit(self) -> Tensor:
        """The number of the group of each picture."""
        groups = range(len(self.ids)) if self.groups is None else self.groups
        number = {group: index for index, group in enumerate(dict.fromkeys(groups))}
        return torch.tensor([number[group] for group in groups])

    @cached_property
    def _measured(self) -> dict[str, Tensor]:
        return measure(self.logits, self.labels)

    @cached_property
    def _odds(self) -> Tensor:
        return log_odds(self.logits)

    def _weighted(self, weights: Tensor) -> Scores:
        """All scores with each picture counted as often as its weight says, (samples, N)."""
        count = self.logits.shape[1]
        truth, found = (F.one_hot(which, count).double() for which in (self.labels, self.logits.argmax(1)))
        classes = by_class(weights @ (truth * found), weights @ truth, weights @ found)
        columns = weights.T.contiguous()
        areas = [area(self._odds[:, index], self.labels == index, columns) for index in range(count)]
        classes["auc"] = torch.stack(areas, dim=-1)
        whole = summarise({name: torch.tensordot(weights, part, dims=1) for name, part in self._measured.items()})
        whole |= {"balanced": classes["sensitivity"].nanmean(-1), "auc": classes["auc"].nanmean(-1)}
        return Scores({name: whole[name] for name in SCORES}, {name: classes[name] for name in OF_CLASSES})
