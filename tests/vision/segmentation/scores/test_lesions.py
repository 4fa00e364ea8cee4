import networkx
import numpy as np
import pytest

from edgewise.vision.segmentation.scores.lesions import components, lesions
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
