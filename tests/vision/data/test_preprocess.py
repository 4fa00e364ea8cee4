import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from edgewise._ground.errors import ConfigError
from edgewise.vision.data import Preprocess

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
    resized = Preprocess((16, 12), 1).resize_image(picture[None])
    np.testing.assert_allclose(resized[0], expected, atol=1e-5)


def test_masks_are_resized_to_pillows_nearest_and_stay_0_and_1():
    mask = (np.random.default_rng(0).random((40, 30)) > 0.5).astype(np.uint8)
    expected = np.asarray(Image.fromarray(mask).resize((12, 16), Image.Resampling.NEAREST))
    resized = Preprocess((16, 12)).mask(mask)
    assert resized.dtype == torch.float32
    assert np.array_equal(resized[0], expected)


def test_right_size_is_left_alone():
    assert torch.equal(Preprocess((8, 8)).resize_image(COLOUR), COLOUR)


def test_settings_that_cannot_work():
    with pytest.raises(ConfigError, match=r"size=\(0, 8\) must be"):
        Preprocess((0, 8))
    with pytest.raises(ConfigError, match=r"mean=\(0\.5,\) has 1 numbers for 3 channels"):
        Preprocess((8, 8), mean=(0.5,))
    with pytest.raises(ConfigError, match="channels=2 cannot be made from a picture of 3"):
        Preprocess((8, 8), channels=2).image(COLOUR)
