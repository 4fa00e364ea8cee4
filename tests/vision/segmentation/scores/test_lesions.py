import networkx
import numpy as np
import pytest

from edgewise.vision.data import VOID
from edgewise.vision.segmentation.scores.lesions import components, lesions
from edgewise.vision.segmentation.scores.measure import measure
from tests.vision.segmentation.scores.cases import blob


def parts(mask):
    """Sets of pixels, connected where no coordinate differs by more than one."""
    graph = networkx.Graph()
    pixels = [tuple(pixel) for pixel in np.argwhere(mask)]
    graph.add_nodes_from(pixels)
    graph.add_edges_from((a, b) for a in pixels for b in pixels if a < b and np.abs(np.subtract(a, b)).max() == 1)
    return list(networkx.connected_components(graph))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(14, 16), (5, 8, 7)])
def test_lesions_are_counted_by_sets_of_pixels(seed, shape):
    prediction, truth = blob(seed, shape, 1), blob(seed + 50, shape, 1)
    true, guesses = parts(truth), parts(prediction)
    assert components(truth)[1] == len(true)
    found = sum(any(part & guess for guess in guesses) for part in true)
    false = sum(not any(part & guess for part in true) for guess in guesses)
    assert lesions(prediction, truth) == (len(true), found, len(guesses), false)


def test_no_lesions():
    empty, full = np.zeros((4, 4), bool), np.ones((4, 4), bool)
    assert lesions(empty, empty) == (0, 0, 0, 0)
    assert lesions(full, empty) == (0, 0, 1, 1)
    assert lesions(empty, full) == (1, 0, 0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_void_parts_no_predicted_lesion(seed):
    prediction, truth = blob(seed, (14, 16), 1), blob(seed + 50, (14, 16), 1)
    known = ~blob(seed + 100, (14, 16), 1)
    true, whole = parts(truth & known), parts(prediction)
    guesses = [seen for part in whole if (seen := {pixel for pixel in part if known[pixel]})]
    found = sum(any(part & guess for guess in guesses) for part in true)
    false = sum(not any(part & guess for part in true) for guess in guesses)
    assert lesions(prediction, truth, known) == (len(true), found, len(guesses), false)


def test_a_prediction_across_a_void_border_is_one_lesion_and_one_object():
    """As in PASCAL VOC, whose objects have void borders."""
    rows, columns = np.mgrid[:21, :21] - 10
    far = np.maximum(abs(rows), abs(columns))
    truth = np.where(far < 5, 1, np.where(far < 7, VOID, 0))
    found = measure((far < 8).astype(np.int64), truth, instances=(far < 5).astype(np.int64))
    assert found["lesions"].tolist() == [[1, 1, 1, 0]]
    seen, true = 15**2 - (13**2 - 9**2), 9**2  # pixels of the prediction that are not void, and of the truth
    assert found["objects"].tolist() == pytest.approx([1, 0, 0, true / seen])
    hidden = measure((far == 5).astype(np.int64), truth)
    assert hidden["lesions"].tolist() == [[1, 0, 0, 0]]
