"""The tables of a report on segmentations: scores with their intervals, classes, groups, cases and differences."""

from collections.abc import Sequence
from statistics import fmean

from edgewise.vision.segmentation.comparison import Comparison
from edgewise.vision.segmentation.evaluation import Evaluation
from edgewise.vision.segmentation.report_cases import CasePictures
from edgewise.vision.training import report_tables as tables
from edgewise.vision.training.report_tables import Row, cell, score_cell

OF_CLASS = ("iou", "f1", "sensitivity", "specificity", "precision", "hd95", "assd", "lesion_sensitivity")
OF_CASE = ("iou", "f1", "sensitivity", "specificity", "precision", "hd95", "assd", "lesion_sensitivity", "false_lesions")

Named = Sequence[tuple[str, Evaluation]]
"""Evaluations of the same images, by what a reader calls them."""


def all_scores(methods: Named) -> list[Row]:
    """Every score of every method, with its interval."""
    return tables.all_scores([one for _, one in methods])


def differences(methods: Named) -> list[Row]:
    """The first less each of the others, with intervals; what leaves out 0 stands out."""
    first, *others = (one for _, one in methods)
    return tables.differences(first, [Comparison.of(first, other).differences for other in others])


def by_class(methods: Named) -> list[Row]:
    """The scores of each class by each method, where there are several classes."""
    if len(methods[0][1].classes) < 2:
        return []
    rows = []
    for place, one in enumerate(methods[0][1].classes):
        for title, evaluation in methods:
            found = evaluation.classes[place]
            cells = [score_cell(evaluation.digits.get(name, 3), found.scores, found.intervals, name) for name in OF_CLASS]
            name = one.name if len(methods) == 1 else f"{one.name}, {title}"
            rows.append({"title": name, "cells": [cell(f"{one.pixels:,}"), *(cells if not one.absent else [])]})
    return rows


def by_group(methods: Named) -> list[Row]:
    """IoU and F1 of the images of each group, those of the lowest IoU first; nothing where no group is known."""
    first = methods[0][1]
    rows = []
    for name in sorted(first.groups, key=lambda name: first.groups[name]["iou"]):
        scores = [f"{one.groups[name][score]:.3f}" for _, one in methods for score in ("iou", "f1")]
        rows.append({"title": name, "cells": [cell(text) for text in (str(first.cohort.size(name)), *scores)]})
    return rows


def by_case(methods: Named, pictures: Sequence[CasePictures]) -> list[Row]:
    """All cases, the lowest IoU first, with links to their pictures: all scores of one network, or IoU of several."""
    rows = []
    for index in order(methods):
        case = methods[0][1].cases[index]
        if len(methods) == 1:
            scores = [score_cell(methods[0][1].digits.get(name, 3), case.scores, {}, name) for name in OF_CASE]
            scores[0]["link"] = pictures[0].link(case.id)
        else:
            pairs = zip(methods, pictures, strict=True)
            scores = [cell(f"{one.cases[index].iou:.3f}", link=drawn.link(case.id)) for (_, one), drawn in pairs]
        rows.append({"title": case.id, "cells": [cell(case.group or ""), *scores]})
    return rows


def order(methods: Named) -> list[int]:
    """The places of the cases, the lowest IoU first, averaged over the methods."""
    means = [fmean(case.iou for case in cases) for cases in zip(*(one.cases for _, one in methods), strict=True)]
    return sorted(range(len(means)), key=lambda index: means[index])
