import numpy as np
import pytest

from edgewise._ground.errors import EdgewiseWarning
from edgewise.kan.discovery.wide import MOST, likely


def test_columns_that_matter_alone_or_together_are_kept():
    x = np.random.default_rng(0).normal(size=(300, 60))
    y = 3 * x[:, 7] + x[:, 50] ** 2 + 2 * x[:, 30] * x[:, 31]
    others = [column for column in range(60) if column != 5]
    with pytest.warns(EdgewiseWarning, match=r"looked for in 20 of 59 columns, .*: choose fewer columns"):
        kept = likely(x, y, others)
    assert len(kept) == MOST
    assert kept == sorted(kept)
    assert {7, 30, 31, 50} <= set(kept)
    assert 5 not in kept
