import math

import pytest

from edgewise._ground.errors import ConfigError
from edgewise.kan.discovery.clock import Clock, timed
from edgewise.kan.fitting.history import History


def test_a_budget_is_spent_and_a_part_is_no_longer_than_it():
    clock = Clock(1000)
    assert 0 < clock.left <= 1000
    assert 0 < clock.part(1).left <= 1
    assert clock.part(math.inf).left <= 1000
    assert Clock(None).part(math.inf).left == math.inf
    assert not clock.is_over
    assert Clock(1e-12).is_over


@pytest.mark.parametrize("seconds", [0, -1.0, math.nan])
def test_a_budget_is_positive(seconds):
    with pytest.raises(ConfigError, match="max_time is a positive number of seconds, got"):
        Clock(seconds)


def test_a_fit_ends_as_by_an_interrupt_when_the_time_is_up():
    told = []
    timed(told.append, Clock(None))(History())
    assert len(told) == 1
    with pytest.raises(KeyboardInterrupt):
        timed(told.append, Clock(1e-12))(History())
    assert len(told) == 2
