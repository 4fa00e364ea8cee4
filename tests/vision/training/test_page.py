import re

import pytest
from jinja2 import Environment, PackageLoader

from edgewise.vision.training.page import pace


@pytest.mark.parametrize(
    ("seconds", "expected"), [([40.0], 40.0), ([40.0, 2.0], 2.0), ([40.0, 2.0, 4.0], 3.0), ([1.0, 2.0, 3.0, 90.0], 3.0)]
)
def test_the_first_epoch_does_not_count_where_there_are_others(seconds, expected):
    assert pace([{"seconds": s} for s in seconds]) == expected


def test_each_number_of_a_score_table_carries_its_name_for_narrow_windows():
    loader = PackageLoader("edgewise.vision.training", ".")
    text = '{% from "tables.html.j2" import score_table %}{{ score_table(columns, rows) }}'
    page = Environment(loader=loader, autoescape=True).from_string(text)  # as reports do
    cells = [{"text": "0.5", "best": True}, {"text": "7", "best": False}]
    shown = page.render(columns=("IoU <per image>", "Parameters"), rows=[{"title": "a", "baseline": False, "cells": cells}])
    found = re.findall(r'<td data-label="([^"]+)"( class="best")?>([^<]+)', shown)
    assert found == [("IoU &lt;per image&gt;", ' class="best"', "0.5"), ("Parameters", "", "7")]


def test_no_score_table_is_wider_than_its_page():
    """Wide, headings may break into lines; narrow, rows are blocks."""
    style = Environment(loader=PackageLoader("edgewise._ground", ".")).loader.get_source(Environment(), "page.html.j2")[0]
    assert re.search(r"^ +th \{[^}]*white-space: normal", style, re.MULTILINE)
    assert re.search(r"@media \(max-width: 52rem\) \{[^@]*table\.scores tr \{ display: grid", style)
