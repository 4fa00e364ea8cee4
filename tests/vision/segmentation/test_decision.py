import numpy as np
import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.vision.segmentation.decision import Decision


def chances(classes, *size, seed=0):
    logits = torch.randn(classes, *size, generator=torch.Generator().manual_seed(seed))
    return logits.sigmoid() if classes == 1 else (2 * logits).softmax(0)


def flooded(mask):
    """The components of a mask as sets of places, by flooding from pixel to pixel over sides and corners."""
    left, found = set(map(tuple, np.argwhere(mask))), []
    while left:
        edge = [left.pop()]
        component = set(edge)
        while edge:
            place = edge.pop()
            near = {other for other in left if max(abs(a - b) for a, b in zip(place, other, strict=True)) <= 1}
            left -= near
            component |= near
            edge += near
        found.append(component)
    return found


def test_by_default_one_foreground_is_cut_at_a_half_and_of_several_classes_the_likeliest_is_taken():
    one, several = chances(1, 9, 7), chances(4, 9, 7)
    np.testing.assert_array_equal(Decision()(one), one[0].numpy() > 0.5)
    np.testing.assert_array_equal(Decision()(several), several.numpy().argmax(0))


def test_thresholds_of_several_classes():
    found = chances(4, 12, 11).double()
    bounds = (0.2, 0.3, 0.6)
    expected = np.zeros((12, 11), int)
    for row, column in np.ndindex(12, 11):
        times = [p / t if p > t else 0 for p, t in zip(found[1:, row, column].tolist(), bounds, strict=True)]
        if max(times) > 0:
            expected[row, column] = times.index(max(times)) + 1
    assert len(np.unique(expected)) == 4
    np.testing.assert_array_equal(Decision(threshold=bounds)(found), expected)
    np.testing.assert_array_equal(Decision(threshold=(0.9,))(found), np.where(found[1:].amax(0) > 0.9, expected, 0))


@pytest.mark.parametrize("size", [(14, 13), (6, 5, 7)])
def test_small_components_and_all_but_the_largest_of_each_class_become_background(size):
    found = chances(3, *size)
    found[0].clamp_(min=0.65 if len(size) == 2 else 0.85)  # much background, so that there are several components
    labels = found.argmax(0).numpy()
    least = (4, 2)
    small, largest = np.zeros_like(labels), np.zeros_like(labels)
    for index in (1, 2):
        components = flooded(labels == index)
        for component in components:
            if len(component) >= least[index - 1]:
                small[tuple(zip(*component, strict=True))] = index
        largest[tuple(zip(*max(components, key=len), strict=True))] = index
    assert (small != labels).any()
    np.testing.assert_array_equal(Decision(smallest=least)(found), small)
    np.testing.assert_array_equal(Decision(largest_component=True)(found), largest)
    np.testing.assert_array_equal(Decision(largest_component=True, smallest=(labels.size,))(found), 0)


def test_no_foreground_is_no_component():
    assert not Decision(smallest=(3,), largest_component=True)(torch.zeros(1, 5, 6)).any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"threshold": (1.0,)}, r"threshold is \(1.0,\) and must be between 0 and 1"),
        ({"smallest": (0,)}, r"smallest is \(0,\) and must be at least 1 pixel"),
    ],
)
def test_numbers_that_cannot_be_are_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        Decision(**wrong)


@pytest.mark.parametrize("settings", [{"threshold": (0.2, 0.3)}, {"smallest": (5, 6)}])
def test_a_number_for_each_class_or_one_for_all(settings):
    with pytest.raises(ConfigError, match=r"has the 2 numbers \(.*\) and there are 3 foreground classes"):
        Decision(**settings)(chances(4, 3, 3))


def test_what_a_decision_does_not_say_another_one_does():
    recipe = Decision(threshold=(0.3,), smallest=(9,), largest_component=True)
    assert Decision().over(recipe) == recipe
    assert Decision(smallest=(4,)).over(recipe) == Decision((0.3,), (4,), True)
    assert Decision((), (), False).over(recipe) == Decision().complete
