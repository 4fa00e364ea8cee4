import itertools

import numpy as np
import pytest

from edgewise.kan.forms.beam import TINY, beam

N = 60
RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(N, 12)) @ (np.eye(12) + 0.3)  # correlated
ONES = np.ones((N, 1))
WEIGHT = RNG.uniform(0.5, 2, N)


def left_over(members, target):
    """By numpy's least squares."""
    chosen = np.column_stack([np.ones(N), VALUES[:, list(members)]]) * WEIGHT[:, None]
    rest = target * WEIGHT - chosen @ np.linalg.lstsq(chosen, target * WEIGHT, rcond=None)[0]
    one = WEIGHT[:, None]
    all_of_it = target * WEIGHT - (one @ np.linalg.lstsq(one, target * WEIGHT, rcond=None)[0])
    return rest @ rest / (all_of_it @ all_of_it)


def test_a_wide_beam_finds_the_best_subsets():
    target = RNG.normal(size=N)
    found = list(beam(VALUES, target, WEIGHT, np.ones(12), width=300, depth=3, price=0.0, always=ONES))
    for depth, choices in enumerate(found, 1):
        wanted = min(itertools.combinations(range(12), depth), key=lambda members: left_over(members, target))
        assert choices[0].members == wanted
        assert choices[0].left == pytest.approx(left_over(wanted, target), rel=1e-9)
        assert [c.score for c in choices] == sorted(c.score for c in choices)


def test_an_exact_sum_ends_it():
    target = 3 * VALUES[:, 2] - VALUES[:, 7] + 5
    found = list(beam(VALUES, target, WEIGHT, np.ones(12), width=20, depth=6, price=1.0, always=ONES))
    assert len(found) == 2
    assert found[-1][0].members == (2, 7)
    assert found[-1][0].left < TINY


def test_of_equal_columns_the_cheaper_is_taken():
    values = np.column_stack([VALUES[:, 0], VALUES[:, 0], VALUES[:, 1]])
    (choices, *_) = beam(values, VALUES[:, 0] + 0.1 * RNG.normal(size=N), WEIGHT, np.array([5.0, 1.0, 1.0]), width=3,
                         depth=1, price=4.0, always=ONES)  # fmt: skip
    assert choices[0].members == (1,)
    assert [c.members for c in choices].count((0,)) <= 1


def test_a_constant_target_has_no_sum():
    assert list(beam(VALUES, np.full(N, 2.0), WEIGHT * 0 + 1, np.ones(12), width=3, depth=2, price=1.0, always=ONES)) == []


def test_without_a_constant_a_product_must_do_all_by_itself():
    target = 3 * VALUES[:, 2] + 5
    nothing = np.ones((N, 0))
    found = list(beam(VALUES, target, WEIGHT, np.ones(12), width=20, depth=1, price=1.0, always=nothing))
    chosen, wanted = VALUES[:, 2] * WEIGHT, target * WEIGHT
    rest = wanted - chosen * (chosen @ wanted) / (chosen @ chosen)
    (choice,) = [choice for choice in found[0] if choice.members == (2,)]
    assert choice.left == pytest.approx(rest @ rest / (wanted @ wanted), rel=1e-9)
