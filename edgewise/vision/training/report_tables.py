"""What tables of reports have in common: cells, scores with their intervals, and differences."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgewise.vision.training.bootstrap import Difference, Interval
from edgewise.vision.training.comparing import Comparable

Cell = dict[str, Any]
Row = dict[str, Any]


def cell(text: str = "", interval: str = "", link: str = "", strong: bool = False) -> Cell:
    """What stands in a cell: a value, its interval below it, where it leads, and whether it stands out."""
    return {"text": text, "interval": interval, "link": link, "strong": strong}


def score_cell(digits: int, scores: Mapping[str, float], intervals: Mapping[str, Interval], name: str) -> Cell:
    """A score with its interval; empty where it is not defined."""
    interval = intervals[name].show(digits) if name in intervals else ""
    return cell(f"{scores[name]:.{digits}f}", interval) if name in scores else cell()


def all_scores(evaluations: Sequence[Comparable]) -> list[Row]:
    """Every score of every method, with its interval."""
    first = evaluations[0].titles | evaluations[0].further
    titles = {name: title for one in reversed(evaluations) for name, title in (one.titles | one.further).items()}
    return [
        {
            "title": titles[name],
            "cells": [score_cell(one.digits.get(name, 3), one.scores, one.intervals, name) for one in evaluations],
        }
        for name in sorted(titles, key=list(first).index)
    ]


def differences(first: Comparable, found: Sequence[Mapping[str, Difference]]) -> list[Row]:
    """The first less each of the others, with intervals; what leaves out 0 stands out.

    Args:
        first: The evaluation from which the others are taken.
        found: Of each of the others, the differences.
    """
    titles = first.titles | first.further
    return [
        {"title": titles[name], "cells": [_difference(first.digits.get(name, 3), one.get(name)) for one in found]}
        for name in titles
    ]


def _difference(digits: int, one: Difference | None) -> Cell:
    if one is None:
        return cell()
    return cell(f"{one.value:+.{digits}f}", one.interval.show(digits), strong=one.low > 0 or one.high < 0)
