import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch.testing import assert_close

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import VOID, Preprocess

COLOUR = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_normalises_once_with_the_documented_numbers():
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    assert_close(Preprocess((8, 8)).image(COLOUR), (COLOUR - mean[:, None, None]) / std[:, None, None])
    assert_close(Preprocess((8, 8), channels=1).image(COLOUR[:1]), (COLOUR[:1] - 0.5) / 0.25)
    given = Preprocess((8, 8), channels=3, mean=(0.0, 0.5, 1.0), std=(1.0, 2.0, 4.0)).image(COLOUR)
    assert_close(given[2], (COLOUR[2] - 1) / 4)


def test_grey_is_repeated_and_colour_becomes_luminance():
    plain = {"mean": (0.0,), "std": (1.0,)}
    grey = Preprocess((8, 8), 1, **plain).image(COLOUR)
    assert_close(grey[0], 0.299 * COLOUR[0] + 0.587 * COLOUR[1] + 0.114 * COLOUR[2])
    repeated = Preprocess((8, 8), 3, mean=(0.0,) * 3, std=(1.0,) * 3).image(COLOUR[:1])
    assert_close(repeated, COLOUR[:1].repeat(3, 1, 1))


def test_resizing_is_pillows_antialiased_bilinear():
    picture = np.random.default_rng(0).random((40, 30), dtype=np.float32)
    expected = np.asarray(Image.fromarray(picture).resize((12, 16), Image.Resampling.BILINEAR))
    resized = Preprocess((16, 12), 1, fit="stretch").resize_image(picture[None])
    np.testing.assert_allclose(resized[0], expected, atol=1e-5)


def test_masks_are_resized_to_pillows_nearest_and_stay_0_and_1():
    mask = (np.random.default_rng(0).random((40, 30)) > 0.5).astype(np.uint8)
    expected = np.asarray(Image.fromarray(mask).resize((12, 16), Image.Resampling.NEAREST))
    resized = Preprocess((16, 12), fit="stretch").mask(mask)
    assert resized.dtype == torch.float32
    assert np.array_equal(resized[0], expected)


@pytest.mark.parametrize(
    ("shape", "size"), [((40, 30), (16, 16)), ((20, 50), (20, 24)), ((9, 5), (36, 40)), ((40, 8), (10, 8))]
)
def test_padding_is_pillows(shape, size):
    draw = np.random.default_rng(0)
    picture, mask = draw.random(shape, dtype=np.float32), draw.integers(0, 3, shape).astype(np.uint8)
    plain = Preprocess(size, 1, (0.0,), (1.0,))
    expected = ImageOps.pad(Image.fromarray(picture), size[::-1], Image.Resampling.BILINEAR, color=0)
    np.testing.assert_allclose(plain.image(picture[None])[0], np.asarray(expected), atol=1e-5)
    expected = ImageOps.pad(Image.fromarray(mask), size[::-1], Image.Resampling.NEAREST, color=VOID)
    np.testing.assert_array_equal(plain.mask(mask)[0], np.asarray(expected))


def test_a_side_keeps_a_pixel_at_least():
    assert Preprocess((10, 9), 1).resize_image(torch.zeros(1, 400, 3)).shape == (1, 10, 1)


def test_borders_are_the_mean_in_every_channel():
    padded = Preprocess((8, 12)).image(COLOUR)
    assert padded.shape == (3, 8, 12)
    assert (padded[:, :, :2] == 0).all()
    assert (padded[:, :, -2:] == 0).all()
    assert_close(padded[:, :, 2:-2], Preprocess((8, 8)).image(COLOUR))


@pytest.mark.parametrize("fit", ["pad", "stretch", "tiles"])
@pytest.mark.parametrize("shape", [(24, 10), (7, 40), (16, 16), (5, 5)])
def test_logits_come_back_to_where_the_picture_was(fit, shape):
    """A plane over the picture, sampled where the input's pixels lie, is that plane again, but for half a pixel's rim."""
    rows, columns = (torch.arange(side) + 0.5 for side in shape)
    plane = 3 * rows[:, None] - 2 * columns + 1
    made = Preprocess((16, 16), 1, (0.0,), (1.0,), fit=fit)
    inner = made.resize_image(torch.zeros(1, *shape)).shape[1:]
    at = [(torch.arange(side) + 0.5) * whole / side for side, whole in zip(inner, shape, strict=True)]
    logits = made.pad((3 * at[0][:, None] - 2 * at[1] + 1)[None], 1e9)
    found = made.restore(torch.stack([logits, -logits]), shape)
    assert found.shape == (2, 1, *shape)
    rim = [math.ceil(whole / side / 2) for side, whole in zip(inner, shape, strict=True)]
    part = (slice(rim[0], -rim[0] or None), slice(rim[1], -rim[1] or None))
    assert_close(found[0, 0][part], plane[part], rtol=0, atol=1e-3)
    assert_close(found[1], -found[0])
    assert found[0].max() < 1e3


def test_logits_of_another_size_are_refused():
    with pytest.raises(DataError, match="logits of 8 x 8 pixels are not of a picture of 5 x 9, whose input has 16 x 16"):
        Preprocess((16, 16)).restore(torch.zeros(1, 1, 8, 8), (5, 9))


def test_right_size_is_left_alone():
    assert torch.equal(Preprocess((8, 8)).resize_image(COLOUR), COLOUR)


def test_settings_that_cannot_work():
    with pytest.raises(ConfigError, match=r"size=\(0, 8\) must be"):
        Preprocess((0, 8))
    with pytest.raises(ConfigError, match=r"mean=\(0\.5,\) has 1 numbers for 3 channels"):
        Preprocess((8, 8), mean=(0.5,))
    with pytest.raises(ConfigError, match="channels=2 cannot be made from a picture of 3"):
        Preprocess((8, 8), channels=2).image(COLOUR)
