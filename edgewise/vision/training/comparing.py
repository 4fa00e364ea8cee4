"""Two methods on the same images: how much better is one, and how sure is that."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from edgewise.vision.training.bootstrap import Difference, Interval


class Comparable(Protocol):
    """Scores of a dataset, with what a comparison says of them."""

    @property
    def scores(self) -> dict[str, float]:
        """By name."""
        ...

    @property
    def intervals(self) -> dict[str, Interval]:
        """The 95 % intervals of the same."""
        ...

    @property
    def titles(self) -> dict[str, str]:
        """What a reader calls the scores that stand first."""
        ...

    @property
    def further(self) -> dict[str, str]:
        """What a reader calls the others."""
        ...

    @property
    def cases(self) -> Sized:
        """Every image."""
        ...

    digits: ClassVar[dict[str, int]]
    """Digits after the point, where they are not three."""

    def sampling(self) -> str:
        """What the intervals are over."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        ...


Scored = TypeVar("Scored", bound=Comparable)


@dataclass(frozen=True)
class Paired(Generic[Scored]):
    """The scores of two methods on the same images and their differences, the first less the second."""

    first: Scored
    second: Scored
    differences: dict[str, Difference]
    """By name, with 95 % intervals over the same samples of groups for both."""

    columns: ClassVar[tuple[str, ...]] = ("score", "first", "second", "difference", "95 %")
    """What :meth:`rows` has."""

    def rows(self) -> list[tuple[str, ...]]:
        """Title, both values, the difference and its interval, of every score that both have."""
        titles = self.first.titles | self.first.further
        return [(title, *self._row(name)) for name, title in titles.items() if name in self.second.scores]

    def _row(self, name: str) -> tuple[str, ...]:
        one, other = self.first.scores[name], self.second.scores[name]
        found = self.differences.get(name)
        interval = found.interval.show(self.first.digits.get(name, 3)) if found else ""
        return f"{one:.4f}", f"{other:.4f}", f"{one - other:+.4f}", interval

    def summary(self) -> str:
        """How many images, over what the intervals are, and how to read them."""
        said = f"{len(self.first.cases)} images, the same for both; {self.first.sampling()}"
        return said + ("; a difference is told from chance where its interval leaves out 0" if self.differences else "")

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        found = {name: one._asdict() for name, one in self.differences.items()}
        return {"differences": found, "first": self.first.to_dict(), "second": self.second.to_dict()}
