from torch import nn, ones

from edgewise.analysis import compare_times, step_time


def test_rounds_are_interleaved_and_the_first_is_not_counted():
    calls = []
    timings = compare_times({name: (lambda name=name: calls.append(name)) for name in "ab"}, rounds=3)
    assert calls == list("ab") * 4
    assert set(timings) == set("ab")


def test_the_median_and_the_middle_half_of_known_durations():
    durations, now = iter([0.0, 1.0, 3.0, 2.0, 20.0, 2.0]), [100.0]

    def work():
        now[0] += next(durations)

    timing = compare_times({"work": work}, rounds=5, clock=lambda: now[0])["work"]
    assert timing.median == 2.0
    assert timing.spread == 1.0


def test_one_round_has_no_spread():
    assert step_time(nn.Linear(2, 2), ones(1, 2), repeats=1).spread == 0
