import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from edgewise._ground.errors import DataError
from edgewise.vision.data import (
    VOID,
    EpochSampler,
    Labels,
    Preprocess,
    Sample,
    SegmentationDataset,
    SegmentationSet,
    loading,
)
from edgewise.vision.data.windows import EachWindow, RandomWindows
from edgewise.vision.segmentation.augment import Augmentation, MaskedAugment


def flips(height, width):
    """Turns and flips, or flips alone where sides differ."""
    return Augmentation(MaskedAugment(), (height, width))


def epoch_of(dataset, **options):
    return [(batch["id"], batch["image"], batch["mask"]) for batch in DataLoader(dataset, batch_size=2, **options)]


def same(first, second):
    return all(
        a[0] == b[0] and torch.equal(a[1], b[1]) and torch.equal(a[2], b[2]) for a, b in zip(first, second, strict=True)
    )


def test_an_item_is_the_normalised_picture_and_its_mask(make_set):
    data = make_set(2)
    item = SegmentationDataset(data, Preprocess((32, 32)))[1]
    image, mask = data[1].read()
    expected = (image - np.reshape([0.485, 0.456, 0.406], (3, 1, 1))) / np.reshape([0.229, 0.224, 0.225], (3, 1, 1))
    np.testing.assert_allclose(item["image"], expected, rtol=1e-5, atol=1e-6)
    assert np.array_equal(item["mask"][0], mask)
    assert (item["image"].dtype, item["mask"].dtype, item["id"]) == (torch.float32, torch.float32, "s01")


def test_files_are_read_once(make_set):
    data = make_set(1)
    dataset = SegmentationDataset(data, Preprocess((32, 32), 1))
    before = dataset[0]["image"]
    data[0].image.unlink()
    assert torch.equal(dataset[0]["image"], before)


def test_a_broken_file_is_found_before_training(make_set):
    data = make_set(2)
    data[1].image.write_bytes(b"")
    with pytest.raises(DataError, match=r"01\.png cannot be read"):
        SegmentationDataset(data, Preprocess((32, 32), 1))


def symmetries(picture):
    return [np.rot90(side, turns) for side in (picture, picture[::-1]) for turns in range(4)]


def test_augmentation_draws_every_symmetry_for_picture_and_mask_alike(save):
    picture = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    mask = (picture > 127).astype(np.uint8)
    sample = Sample("a", save("a.png", picture), (save("m.png", mask),))
    data = SegmentationSet("one", (sample,), channels=1)
    dataset = SegmentationDataset(data, Preprocess((8, 8), 1, (0.0,), (1 / 255,)), augment=flips(8, 8))
    drawn = set()
    for epoch in range(100):
        dataset.set_epoch(epoch)
        image, turned = dataset[0]["image"][0].numpy().round(), dataset[0]["mask"][0].numpy()
        which = [np.array_equal(image, side) for side in symmetries(picture)].index(True)
        assert np.array_equal(turned, symmetries(mask)[which])
        drawn.add(which)
    assert drawn == set(range(8))


def test_one_epoch_turns_equal_pictures_differently(make_set):
    data = make_set(2)
    twins = replace(data, samples=(data[0], replace(data[0], id="twin")))
    dataset = SegmentationDataset(twins, Preprocess((32, 32), 1), augment=flips(32, 32))
    differ = 0
    for epoch in range(20):
        dataset.set_epoch(epoch)
        differ += not torch.equal(dataset[0]["image"], dataset[1]["image"])
    assert differ > 10


def test_oblong_pictures_are_only_flipped(make_set):
    dataset = SegmentationDataset(make_set(1), Preprocess((16, 32), 1, fit="stretch"), augment=flips(16, 32))
    plain = SegmentationDataset(make_set(1), Preprocess((16, 32), 1, fit="stretch"))[0]["mask"][0].numpy()
    sides = [plain, plain[::-1], plain[:, ::-1], plain[::-1, ::-1]]
    drawn = set()
    for epoch in range(40):
        dataset.set_epoch(epoch)
        mask = dataset[0]["mask"][0].numpy()
        drawn.add([np.array_equal(mask, flip) for flip in sides].index(True))
    assert drawn == {0, 1, 2, 3}


def test_augmentation_depends_on_seed_epoch_and_index_alone(make_set):
    data = make_set(6)
    dataset, again = (SegmentationDataset(data, Preprocess((32, 32), 1), augment=flips(32, 32), seed=3) for _ in range(2))
    epochs = []
    for epoch in range(3):
        dataset.set_epoch(epoch)
        np.random.default_rng(epoch)
        torch.manual_seed(epoch)
        epochs.append([dataset[index]["image"] for index in range(6)])
    again.set_epoch(2)
    for index in reversed(range(6)):
        assert torch.equal(again[index]["image"], epochs[2][index])
    assert any(not torch.equal(a, b) for a, b in zip(epochs[0], epochs[1], strict=True))
    other = SegmentationDataset(data, Preprocess((32, 32), 1), augment=flips(32, 32), seed=4)
    assert any(not torch.equal(other[index]["image"], epochs[0][index]) for index in range(6))


def test_augmentation_leaves_global_random_states_alone(make_set):
    dataset = SegmentationDataset(make_set(1), Preprocess((32, 32), 1), augment=flips(32, 32))
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    dataset[0]
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)


@pytest.mark.slow
@pytest.mark.parametrize("persistent", [False, True])
def test_workers_give_the_same_bits_in_every_epoch(make_set, persistent):
    dataset = SegmentationDataset(make_set(7), Preprocess((32, 32), 1), augment=flips(32, 32))
    alone, sampler = [], EpochSampler(7, seed=1)
    for epoch in range(3):
        dataset.set_epoch(epoch)
        sampler.set_epoch(epoch)
        alone.append(epoch_of(dataset, sampler=sampler))
    assert not same(alone[0], alone[1])
    loader = DataLoader(dataset, batch_size=2, sampler=sampler, num_workers=2, persistent_workers=persistent)
    for epoch in range(3):
        dataset.set_epoch(epoch)
        sampler.set_epoch(epoch)
        assert same([(batch["id"], batch["image"], batch["mask"]) for batch in loader], alone[epoch])


def test_orders_are_permutations_that_a_resumed_run_repeats():
    first, resumed = EpochSampler(50, seed=1), EpochSampler(50, seed=1)
    orders = []
    for epoch in range(4):
        first.set_epoch(epoch)
        orders.append(list(first))
        assert sorted(orders[-1]) == list(range(50))
    assert all(a != b for a, b in itertools.pairwise(orders))
    resumed.set_epoch(3)
    assert list(resumed) == list(resumed) == orders[3]
    assert list(EpochSampler(50, seed=2)) != orders[0]
    assert len(first) == 50


@pytest.fixture
def numbered(save):
    """A picture whose pixels all differ, 21 x 30, with a mask of as many classes."""
    picture = np.arange(630).reshape(21, 30)
    files = save("a.png", (picture % 251).astype(np.uint8)), (save("m.png", (picture % 249).astype(np.uint8)),)
    return picture, SegmentationSet("one", (Sample("a", *files, coding=Labels()),), channels=1)


def test_windows_of_training_are_drawn_from_the_picture_and_its_mask_alike(numbered):
    picture, data = numbered
    tiles = Preprocess((8, 10), 1, (0.0,), (1 / 255,), fit="tiles")
    dataset, again = (SegmentationDataset(data, tiles, seed=5, windows=RandomWindows((8, 10))) for _ in range(2))
    corners = set()
    for epoch in range(12):
        dataset.set_epoch(epoch)
        for item in dataset:
            window, mask = item["image"][0].numpy().round(), item["mask"][0].numpy()
            ((top, left),) = np.argwhere((picture % 251 == window[0, 0]) & (picture % 249 == mask[0, 0]))
            assert np.array_equal(window, picture[top : top + 8, left : left + 10] % 251)
            assert np.array_equal(mask, picture[top : top + 8, left : left + 10] % 249)
            corners.add((top, left))
    assert len(dataset) == 8  # 630 pixels in windows of 80
    assert len(corners) > 60
    again.set_epoch(11)
    assert all(torch.equal(again[i]["image"], dataset[i]["image"]) for i in reversed(range(8)))


def test_windows_of_validation_score_each_pixel_once(numbered):
    picture, data = numbered
    tiles = Preprocess((8, 10), 1, (0.0,), (1 / 255,), fit="tiles")
    seen = np.zeros((21, 30), int)
    for item in SegmentationDataset(data, tiles, windows=EachWindow((8, 10))):
        where = np.isin(picture % 251, item["image"].numpy().round())
        for value, label in zip(item["image"].round().flatten().tolist(), item["mask"].flatten().tolist(), strict=True):
            if label != VOID:
                seen[where & (picture % 251 == value) & (picture % 249 == label)] += 1
    assert (seen == 1).all()


def test_a_picture_smaller_than_a_window_has_void_borders(make_set):
    for windows in (RandomWindows((40, 8)), EachWindow((40, 8))):
        item = SegmentationDataset(make_set(1), Preprocess((40, 8), 1, fit="tiles"), windows=windows)[0]
        assert item["image"].shape == item["mask"].shape == (1, 40, 8)
        assert (item["mask"][0, :4] == VOID).all()
        assert (item["mask"][0, -4:] == VOID).all()
        assert (item["image"][0, -4:] == 0).all()
        assert set(item["mask"][0, 4:-4].unique().tolist()) <= {0, 1}


def test_what_is_not_kept_is_read_again(make_set, monkeypatch):
    data = make_set(3)
    kept = SegmentationDataset(data, Preprocess((16, 24), 1))
    monkeypatch.setattr(loading, "KEPT", 2 * (16 * 16 * 5))
    some = SegmentationDataset(data, Preprocess((16, 24), 1))
    assert all(torch.equal(some[i]["image"], kept[i]["image"]) for i in range(3))
    for sample in data:
        sample.image.unlink()
    assert torch.equal(some[1]["image"], kept[1]["image"])
    with pytest.raises(DataError, match=r"02\.png does not exist"):
        some[2]


def test_an_order_by_weights_is_within_one_of_the_shares_and_right_on_the_whole():
    weights = [1.0, 1.0, 4.0, 0.5, 2.0]
    sampler, shares = EpochSampler(5, seed=3, weights=weights), 5 * np.array(weights) / sum(weights)
    total = np.zeros(5)
    for epoch in range(2000):
        sampler.set_epoch(epoch)
        drawn = [item if isinstance(item, tuple) else (item, 0) for item in sampler]
        assert len(set(drawn)) == 5
        counts = np.bincount([index for index, _ in drawn], minlength=5)
        assert (abs(counts - shares) < 1).all()
        total += counts
    np.testing.assert_allclose(total / 2000, shares, atol=0.05)
    assert list(sampler) == list(sampler)


def test_equal_weights_are_an_order_of_all():
    assert sorted(EpochSampler(50, seed=1, weights=[0.3] * 50)) == list(range(50))


def test_a_sample_seen_twice_is_drawn_anew(make_set):
    dataset = SegmentationDataset(make_set(3), Preprocess((32, 32), 1), augment=flips(32, 32))
    items = [dataset[1], *(dataset[1, often] for often in range(1, 12))]
    assert {item["id"] for item in items} == {"s01"}
    assert len({item["image"].numpy().tobytes() for item in items}) > 3
    loader = DataLoader(dataset, batch_size=3, sampler=EpochSampler(3, weights=[1.0, 1.0, 70.0]))
    (batch,) = loader
    assert batch["id"].count("s02") >= 2
