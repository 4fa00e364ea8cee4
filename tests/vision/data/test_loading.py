import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from edgewise._ground.errors import DataError
from edgewise.vision.data import EpochSampler, Sample, SegmentationDataset, SegmentationSet


def epoch_of(dataset, **options):
    return [(batch["id"], batch["image"], batch["mask"]) for batch in DataLoader(dataset, batch_size=2, **options)]


def same(first, second):
    return all(
        a[0] == b[0] and torch.equal(a[1], b[1]) and torch.equal(a[2], b[2]) for a, b in zip(first, second, strict=True)
    )


def test_an_item_is_the_normalised_picture_and_its_mask(make_set):
    data = make_set(2)
    item = SegmentationDataset(data, (32, 32), channels=3)[1]
    image, mask = data[1].read()
    expected = (image - np.reshape([0.485, 0.456, 0.406], (3, 1, 1))) / np.reshape([0.229, 0.224, 0.225], (3, 1, 1))
    np.testing.assert_allclose(item["image"], expected, rtol=1e-5, atol=1e-6)
    assert np.array_equal(item["mask"][0], mask)
    assert (item["image"].dtype, item["mask"].dtype, item["id"]) == (torch.float32, torch.float32, "s01")


def test_channels_are_those_of_the_dataset_unless_given(make_set):
    assert SegmentationDataset(make_set(1), (8, 12))[0]["image"].shape == (1, 8, 12)


def test_files_are_read_once(make_set):
    data = make_set(1)
    dataset = SegmentationDataset(data, (32, 32))
    before = dataset[0]["image"]
    data[0].image.unlink()
    assert torch.equal(dataset[0]["image"], before)


def test_a_broken_file_is_found_before_training(make_set):
    data = make_set(2)
    data[1].image.write_bytes(b"")
    with pytest.raises(DataError, match=r"01\.png cannot be read"):
        SegmentationDataset(data, (32, 32))


def symmetries(picture):
    return [np.rot90(side, turns) for side in (picture, picture[::-1]) for turns in range(4)]


def test_augmentation_draws_every_symmetry_for_picture_and_mask_alike(save):
    picture = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    mask = (picture > 127).astype(np.uint8)
    sample = Sample("a", save("a.png", picture), (save("m.png", mask),))
    data = SegmentationSet("one", (sample,), channels=1)
    dataset = SegmentationDataset(data, (8, 8), augment=True, mean=(0.0,), std=(1 / 255,))
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
    dataset = SegmentationDataset(twins, (32, 32), augment=True)
    differ = 0
    for epoch in range(20):
        dataset.set_epoch(epoch)
        differ += not torch.equal(dataset[0]["image"], dataset[1]["image"])
    assert differ > 10


def test_oblong_pictures_are_only_flipped(make_set):
    dataset = SegmentationDataset(make_set(1), (16, 32), augment=True)
    plain = SegmentationDataset(make_set(1), (16, 32))[0]["mask"][0].numpy()
    flips = [plain, plain[::-1], plain[:, ::-1], plain[::-1, ::-1]]
    drawn = set()
    for epoch in range(40):
        dataset.set_epoch(epoch)
        mask = dataset[0]["mask"][0].numpy()
        drawn.add([np.array_equal(mask, flip) for flip in flips].index(True))
    assert drawn == {0, 1, 2, 3}


def test_augmentation_depends_on_seed_epoch_and_index_alone(make_set):
    data = make_set(6)
    dataset, again = (SegmentationDataset(data, (32, 32), augment=True, seed=3) for _ in range(2))
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
    other = SegmentationDataset(data, (32, 32), augment=True, seed=4)
    assert any(not torch.equal(other[index]["image"], epochs[0][index]) for index in range(6))


def test_augmentation_leaves_global_random_states_alone(make_set):
    dataset = SegmentationDataset(make_set(1), (32, 32), augment=True)
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    dataset[0]
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)


@pytest.mark.slow
@pytest.mark.parametrize("persistent", [False, True])
def test_workers_give_the_same_bits_in_every_epoch(make_set, persistent):
    dataset = SegmentationDataset(make_set(7), (32, 32), augment=True)
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
