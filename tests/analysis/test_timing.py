import time

import pytest
from torch import nn, ones

from edgewise.analysis import compare_times, step_time


def test_rounds_are_interleaved_and_the_first_is_not_counted():
    calls = []
    timings = compare_times({name: (lambda name=name: calls.append(name)) for name in "ab"}, rounds=3)
    assert calls == list("ab") * 4
    assert set(timings) == set("ab")


def test_the_median_and_the_middle_half_of_known_durations():
    durations = iter([0.0, 0.01, 0.03, 0.02, 0.2, 0.02])
    timing = compare_times({"sleep": lambda: time.sleep(next(durations))}, rounds=5)["sleep"]
    assert timing.median == pytest.approx(0.02, abs=0.008)
    assert timing.spread == pytest.approx(0.01, abs=0.008)


def test_one_round_has_no_spread():
    assert step_time(nn.Linear(2, 2), ones(1, 2), repeats=1).spread == 0
