import numpy as np
import pytest
import tifffile
from PIL import Image, UnidentifiedImageError

from edgewise._ground.errors import DataError
from edgewise.vision.data.pixels import read_pixels, size_of

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
COLOUR = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("extension", ["png", "bmp", "tif", "tiff"])
@pytest.mark.parametrize("pixels", [GREY, COLOUR, GREY > 100], ids=["grey", "colour", "one-bit"])
def test_lossless_formats_give_back_what_was_saved(save, extension, pixels):
    read = read_pixels(save(f"a.{extension}", pixels))
    assert read.dtype == pixels.dtype
    assert np.array_equal(read, pixels)


def test_jpeg_is_read_to_its_own_precision(save):
    flat = np.full((16, 16), 130, np.uint8)
    assert np.abs(read_pixels(save("a.JPG", flat, quality=95)).astype(int) - flat).max() <= 2


@pytest.mark.parametrize("extension", ["png", "tif"])
def test_sixteen_bits_survive(save, extension):
    pixels = np.array([[0, 1, 256], [40000, 65534, 65535]], np.uint16)
    assert np.array_equal(read_pixels(save(f"a.{extension}", pixels)), pixels)


def test_big_endian_tiff_comes_in_native_order(tmp_path):
    pixels = np.array([[1, 500], [40000, 7]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, byteorder=">")
    read = read_pixels(tmp_path / "a.tif")
    assert read.dtype.isnative
    assert np.array_equal(read, pixels)


def test_sixteen_bit_colour_of_a_tiff_comes_whole(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 6, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    assert np.array_equal(read_pixels(tmp_path / "a.tif"), pixels)


def test_colour_declared_as_grey_which_pillow_cannot_read(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", COLOUR, photometric="minisblack", planarconfig="contig")
    with pytest.raises(UnidentifiedImageError):
        Image.open(tmp_path / "a.tif")
    assert np.array_equal(read_pixels(tmp_path / "a.tif"), COLOUR)


def test_alpha_is_dropped_without_touching_the_colours(save):
    alpha = np.full((3, 4, 1), 7, np.uint8)
    assert np.array_equal(read_pixels(save("rgba.png", np.concatenate([COLOUR, alpha], -1))), COLOUR)
    grey_alpha = Image.merge("LA", (Image.fromarray(GREY), Image.fromarray(alpha[..., 0])))
    assert np.array_equal(read_pixels(save("la.png", grey_alpha)), GREY)


@pytest.mark.parametrize("options", [{}, {"transparency": b"\x40\x80"}], ids=["opaque", "transparent"])
def test_palette_is_looked_up(save, options):
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    expected = np.array([[[10, 20, 30], [200, 100, 50]], [[200, 100, 50], [10, 20, 30]]], np.uint8)
    assert np.array_equal(read_pixels(save("a.png", image, **options)), expected)


def test_cmyk_becomes_rgb(save):
    path = save("a.tif", Image.new("CMYK", (4, 3), (0, 255, 255, 0)))
    assert np.array_equal(read_pixels(path), np.full((3, 4, 3), (255, 0, 0), np.uint8))


@pytest.mark.parametrize("extension", ["png", "tif"])
def test_exif_rotation_is_applied(save, extension):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn clockwise to show
    assert np.array_equal(read_pixels(save(f"a.{extension}", GREY, exif=exif)), np.rot90(GREY, -1))


def test_a_page_of_a_stack(tmp_path):
    stack = np.random.default_rng(0).integers(0, 65536, (3, 4, 5), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    for page in range(3):
        assert np.array_equal(read_pixels(tmp_path / "a.tif", page), stack[page])
    with pytest.raises(DataError, match="holds 3 pages"):
        read_pixels(tmp_path / "a.tif")
    with pytest.raises(DataError, match="has no page 3; it holds pages 0 to 2"):
        read_pixels(tmp_path / "a.tif", 3)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.png does not exist"):
        read_pixels(tmp_path / "gone.png")


@pytest.mark.parametrize("extension", ["png", "jpg", "bmp", "tif"])
@pytest.mark.parametrize("keep", [0, 3, 200])
def test_truncated_files_are_named_in_one_line(save, extension, keep):
    path = save(f"a.{extension}", np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=rf"a\.{extension} cannot be read as an image") as raised:
        read_pixels(path)
    assert "\n" not in str(raised.value)


def test_text_under_an_image_name(tmp_path):
    (tmp_path / "a.tif").write_text("no picture")
    with pytest.raises(DataError, match=r"a\.tif cannot be read as an image"):
        read_pixels(tmp_path / "a.tif")


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg"])
def test_the_size_is_that_of_the_pixels_upright(tmp_path, name):
    exif = Image.Exif()
    exif[274] = 6  # a quarter turn
    Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6)).save(tmp_path / name, exif=exif)
    assert size_of(tmp_path / name) == read_pixels(tmp_path / name).shape == (6, 4)
    tifffile.imwrite(tmp_path / "deep.tif", np.zeros((3, 5, 3), np.uint16), photometric="minisblack", planarconfig="contig")
    assert size_of(tmp_path / "deep.tif") == read_pixels(tmp_path / "deep.tif").shape[:2]
