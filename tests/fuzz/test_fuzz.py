"""A few draws of each check on every run; ``make fuzz-calls`` draws thousands."""

import pytest

from tests.fuzz.__main__ import checks, draw
from tests.fuzz.calls import COSTLY, RULES

SLOW = {"command lines", *COSTLY}
NAMES = ["command lines", "tables", "weights", "recipes", "pictures", *RULES]


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in NAMES])
def test_nothing_is_taken_that_cannot_be_and_nothing_refused_that_can(name, tmp_path):
    _, check, drawn = checks(tmp_path)[name]
    draw(check, *drawn, count=25 if name in SLOW else 60, seed=1)


def test_every_check_is_tried(tmp_path):
    assert set(NAMES) == set(checks(tmp_path))
