"""Which classes the masks of a set hold, and what is refused before training."""

import numpy as np
import pytest

from edgewise._ground.errors import DataError
from edgewise.vision.data import VOID, check_classes, count_classes, create_dataset


@pytest.fixture
def dataset(save, noise, tmp_path):
    """Masks of three classes with void; class 2 is in the last alone."""
    for index in range(3):
        mask = np.zeros((32, 32), np.uint8)
        mask[: 4 + index], mask[20:24] = 1, 255
        mask[28:] = 2 * (index == 2)
        save(f"images/{index}.png", noise(index))
        save(f"masks/{index}.png", mask)
    return create_dataset("folder", tmp_path)


def test_counts_are_those_of_numpy(dataset):
    counts = {count.label: count for count in count_classes(dataset)}
    masks = np.stack([sample.read_mask() for sample in dataset])
    assert list(counts) == [0, 1, 2, VOID]
    for label, count in counts.items():
        assert count.pixels == (masks == label).sum()
        assert count.samples == (masks == label).any((1, 2)).sum()
    assert (counts[1].example, counts[2].example, counts[VOID].title) == ("2", "2", "void")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (
            1,
            r"masks of 'toy' hold class 2 \(as in .*2\.png\) and data\.classes is 1: set data\.classes to 3, or mask",
        ),
        (2, r"hold class 2 .* set data\.classes to 3"),
        (4, r"no mask of 'toy' holds class 3 and data\.classes is 4"),
    ],
)
def test_classes_that_are_not_those_of_the_masks_are_refused(dataset, classes, message):
    check_classes(count_classes(dataset), 3, "toy", "labels")
    with pytest.raises(DataError, match=message):
        check_classes(count_classes(dataset), classes, "toy", "labels")


def test_masks_without_foreground_or_without_background_are_refused(make_set, save):
    for value in (0, 255):
        dataset = make_set(2)
        for sample in dataset:
            save(sample.masks[0].relative_to(sample.masks[0].parents[1]).as_posix(), np.full((32, 32), value, np.uint8))
        with pytest.raises(DataError, match=f"no mask of 'toy' holds class {int(value == 0)}"):
            check_classes(count_classes(dataset), 1, "toy", "binary")


def test_a_mask_of_another_size_is_found_by_the_look_at_all_masks(dataset, save, noise):
    save("images/1.png", noise(1)[:30])
    with pytest.raises(DataError, match=r"masks/1\.png is 32 x 32 and its image .*images/1\.png is 30 x 32"):
        count_classes(dataset)
