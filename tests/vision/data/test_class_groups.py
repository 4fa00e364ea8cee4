import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from edgewise._ground.errors import DataError, EdgewiseWarning
from edgewise.vision.data.class_groups import draw_groups


def test_classes_are_parted_as_evenly_as_scikit_learn_does():
    """By the median over seeds of the largest difference from a fifth, of three classes of 10 to 60 %."""
    rng = np.random.default_rng(0)
    place = rng.integers(60, size=600)
    labels = np.where(rng.random(600) < 0.7, place % 3 * (place % 2), rng.integers(3, size=600))
    groups = [f"patient {number}" for number in place]

    def off(drawn: np.ndarray) -> float:
        return max(abs((labels[drawn] == label).sum() / (labels == label).sum() - 0.2) for label in range(3))

    ours, theirs = [], []
    for seed in range(20):
        drawn = draw_groups("toy", labels, groups, "abc", 0.2, np.random.default_rng(seed))
        assert not set(place[drawn]) & set(np.delete(place, drawn))
        ours.append(off(drawn))
        theirs.append(
            off(next(iter(StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, place)))[1])
        )
    assert np.median(ours) <= np.median(theirs)


def test_a_rare_class_is_on_both_sides_or_refused():
    labels = np.array([0] * 50 + [1] * 4)
    groups = [str(number // 5) for number in range(50)] + ["x", "x", "y", "y"]
    drawn = draw_groups("toy", labels, groups, ("a", "b"), 0.1, np.random.default_rng(0))
    assert {groups[place] for place in drawn} & {"x", "y"} in ({"x"}, {"y"})
    groups[-2:] = "x", "x"
    with pytest.raises(DataError, match="class 'b' of 'toy' is in 1 group, which cannot be parted in those to learn from"):
        draw_groups("toy", labels, groups, ("a", "b"), 0.1, np.random.default_rng(0))


def test_large_groups_are_told():
    with pytest.warns(EdgewiseWarning, match="a side of 'toy' has 10 pictures where about 2 were asked for"):
        draw_groups("toy", np.zeros(20, int), ["a", "b"] * 10, ("a",), 0.1, np.random.default_rng(0))
