import random

import numpy as np
import pytest
import torch

from edgewise._ground.errors import ConfigError
from edgewise.vision.data import (
    ArrayPictures,
    ClassificationDataset,
    ClassificationSet,
    MovedView,
    SharedSampler,
    StrongView,
    View,
)
from edgewise.vision.data.batches import NOTHING


@pytest.fixture
def pictures(noise):
    return [noise(seed, channels=3) for seed in range(6)]


def make(pictures) -> ClassificationSet:
    return ClassificationSet("toy", ArrayPictures(np.stack(pictures)), np.arange(len(pictures)) % 2, ("a", "b"))


def test_a_picture_of_the_right_size_is_only_normalised(pictures):
    seen = View((32, 32))(pictures)
    expected = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255 * 2 - 1
    torch.testing.assert_close(seen, expected)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    torch.testing.assert_close(View((32, 32), normalise="imagenet")(pictures), ((expected + 1) / 2 - mean) / std)


def test_resizing_and_the_centre_are_those_of_torchvision(noise):
    transforms = pytest.importorskip("torchvision.transforms.v2.functional")
    picture = noise(0, 40, 60, channels=3)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    small = transforms.resize(tensor, [20, 30], transforms.InterpolationMode.BICUBIC, antialias=True).clamp(0, 1)
    expected = transforms.center_crop(small, [18, 18]) * 2 - 1
    torch.testing.assert_close(View((18, 18), crop=0.9)([picture]), expected, atol=1e-6, rtol=0)


def test_channels_and_sizes_are_made_alike(noise):
    seen = View((16, 16), channels=1)([noise(0)[..., None], noise(1, 24, 20, channels=3), noise(2, channels=3)])
    assert seen.shape == (3, 1, 16, 16)
    grey = np.rint(noise(2, channels=3) @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    torch.testing.assert_close(seen[2:], View((16, 16), channels=1)([grey[..., None]]))
    assert View((32, 32))([noise(0)[..., None]]).unbind(1)[0].equal(View((32, 32))([noise(0)[..., None]])[:, 2])
    with pytest.raises(ConfigError, match=r"choose 1 \(grey\) or 3"):
        View((8, 8), channels=4)


def test_moved_pictures_are_shifts_and_mirror_images(pictures):
    view = View((32, 32))
    found = MovedView(view, padding=2)(
        pictures[:1] * 200, np.random.default_rng(0).integers(2**63, size=200, dtype=np.uint64)
    )
    padded = torch.nn.functional.pad((view(pictures[:1]) + 1) / 2, [2] * 4)
    possible = {}
    for down in range(5):
        for right in range(5):
            piece = padded[0, :, down : down + 32, right : right + 32] * 2 - 1
            possible[down, right, False], possible[down, right, True] = piece, piece.flip(2)
    drawn = {next(key for key, piece in possible.items() if torch.allclose(piece, picture)) for picture in found}
    assert len(drawn) > 40
    assert len({mirrored for *_, mirrored in drawn}) == 2
    still = MovedView(view, padding=0, flip=False)(pictures, np.arange(6, dtype=np.uint64))
    assert torch.equal(still, view(pictures))


VIEWS = {
    "moved": lambda view: MovedView(view),
    "strong": lambda view: StrongView(view, policy="rand-m9-n2-mstd0.5-inc1", erase=1.0),
    "jittered": lambda view: StrongView(view, scale=None, jitter=0.4),
}


@pytest.mark.parametrize("kind", VIEWS)
def test_draws_follow_from_seed_epoch_and_index_alone(pictures, kind):
    pytest.importorskip("timm") if kind != "moved" else None
    dataset = ClassificationDataset(make(pictures), VIEWS[kind](View((32, 32))), seed=3)
    state = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = dataset.__getitems__([0, 1, 2, 3])["image"]
    assert torch.equal(state[0], torch.get_rng_state())
    assert state[1] == random.getstate()
    assert np.array_equal(state[2], np.random.get_state()[1])  # noqa: NPY002
    torch.manual_seed(5)
    random.seed(5)
    assert torch.equal(dataset.__getitems__([3, 1])["image"], first[[3, 1]])
    assert torch.equal(dataset[2]["image"], first[2])
    dataset.set_epoch(1)
    assert not torch.equal(dataset.__getitems__([0, 1, 2, 3])["image"], first)
    dataset.set_epoch(0)
    assert torch.equal(dataset.__getitems__([0, 1, 2, 3])["image"], first)
    assert first.isfinite().all()
    assert first.dtype == torch.float32


def test_fillings_have_no_label(pictures):
    batch = ClassificationDataset(make(pictures), View((32, 32))).__getitems__([5, NOTHING])
    assert batch["label"].tolist() == [1, -1]
    assert batch["index"].tolist() == [5, -1]


@pytest.mark.parametrize(("length", "batch"), [(31, 4), (8, 8), (3, 4)])
def test_step_by_step_two_processes_see_what_one_does(length, batch):
    alone = SharedSampler(length, batch, seed=7)
    pair = [SharedSampler(length, batch, rank, 2, seed=7) for rank in (0, 1)]
    for epoch in (0, 1):
        for sampler in (alone, *pair):
            sampler.set_epoch(epoch)
        one, (first, second) = list(alone), map(list, pair)
        assert len(first) == len(second) == len(pair[0])
        assert sorted(one)[: len(set(one))] == sorted(set(one))
        for step in range(len(one) // batch):
            part = slice(step * batch // 2, (step + 1) * batch // 2)
            assert sorted(first[part] + second[part]) == sorted(one[step * batch : (step + 1) * batch])
        assert len(one) == (length // batch * batch or length)


def test_in_validation_every_picture_is_seen_once():
    parts = [list(SharedSampler(7, 4, rank, 4)) for rank in range(4)]
    assert {len(part) for part in parts} == {2}
    assert sorted(index for part in parts for index in part) == [NOTHING, *range(7)]
