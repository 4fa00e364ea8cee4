"""How masks are read: the rule is found from a whole set. Right values are those the masks were drawn with, in numpy."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import VOID, Sample, SegmentationSet, read_as
from edgewise.vision.data.mask_file import read_mask_file

COLOURS = np.array([[0, 0, 0], [0, 200, 0], [255, 0, 0]], np.uint8)
rows, columns = np.mgrid[:48, :48]
DISC = (rows - 24) ** 2 + (columns - 24) ** 2 < 200
RING = ((rows - 24) ** 2 + (columns - 24) ** 2 < 270) & ~DISC
THREE = np.where(DISC, 1, np.where(rows < 8, 2, 0)).astype(np.uint8)
BLUR = ndimage.gaussian_filter(DISC * 255.0, 3)


@pytest.fixture
def read(save):
    """The classes of mask files by the rule found from all of them."""

    def run(*masks, name="m.png", mask_values="auto", **options):
        paths = [save(f"{index}{name}", mask) for index, mask in enumerate(masks)]
        coding = read_as(mask_values, [(path, None) for path in paths], **options)
        return [coding(read_mask_file(path)) for path in paths]

    return run


def indexed(labels, palette):
    image = Image.fromarray(labels).convert("P")
    image.putdata(labels.ravel().tolist())
    image.putpalette(np.asarray(palette, np.uint8).ravel().tolist())
    return image


def with_alpha(colours, alpha):
    return np.concatenate([np.broadcast_to(colours, (*alpha.shape, 3)), alpha[..., None]], -1).astype(np.uint8)


@pytest.mark.parametrize(
    "mask",
    [
        THREE,
        THREE.astype(np.uint16),
        np.array([0, 128, 255], np.uint8)[THREE],
        np.array([0, 1000, 3000], np.uint16)[THREE],
        COLOURS[THREE],
        np.repeat(THREE[..., None], 3, -1),
        with_alpha(COLOURS[THREE], (THREE > 0) * 255),
        indexed(THREE, COLOURS),
    ],
    ids=["labels", "16-bit", "grey-codes", "16-bit-codes", "colours", "labels-in-rgb", "colours-and-alpha", "palette"],
)
def test_three_classes_are_three_however_they_are_stored(read, mask):
    assert np.array_equal(read(mask)[0], THREE)


def test_palettes_that_differ_from_file_to_file_are_read_by_their_colours(read):
    turned = indexed(np.array([2, 0, 1], np.uint8)[THREE], COLOURS[[1, 2, 0]])
    for classes in read(indexed(THREE, COLOURS), turned):
        assert np.array_equal(classes, THREE)


def test_palettes_that_agree_on_the_background_alone_are_read_by_their_colours(read):
    turned = indexed(np.array([0, 2, 1], np.uint8)[THREE], COLOURS[[0, 2, 1]])
    for classes in read(indexed(THREE, COLOURS), turned):
        assert np.array_equal(classes, THREE)


def test_a_label_of_two_bytes_is_not_cut_to_one(read):
    with pytest.raises(DataError, match="holds the label 300"):
        read(np.where(DISC, 300, 0).astype(np.uint16), mask_values="labels")


def test_a_file_without_one_of_the_colours_keeps_the_numbers_of_the_set(read):
    second = np.where(THREE == 1, 0, THREE)
    for make in (lambda labels: COLOURS[labels], lambda labels: np.array([0, 128, 255], np.uint8)[labels]):
        assert np.array_equal(read(make(THREE), make(second))[1], second)


@pytest.mark.parametrize(
    ("mask", "options"),
    [
        (DISC * 255, {}),
        (DISC * 254, {}),
        (DISC * 1, {}),
        (np.repeat((DISC * 255)[..., None], 3, -1), {}),
        (np.where(DISC[..., None], [255, 0, 0], 0), {}),
        (with_alpha([200, 200, 200], DISC * 255), {}),
        (with_alpha([0, 0, 0], DISC * 255), {}),
        (with_alpha(np.random.default_rng(0).integers(0, 256, (48, 48, 3)), DISC * 255), {}),
        (DISC * 255, {"name": "m.jpg"}),
        (np.repeat((DISC * 255)[..., None], 3, -1), {"name": "m.jpg"}),
        (DISC * 255, {"name": "m.gif"}),
    ],
    ids=["255", "254", "1", "rgb", "red", "alpha", "black-alpha", "cutout", "jpeg", "colour-jpeg", "gif"],
)
def test_one_foreground_however_it_is_stored(read, mask, options):
    assert np.array_equal(read(mask.astype(np.uint8), **options)[0], DISC)


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_ringing_in_a_jpeg_is_no_foreground(save, quality):
    path = save("a.jpg", (DISC * 255).astype(np.uint8), quality=quality)
    assert np.array_equal(read_as("auto", [(path, None)])(read_mask_file(path)), DISC)


def test_black_on_white_palettes_are_read_by_their_greys(read):
    assert np.array_equal(read(indexed((~DISC).astype(np.uint8), [[255] * 3, [0] * 3]))[0], DISC)


@pytest.mark.parametrize("peak", [254, 255])
def test_soft_edges_are_cut_at_one_level_whatever_a_file_reaches(read, peak):
    soft = np.minimum(BLUR, peak).astype(np.uint8)
    weak = (BLUR * 0.7).astype(np.uint8)
    for mask, classes in zip((soft, weak, DISC * 255), read(soft, weak, (DISC * 255).astype(np.uint8)), strict=True):
        assert np.array_equal(classes, mask >= 128)


def test_floats_are_cut_at_half(read, save):
    assert np.array_equal(read((BLUR / 255).astype(np.float32), name="m.tif")[0], BLUR / 255 >= 0.5)


def test_void_beside_labels(read):
    mask = np.where(RING, 255, THREE).astype(np.uint8)
    expected = np.where(RING, VOID, THREE)
    assert np.array_equal(read(mask)[0], expected)
    assert np.array_equal(read(np.where(RING, 9, THREE).astype(np.uint8), void=9)[0], expected)


def test_one_bit_files_beside_others_and_1_beside_255(read):
    for classes in read(DISC, (DISC * 255).astype(np.uint8), (DISC * 1).astype(np.uint8)):
        assert np.array_equal(classes, DISC)


def instances(count):
    cells = np.arange(count).reshape(-1, 16).astype(np.uint8)
    return np.kron(cells, np.ones((4, 4), np.uint8))


def test_instances_are_no_soft_edge(read):
    assert np.array_equal(read(instances(240))[0], instances(240))
    with pytest.raises(DataError, match=r"holds the label 255 .* mask_values='binary'"):
        read(instances(256))
    assert np.array_equal(read(instances(256), mask_values="binary")[0], instances(256) > 0)


@pytest.mark.parametrize(
    ("masks", "name", "message"),
    [
        ([THREE * 100], "m.jpg", "masks are JPEGs with several levels"),
        ([COLOURS[THREE]], "m.jpg", r"hold \d+ colours, more than there can be classes"),
        ([np.where(THREE[..., None] == 0, 255, COLOURS[THREE])], "m.png", "no black, so the background is unknown"),
        ([np.where(DISC, 2, 0).astype(np.uint8), np.where(DISC, 255, 1).astype(np.uint8)], "m.png", None),
        ([np.where(DISC, 3, 0).astype(np.uint8), (DISC * 255).astype(np.uint8)], "m.png", "can be read in two ways"),
    ],
    ids=["jpeg-labels", "jpeg-colours", "white-background", "label-and-void", "two-ways"],
)
def test_what_could_be_two_things_is_refused(read, masks, name, message):
    if message is None:
        assert read(*masks, name=name)[1].max() == VOID
        return
    with pytest.raises(DataError, match=message):
        read(*masks, name=name)


def test_antialiased_colours_name_the_colours_of_areas(read):
    blurred = np.asarray(Image.fromarray(COLOURS[THREE]).resize((97, 97), Image.Resampling.BILINEAR))
    with pytest.raises(DataError, match=r"areas have #000000, #\w{6}, #\w{6}"):
        read(blurred)
    nearest = read(blurred, mask_values={"palette": COLOURS.tolist(), "nearest": True})[0]
    distance = np.abs(blurred[..., None, :].astype(int) - COLOURS).sum(-1)
    assert np.array_equal(nearest, distance.argmin(-1))


def test_stated_rules(read):
    assert np.array_equal(read(THREE, mask_values="binary")[0], THREE > 0)
    assert np.array_equal(read(COLOURS[THREE], mask_values={"palette": ["#000000", "#00c800", "#ff0000"]})[0], THREE)
    assert np.array_equal(read(THREE * 50, mask_values={"palette": [0, 50, 100]})[0], THREE)
    assert np.array_equal(read(COLOURS[THREE], mask_values="colours")[0], THREE)
    with pytest.raises(DataError, match="holds grey 2 and its palette has grey 0, grey 1"):
        read(THREE, mask_values={"palette": [0, 1]})
    with pytest.raises(ConfigError, match="unknown mask_values 'label'; did you mean 'labels'"):
        read(THREE, mask_values="label")
    void = np.where(RING[..., None], 9, COLOURS[THREE])
    expected = np.where(RING, VOID, THREE)
    for value in ("#090909", [9, 9, 9], 0x090909):
        assert np.array_equal(read(void.astype(np.uint8), void=value)[0], expected)
    for wrong in (
        {"palette": 3},
        {"palette": ["red", "blue"]},
        {"kind": "soft", "level": "x"},
        {"kind": "labels", "plane": "x"},
    ):
        with pytest.raises(ConfigError):
            read(THREE, mask_values=wrong)
    with pytest.raises(ConfigError, match="'binary' has no void"):
        read(THREE, mask_values="binary", void=3)


def test_a_set_has_one_rule_for_files_that_alone_would_have_others(save):
    masks = [THREE, np.where(THREE == 2, 2, 0).astype(np.uint8)]
    samples = tuple(Sample(str(i), save(f"{i}.png", m), (save(f"{i}m.png", m),)) for i, m in enumerate(masks))
    assert np.array_equal(samples[1].read_mask(), masks[1] > 0)
    dataset = SegmentationSet("two", samples)
    assert "masks" not in dataset.stated
    for sample, mask in zip(dataset, masks, strict=True):
        assert np.array_equal(sample.read_mask(), mask)


def test_masks_that_disagree_are_refused(save):
    first, second = np.where(DISC, 1, 0).astype(np.uint8), np.where(rows < 24, 2, 0).astype(np.uint8)
    paths = (save("a.png", first), save("b.png", second), save("c.png", first))
    with pytest.raises(DataError, match=r"b\.png gives \d+ pixels the class 2 and another mask of .* the class 1"):
        Sample("a", paths[2], paths[:2], coding=read_as({"kind": "labels"}, [])).read_mask()


@pytest.mark.parametrize(("peak", "level"), [(0.8, 0.5), (1.0, 0.5), (100.0, 50.0), (254.5, 127.25)])
def test_floats_are_probabilities_or_shares_of_their_largest(tmp_path, peak, level):
    """A file that does not reach 1 is not cut lower than others."""
    path = tmp_path / "mask.tif"
    tifffile.imwrite(path, np.linspace(0, peak, 64, dtype=np.float32).reshape(8, 8))
    assert read_as("auto", [(path, None)]).level == pytest.approx(level)
