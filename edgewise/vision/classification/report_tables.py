"""The tables of a report on classifiers: classes, differences and all pictures."""

from collections.abc import Sequence
from statistics import fmean

from edgewise.vision.classification.comparison import ClassificationComparison
from edgewise.vision.classification.evaluation import ClassificationEvaluation
from edgewise.vision.classification.metrics import OF_CLASSES
from edgewise.vision.training import report_tables as tables
from edgewise.vision.training.report_tables import Row, cell, score_cell

CLASSES = 40
"""Rows of the table of classes; of more, the worst are shown."""
CASES = 1000
"""Rows of the table of pictures; of more, the worst are shown."""

Named = Sequence[tuple[str, ClassificationEvaluation]]
"""Evaluations of the same pictures, by what a reader calls them."""


def differences(methods: Named) -> list[Row]:
    """The first less each of the others, with intervals; what leaves out 0 stands out."""
    first, *others = (one for _, one in methods)
    return tables.differences(first, [ClassificationComparison.of(first, other).differences for other in others])


def by_class(methods: Named) -> list[Row]:
    """The scores of each class by each method; where there are many, those of worst F1 of the first."""
    first = methods[0][1].classes
    order = range(len(first))
    if len(order) > CLASSES:
        order = sorted(order, key=lambda place: first[place].scores.get("f1", 0.0))[:CLASSES]
    rows = []
    for place in order:
        for title, evaluation in methods:
            found = evaluation.classes[place]
            cells = [score_cell(3, found.scores, found.intervals, name) for name in OF_CLASSES]
            name = found.name if len(methods) == 1 else f"{found.name}, {title}"
            rows.append({"title": name, "cells": [cell(str(found.count)), *cells]})
    return rows


def case_columns(methods: Named) -> list[str]:
    """What :func:`by_case` has."""
    if len(methods) == 1:
        return ["Group", "Class", "Named", "Its probability", "Of the true class"]
    return [
        "Group",
        "Class",
        *(column for title, _ in methods for column in (f"Named by {title}", f"Of the true class, {title}")),
    ]


def by_case(methods: Named) -> list[Row]:
    """All pictures, or the worst of many: the least probable true class first, averaged over the methods.

    What is named wrong stands out.
    """
    together = list(zip(*(one.cases for _, one in methods), strict=True))
    rows = []
    for cases in sorted(together, key=lambda cases: fmean(case.of_truth for case in cases))[:CASES]:
        cells = []
        for case in cases:
            sure = [cell(f"{case.probability:.3f}")] if len(cases) == 1 else []
            cells += [cell(case.prediction, strong=case.prediction != case.truth), *sure, cell(f"{case.of_truth:.3f}")]
        rows.append({"title": cases[0].id, "cells": [cell(cases[0].group or ""), cell(cases[0].truth), *cells]})
    return rows
