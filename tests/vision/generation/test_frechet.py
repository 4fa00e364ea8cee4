"""The Frechet distance against closed forms and scipy, and the distance from the nearest picture against a loop."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from edgewise._ground.errors import DataError
from edgewise.vision.generation.frechet import frechet_distance
from edgewise.vision.generation.nearest import nearest


def exact(mean, deviations):
    """Eight points a dimension whose mean and sample covariance are exactly these, the covariance diagonal."""
    count = len(mean)
    points = np.concatenate([np.eye(count), -np.eye(count)])
    points *= np.sqrt((2 * count - 1) / 2)
    return points * deviations + mean


def test_of_two_gaussians_with_the_same_axes():
    """|m1 - m2|^2 + sum (s1 - s2)^2."""
    m1, m2 = np.array([1.0, 2.0, -1.0]), np.array([0.0, 2.5, 3.0])
    s1, s2 = np.array([0.5, 2.0, 1.0]), np.array([1.5, 0.1, 1.0])
    expected = ((m1 - m2) ** 2).sum() + ((s1 - s2) ** 2).sum()
    assert frechet_distance(exact(m1, s1), exact(m2, s2)) == pytest.approx(expected, rel=1e-10)


def test_of_any_two_it_is_that_of_scipys_root():
    draw = np.random.default_rng(0)
    first = draw.normal(size=(50, 6)) @ draw.normal(size=(6, 6))
    second = draw.normal(size=(70, 6)) @ draw.normal(size=(6, 6)) + 0.3
    cov1, cov2 = np.cov(first.T), np.cov(second.T)
    root = sqrtm(cov1 @ cov2).real
    expected = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(cov1 + cov2 - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-8)


def test_of_a_set_and_itself_it_is_nothing_also_with_fewer_pictures_than_features():
    features = np.random.default_rng(0).normal(size=(5, 20))
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(features, features + 2) == pytest.approx(80, rel=1e-6)


def test_few_pictures_make_it_larger():
    draw = np.random.default_rng(0)
    reference = draw.normal(size=(5000, 8))
    few, many = (np.mean([frechet_distance(draw.normal(size=(n, 8)), reference) for _ in range(20)]) for n in (20, 200))
    assert few > 5 * many > 0


def test_one_picture_has_no_covariance():
    with pytest.raises(DataError, match="sets of 1 and 3 pictures have no covariance: give two or more of each"):
        frechet_distance(np.zeros((1, 4)), np.zeros((3, 4)))


@pytest.mark.parametrize("mirror", [False, True])
def test_the_nearest_is_that_of_a_loop(mirror):
    draw = np.random.default_rng(0)
    pictures, others = draw.integers(0, 256, (5, 4, 6, 3), np.uint8), draw.integers(0, 256, (7, 4, 6, 3), np.uint8)
    pictures[2] = others[4][:, ::-1]
    distances, places = nearest(pictures, others, mirror)
    for number, picture in enumerate(pictures):
        known = [*others] + [other[:, ::-1] for other in others if mirror]
        roots = [np.sqrt(np.mean((picture.astype(float) - other) ** 2)) for other in known]
        assert distances[number] == pytest.approx(min(roots), abs=1e-5)
        assert places[number] == np.argmin(roots) % len(others)
    assert (distances[2] < 1e-5) == mirror
