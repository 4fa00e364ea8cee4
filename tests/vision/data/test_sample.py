import numpy as np
import pytest
import tifffile

from edgewise._ground.errors import DataError
from edgewise.vision.data import Sample

GREY = np.array([[0, 51, 102], [153, 204, 255]], np.uint8)


def test_eight_bits_are_divided_by_255(save):
    image = Sample("a", save("a.png", GREY)).read_image()
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, [[[0, 0.2, 0.4], [0.6, 0.8, 1]]], rtol=1e-6)


def test_sixteen_bits_are_divided_by_65535(save):
    image = Sample("a", save("a.png", np.array([[0, 13107, 65535]], np.uint16))).read_image()
    np.testing.assert_allclose(image, [[[0, 0.2, 1]]], rtol=1e-6)


def test_window_maps_its_ends_to_0_and_1_and_clips(save):
    path = save("a.png", np.array([[0, 100, 150, 300, 900]], np.uint16))
    np.testing.assert_allclose(Sample("a", path, window=(100, 300)).read_image(), [[[0, 0, 0.25, 1, 1]]])


def test_colour_comes_channels_first(save):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    image = Sample("a", save("a.png", pixels)).read_image()
    np.testing.assert_allclose(image, pixels.transpose(2, 0, 1) / np.float32(255), rtol=1e-6)
    assert image.flags.c_contiguous


def test_one_bit_image_is_0_and_1(save):
    assert np.array_equal(Sample("a", save("a.png", GREY > 100)).read_image()[0], GREY > 100)


def test_floats_are_read_in_0_to_1_and_refused_beyond(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, 0.25, 1]], np.float32))
    assert np.array_equal(Sample("a", tmp_path / "a.tif").read_image(), [[[0, 0.25, 1]]])
    tifffile.imwrite(tmp_path / "b.tif", np.array([[0, 0.25, 7]], np.float32))
    with pytest.raises(DataError, match=r"b\.tif holds float32 values from 0\.0 to 7\.0, which have no scale"):
        Sample("b", tmp_path / "b.tif").read_image()


@pytest.mark.parametrize("white", [200, 255])
def test_jpeg_masks_ring_and_are_cut_at_half(save, white):
    mask = np.zeros((32, 32), np.uint8)
    mask[5:19, 7:22] = 1
    sample = Sample("a", save("a.png", mask), (save("m.jpg", mask * white, quality=80),))
    assert np.array_equal(sample.read_mask(), mask)


def test_masks_are_merged_by_union(save):
    first, second = np.zeros((2, 4, 5), np.uint8)
    first[0], second[:, 1] = 1, 255
    sample = Sample("a", save("a.png", first), (save("m.png", first), save("n.png", second)))
    mask = sample.read_mask()
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, (first > 0) | (second > 0))


def test_mask_of_another_size_names_both_files_and_sizes(save):
    sample = Sample("a", save("a.png", np.zeros((4, 6), np.uint8)), (save("m.png", np.zeros((6, 4), np.uint8)),))
    with pytest.raises(DataError, match=r"m\.png is 6 x 4 and its image .*a\.png is 4 x 6"):
        sample.read_mask()


def test_sample_without_mask(save):
    with pytest.raises(DataError, match=r"sample a .* has no mask"):
        Sample("a", save("a.png", GREY)).read_mask()


def test_missing_mask_file_is_named(save, tmp_path):
    with pytest.raises(DataError, match=r"gone\.png does not exist"):
        Sample("a", save("a.png", GREY), (tmp_path / "gone.png",)).read()
