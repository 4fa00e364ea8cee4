import numpy as np
import pytest

from edgewise._ground.errors import DataError
from edgewise.vision.data import ArrayPictures, ClassificationSet, FilePictures
from edgewise.vision.data.pictures import read_bytes


def make(counts=(40, 20, 60), sides=None) -> ClassificationSet:
    """Pictures of one pixel whose value is their number; classes in turns of the counts."""
    labels = np.repeat(np.arange(len(counts)), counts)
    pixels = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1)
    return ClassificationSet("toy", ArrayPictures(pixels), labels, tuple("abcdef"[: len(counts)]), 1, sides)


def numbers(dataset) -> list[int]:
    return [int(dataset.pictures[index][0, 0, 0]) for index in range(len(dataset))]


def test_drawn_sides_are_stratified_disjoint_and_follow_the_seed():
    dataset = make()
    split = dataset.split(seed=1)
    parts = [numbers(part) for part in (split.train, split.validation, split.test)]
    assert sorted(value for part in parts for value in part) == list(range(120))
    assert np.bincount(split.test.labels).tolist() == [8, 4, 12]
    assert np.bincount(split.validation.labels).tolist() == [3, 2, 5]
    for part, values in zip((split.train, split.validation, split.test), parts, strict=True):
        assert np.array_equal(part.labels, dataset.labels[values])
        assert [part.id(index) for index in range(len(part))] == list(map(str, values))
    assert parts[2] == numbers(dataset.split(seed=1).test) != numbers(dataset.split(seed=2).test)


def test_published_sides_are_kept():
    sides = np.zeros(120, np.uint8)
    sides[::3] = 2
    split = make(sides=sides).split(validation=0.25)
    assert numbers(split.test) == list(range(0, 120, 3))
    assert len(split.validation) == 20
    sides[1::3] = 1
    assert numbers(make(sides=sides).split().validation) == list(range(1, 120, 3))


def test_some_classes_are_taken_out_and_numbered_anew():
    kept = make().only(("c", "a"))
    assert kept.classes == ("c", "a")
    assert np.bincount(kept.labels).tolist() == [60, 40]
    assert numbers(kept)[0] == 0
    assert kept.labels[0] == 1


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 3], r"has the label 3 at picture 2, and labels go from 0 to 1 for 2 classes"),
        ([0, -1, 1], "has the label -1 at picture 1"),
        ([0, 1], "has 3 pictures and 2 labels: it is partial"),
        ([0.0, 1.0, 1.0], "has float64 labels"),
    ],
)
def test_wrong_labels_are_named(labels, message):
    with pytest.raises(DataError, match=message):
        ClassificationSet("toy", ArrayPictures(np.zeros((3, 2, 2), np.uint8)), np.array(labels), ("a", "b"))


def test_too_few_pictures_and_impossible_fractions_are_named():
    with pytest.raises(DataError, match="class 'b' of 'toy' has 1 pictures to divide"):
        make((9, 1)).split()
    with pytest.raises(DataError, match="the validation fraction is 1 and must be between 0 and 1"):
        make().split(validation=1)


def test_pictures_that_are_no_bytes_and_empty_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="must be uint8"):
        ArrayPictures(np.zeros((3, 2, 2)))
    (tmp_path / "666.jpg").touch()
    with pytest.raises(DataError, match=r"666\.jpg is empty or no file"):
        FilePictures([tmp_path / "666.jpg"], tmp_path)


def test_files_become_bytes(save, noise):
    grey, colour = noise(0), noise(1, channels=3)
    assert np.array_equal(read_bytes(save("a.png", grey))[..., 0], grey)
    assert np.array_equal(read_bytes(save("b.png", colour)), colour)
    assert np.array_equal(read_bytes(save("c.tif", grey.astype(np.uint16) * 257))[..., 0], grey)
    with pytest.raises(DataError, match="float32 numbers, which have no scale"):
        read_bytes(save("d.tif", grey.astype(np.float32)))
