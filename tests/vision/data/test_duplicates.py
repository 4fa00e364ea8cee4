from dataclasses import replace

import numpy as np
import pytest

from edgewise.vision.data import find_duplicates
from edgewise.vision.data.duplicates import thumbnails


def with_image(dataset, index, image):
    samples = list(dataset.samples)
    samples[index] = replace(samples[index], image=image)
    return replace(dataset, samples=tuple(samples))


def test_distance_is_one_minus_the_correlation(make_set, noise):
    dataset = make_set(4)
    expected = 1 - np.corrcoef([noise(seed).ravel().astype(float) for seed in range(4)])
    found = {pair[:2]: pair.distance for pair in find_duplicates(dataset, threshold=2)}
    assert len(found) == 6
    for (first, second), distance in found.items():
        assert distance == pytest.approx(expected[int(first[1:]), int(second[1:])], abs=1e-5)


def test_strangers_are_not_duplicates(make_set):
    assert find_duplicates(make_set(20)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture,
        lambda picture: np.kron(picture, np.ones((3, 2))),
        lambda picture: picture * 0.5 + 20,
        lambda picture: np.repeat(picture[..., None], 3, -1),
    ],
    ids=["copied", "resized", "darkened", "in-colour"],
)
def test_a_changed_copy_is_found(make_set, save, noise, change):
    dataset = make_set(5)
    copied = with_image(dataset, 3, save("copy.png", change(noise(1)).astype(np.uint8)))
    assert [pair[:2] for pair in find_duplicates(copied)] == [("s01", "s03")]
    assert [pair[:2] for pair in find_duplicates(dataset.subset(["s00", "s01"]), copied.subset(["s02", "s03"]))] == [
        ("s01", "s03")
    ]


def test_nearest_pair_comes_first(make_set, save, noise):
    dataset = with_image(make_set(4), 2, save("near.jpg", noise(0), quality=30))
    dataset = with_image(dataset, 3, save("same.png", noise(1)))
    found = find_duplicates(dataset)
    assert [pair[:2] for pair in found] == [("s01", "s03"), ("s00", "s02")]
    assert 0 <= found[0].distance < 1e-5 < found[1].distance < 0.01


def test_pictures_of_one_grey_match_nothing(make_set, save):
    dataset = make_set(2)
    for index in range(2):
        dataset = with_image(dataset, index, save(f"grey{index}.png", np.full((8, 8), 90, np.uint8)))
    assert find_duplicates(dataset) == []


def test_empty_side(make_set):
    dataset = make_set(2)
    assert thumbnails(dataset.subset([])).shape == (0, 1024)
    assert find_duplicates(dataset, dataset.subset([])) == []
