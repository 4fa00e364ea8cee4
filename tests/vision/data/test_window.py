"""Pictures of more than 8 bits: what becomes 0 and 1. Right values are those of numpy on the numbers written."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning
from edgewise.vision.data import Sample, create_dataset


@pytest.fixture
def write(save, tmp_path):
    def run(pictures, extension="tif", **options):
        for index, pixels in enumerate(pictures):
            path = tmp_path / "images" / f"{index}.{extension}"
            path.parent.mkdir(exist_ok=True)
            if extension == "tif":
                tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")
            else:
                Image.fromarray(pixels).save(path)
            save(f"masks/{index}.png", np.eye(*pixels.shape[:2], dtype=bool))
        return create_dataset("folder", tmp_path, **options)

    return run


def pictures(bits, dtype, count=3, shape=(12, 10), offset=0):
    draw = np.random.default_rng(bits)
    found = [draw.integers(0, 2**bits, shape) for _ in range(count)]
    found[0].flat[0], found[1].flat[0] = 0, 2**bits - 1
    return [(pixels + offset).astype(dtype) for pixels in found]


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("extension", ["tif", "png"])
def test_the_scale_is_that_of_the_set_not_of_the_file(write, bits, extension):
    drawn = pictures(bits, np.uint16)
    for sample, pixels in zip(write(drawn, extension), drawn, strict=True):
        np.testing.assert_allclose(sample.read_image()[0], pixels / (2**bits - 1), atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "offset"), [(np.int16, -1024), (np.int32, -1000), (np.float32, -1024), (np.float64, 5), (np.uint16, 32768)]
)
def test_signed_shifted_and_float_values(write, dtype, offset):
    drawn = pictures(12, dtype, offset=offset)
    for sample, pixels in zip(write(drawn), drawn, strict=True):
        np.testing.assert_allclose(sample.read_image()[0], (pixels.astype(float) - offset) / 4095, atol=1e-6)


def test_colour_of_twelve_bits(write):
    drawn = pictures(12, np.uint16, shape=(12, 10, 3))
    for sample, pixels in zip(write(drawn), drawn, strict=True):
        np.testing.assert_allclose(sample.read_image(), pixels.transpose(2, 0, 1) / 4095, atol=1e-6)


def test_floats_in_0_to_1_and_8_bits_keep_their_scale(write, tmp_path):
    drawn = [np.full((4, 5), 0.25, np.float32), np.full((4, 5), 0.5, np.float32)]
    assert [sample.read_image().max() for sample in write(drawn)] == [0.25, 0.5]
    drawn = [np.full((4, 5), 51, np.uint8), np.full((4, 5), 102, np.uint8)]
    dataset = write(drawn)
    assert [sample.window for sample in dataset] == [None, None]
    np.testing.assert_allclose([sample.read_image().max() for sample in dataset], [0.2, 0.4], rtol=1e-6)


def test_8_bits_beside_12(write, save):
    write(pictures(12, np.uint16, count=2))
    save("images/9.png", np.full((12, 10), 51, np.uint8))
    save("masks/9.png", np.eye(12, 10, dtype=bool))
    dataset = create_dataset("folder", save("x.png", np.zeros((2, 2), np.uint8)).parent, images="images", masks="masks")
    assert [sample.window for sample in dataset] == [(0, 4095), (0, 4095), None]


def test_an_outlier_is_told_and_a_window_given_is_taken(write):
    drawn = pictures(10, np.uint16, shape=(64, 64))
    drawn[2].flat[7] = 65535
    with pytest.warns(EdgewiseWarning, match=r"values from 0 to 65535 and all but a thousandth .* give window="):
        write(drawn)
    dataset = write(drawn, window=[0, 1023])
    np.testing.assert_allclose(dataset[0].read_image()[0], drawn[0] / 1023, atol=1e-6)
    for window in ([5, 5], [1], [9, 2], ["a", "b"], 3):
        with pytest.raises(ConfigError, match="must be two numbers, the lower one first"):
            write(drawn, window=window)


def test_values_that_are_no_numbers_are_refused(write):
    with pytest.raises(DataError, match="NaN or infinite"):
        write([np.array([[0, np.nan]], np.float32)])


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_a_single_picture_of_few_bits_has_no_scale(save, bits):
    with pytest.raises(DataError, match="which have no scale of their own"):
        Sample("a", save("a.png", np.array([[0, 2**bits - 1]], np.uint16))).read_image()
