"""Pictures that are made for masks: what a network is given of them, and that it heeds it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning
from edgewise.cli import main
from edgewise.vision import PictureData, RunFolder, deploy, evaluate, sample, train
from edgewise.vision.generation.condition import condition_of, find_noise, read_conditions
from edgewise.vision.generation.images import PictureImages
from edgewise.vision.generation.sample import PictureMaker
from tests.vision.generation.conftest import SIDE
from tests.vision.training.test_run import StopAfter, assert_same_run


def halves():
    """Two masks: above and below."""
    above = np.zeros((SIDE, SIDE), np.uint8)
    above[: SIDE // 2] = 1
    return above, 1 - above


@pytest.fixture(scope="session")
def masked(small, tmp_path_factory):
    """A recipe of pictures whose bright half nothing but the mask tells."""
    root = tmp_path_factory.mktemp("masked")
    (root / "images").mkdir()
    (root / "masks").mkdir()
    for index in range(40):
        draw = np.random.default_rng(index)
        mask = halves()[draw.integers(2)]
        picture = 60 + 120 * mask + draw.normal(0, 25, mask.shape)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(root / "images" / f"{index:02d}.png")
        Image.fromarray(mask * 255).save(root / "masks" / f"{index:02d}.png")
    data = PictureData(name="folder", root=str(root), size=(SIDE, SIDE), channels=1, classes=1, mirror=False)
    optimiser = replace(small.optimiser, learning_rate=0.02)
    return replace(small, data=data, epochs=14, batch_size=16, ema=0.8, optimiser=optimiser)


@pytest.fixture(scope="module")
def run(masked, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "gen"
    train(masked, folder, progress=False)
    return folder


def write_masks(folder):
    folder.mkdir()
    for name, mask in zip(("above", "below"), halves(), strict=True):
        Image.fromarray(mask * 255).save(folder / f"{name}.png")
    return folder


def test_each_foreground_class_is_a_channel_at_the_size_of_the_pictures():
    labels = np.array([[0, 1, 2, 255, 0, 0], [2, 2, 1, 0, 0, 0]])
    found = condition_of(labels, PictureData(size=(4, 4), classes=3))
    seen = np.repeat(np.repeat(labels[:, 2:4], 2, 0), 2, 1)  # the middle, twice as large
    np.testing.assert_array_equal(found, np.stack([np.where(seen == label, 1, -1) for label in (1, 2)]))


def test_noise_is_that_of_the_channels_of_the_picture_alone():
    class Sum(nn.Module):
        def forward(self, x, steps):
            return x + x.sum(1, keepdim=True) * steps[:, None, None, None]

    noisy, condition = torch.randn(2, 3, 4, 4), torch.randn(2, 1, 4, 4)
    expected = noisy + 2 * (noisy.sum(1, keepdim=True) + condition)
    torch.testing.assert_close(find_noise(Sum(), noisy, torch.full((2,), 2), condition), expected)


def test_a_mirrored_picture_has_its_mask_mirrored(masked):
    images = PictureImages(replace(masked, data=replace(masked.data, mirror=True)))
    images.train.set_epoch(1)
    plain = PictureImages(masked).train
    flipped = 0
    for index in range(len(plain)):
        one, other = images.train[index], plain[index]
        mirrored = not torch.equal(one["image"], other["image"])
        flipped += mirrored
        for name in ("image", "condition"):
            assert torch.equal(one[name], other[name].flip(-1) if mirrored else other[name])
    assert 0 < flipped < len(plain)


def test_pictures_are_bright_where_their_masks_are(run, tmp_path):
    made = sample(run, tmp_path / "out", count=3, seed=1, masks=[write_masks(tmp_path / "masks")])
    names = [f"{mask}_1_{number:04d}.png" for mask in ("above", "below") for number in range(3)]
    assert [path.name for path in made.pictures] == names
    pictures = np.stack([np.array(Image.open(path)) for path in made.pictures]).astype(float)
    lead = pictures[:, : SIDE // 2].mean((1, 2)) - pictures[:, SIDE // 2 :].mean((1, 2))
    assert (lead[:3] > 30).all()
    assert (lead[3:] < -30).all()
    alone = sample(run, tmp_path / "alone", seed=1, masks=[tmp_path / "masks" / "above.png"])
    assert [path.name for path in alone.pictures] == ["above_1_0000.png"]


def test_it_is_scored_by_the_masks_of_the_held_out_pictures(run, masked):
    with pytest.warns(EdgewiseWarning, match="too few"):
        found = evaluate(run)
    bright = found.real.reshape(found.count, SIDE, SIDE) > 120
    upper = [picture[: SIDE // 2].mean() - picture[SIDE // 2 :].mean() for picture in found.samples.astype(float)]
    assert [lead > 0 for lead in upper] == [mask[0].mean() > 0.5 for mask in bright]


def test_stopped_and_resumed_it_ends_with_the_same_bits(masked, tmp_path):
    short = replace(masked, epochs=2)
    train(short, tmp_path / "whole", progress=False)
    with pytest.raises(InterruptedError):
        train(short, tmp_path / "stopped", progress=False, callbacks=[StopAfter(0)])
    train(short, tmp_path / "stopped", resume=True, progress=False)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")
    assert RunFolder(tmp_path / "whole").read_facts()["masks"]["kind"]


def test_what_cannot_be_is_refused(run, masked, small, tmp_path, capsys):
    assert main(["sample", str(run), "--out", str(tmp_path / "out")]) == 1
    assert "the run makes pictures for masks and none is given: name them, --masks DIR" in capsys.readouterr().err
    masks = write_masks(tmp_path / "masks")
    plain = PictureMaker(nn.Identity(), small.noise.make(), small.sampler, (1, SIDE, SIDE))
    with pytest.raises(ConfigError, match=r"masks are given and the run was trained without \(data.classes is none\)"):
        plain(1, condition=torch.zeros(1, 1, SIDE, SIDE))
    (masks / "odd.png").write_text("no mask")
    assert main(["sample", str(run), "--masks", str(masks), "--out", str(tmp_path / "out")]) == 1
    assert str(masks / "odd.png") in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    Image.fromarray(np.full((SIDE, SIDE), 7, np.uint8)).save(masks / "odd.png")
    with pytest.raises(DataError, match=r"odd\.png holds class 7 and the run knows 3: give masks of its classes"):
        read_conditions([masks / "odd.png"], PictureData(classes=3), {"masks": {"kind": "labels"}})
    Image.fromarray(halves()[1]).save(masks / "below.bmp")
    with pytest.raises(ConfigError, match="two masks are called 'below', and pictures are named after them"):
        read_conditions([masks], PictureData(classes=1), {"masks": {"kind": "binary"}})
    with pytest.raises(ConfigError, match="makes pictures for masks, which an export has no place for"):
        deploy(run)
    with pytest.raises(DataError, match=r"no mask of .folder. holds class 2 and data\.classes is 3"):
        train(replace(masked, data=replace(masked.data, classes=3)), tmp_path / "three", progress=False)
