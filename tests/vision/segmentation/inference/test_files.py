import resource
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from scipy import ndimage

from edgewise._ground.errors import CheckpointError, ConfigError, DataError
from edgewise.vision import Decision, Inference, Predictor, predict, train
from edgewise.vision.data import Legend, Sample
from edgewise.vision.segmentation.inference.drawn import palette
from edgewise.vision.segmentation.inference.files import write_predictions
from edgewise.vision.segmentation.inference.opened import Opened
from edgewise.vision.segmentation.inference.predicting import MaskPredictor


class Greys(MaskPredictor):
    """The grey level says how likely the foreground is, or of three classes the second and, where it is dark, the third."""

    def __init__(self, classes=1, decision=None):
        super().__init__(decision)
        self.classes = classes

    def probabilities(self, image):
        level = torch.from_numpy(image[:1])
        return level if self.classes == 1 else torch.cat([0.5 - (level - 0.5).abs(), level, 1 - level]) / 1.5


@pytest.fixture
def picture(tmp_path):
    draw = np.random.default_rng(0)
    levels = draw.integers(0, 256, (23, 31)).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "grey.png")
    return tmp_path / "grey.png", levels / 255


def opened(predictor, foreground=1):
    return Opened(predictor, {}, foreground + 1)


def test_one_foreground(picture, tmp_path):
    path, levels = picture
    done = write_predictions(opened(Greys()), [path], tmp_path / "out", probabilities=True)
    assert done.masks == [tmp_path / "out" / "grey_mask.png"]
    with Image.open(done.masks[0]) as mask:
        assert mask.mode == "L"
        np.testing.assert_array_equal(mask, 255 * (levels > 0.5))
    with Image.open(tmp_path / "out" / "grey_probability.png") as chances:
        assert chances.mode == "I;16"
        np.testing.assert_array_equal(chances, np.rint(levels * 65535))


def test_classes_are_numbers_in_their_colours(picture, tmp_path):
    path, levels = picture
    write_predictions(opened(Greys(3), 2), [path], tmp_path, probabilities=True)
    expected = np.where(levels > 0.5, 1, 2)
    colours = np.array([(0, 0, 0), *palette(Legend.of(3).colours)])
    with Image.open(tmp_path / "grey_mask.png") as mask:
        np.testing.assert_array_equal(mask, expected)
        np.testing.assert_array_equal(mask.convert("RGB"), colours[expected])
    read = Sample("grey", path, (tmp_path / "grey_mask.png",)).read_mask()
    np.testing.assert_array_equal(read, expected)
    for number, chances in ((1, levels), (2, 1 - levels)):
        found = np.asarray(Image.open(tmp_path / f"grey_probability_{number}.png"))
        np.testing.assert_allclose(found / 65535, chances / 1.5, atol=1e-5)
    drawn = np.asarray(Image.open(tmp_path / "grey_overlay.png"))
    for number in (1, 2):
        inside = ndimage.binary_erosion(expected == number, border_value=1)
        outline = (expected == number) & ~inside
        np.testing.assert_array_equal((drawn == colours[number]).all(-1), outline)


def test_components_are_removed_as_asked(picture, tmp_path):
    path, levels = picture
    done = write_predictions(opened(Greys(decision=Decision(largest_component=True))), [path], tmp_path / "out")
    components, count = ndimage.label(levels > 0.5, np.ones((3, 3)))
    largest = 1 + np.argmax(ndimage.sum_labels(levels > 0.5, components, range(1, count + 1)))
    assert count > 1
    np.testing.assert_array_equal(np.asarray(Image.open(done.masks[0])), 255 * (components == largest))


def test_a_decision_for_other_classes_is_refused_before_a_picture_is_read(picture, tmp_path):
    with pytest.raises(ConfigError, match="there are 1 foreground classes"):
        write_predictions(opened(Greys(decision=Decision(smallest=(3, 4)))), [picture[0]], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_decides_as_its_recipe_says_and_otherwise_where_asked(recipe, picture, tmp_path):
    train(replace(recipe, epochs=1, decision=Decision(threshold=(0.7,))), tmp_path / "run", progress=False)
    image = Sample("grey", picture[0]).read_image()
    predictor = Predictor.from_run(tmp_path / "run")
    chances = predictor.probabilities(image)[0]
    middle = float(chances.median())
    assert torch.equal(predictor(image).bool(), chances > 0.7)
    inference = Inference(decision=Decision(threshold=(middle,)))
    done = predict(tmp_path / "run", [picture[0]], tmp_path / "out", inference=inference)
    mask = np.asarray(Image.open(done.masks[0]))
    np.testing.assert_array_equal(mask > 0, chances > middle)
    assert 0.3 < (mask > 0).mean() < 0.7


def test_long_work_says_how_far_it_is(picture, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("edgewise._ground.progress._Lines.every", 0.0)
    Image.open(picture[0]).save(tmp_path / "more.png")
    write_predictions(opened(Greys()), [picture[0], tmp_path / "more.png", tmp_path / "none.png"], tmp_path / "out")
    output = capsys.readouterr()
    assert (output.out, output.err.splitlines()) == ("", [f"masks  {part}%" for part in (33, 67, 100)])


def test_results_of_pictures_in_subfolders_lie_in_subfolders(tmp_path):
    for number, name in enumerate(("a.png", "one/a.png", "one/a.tif")):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(np.full((3, 4 + number), 200, np.uint8)).save(tmp_path / "in" / name)
    (tmp_path / "in" / "one" / "b.png").write_bytes(b"no picture")
    done = write_predictions(opened(Greys()), [tmp_path / "in"], tmp_path / "out")
    assert list(done.failures) == [tmp_path / "in" / "one" / "b.png"]
    expected = {"a": 4, "one/a.png": 5, "one/a.tif": 6}
    assert done.masks == [tmp_path / "out" / f"{name}_mask.png" for name in expected]
    for name, width in expected.items():
        assert np.asarray(Image.open(tmp_path / "out" / f"{name}_mask.png")).shape == (3, width)
    again = write_predictions(opened(Greys()), [tmp_path / "in"], tmp_path / "in")
    assert again.summary() == write_predictions(opened(Greys()), [tmp_path / "in"], tmp_path / "in").summary()


MODES = {  # as Pillow writes it
    "alpha.png": lambda rgb: Image.fromarray(np.dstack([rgb, np.full(rgb.shape[:2], 9, np.uint8)])),
    "palette.png": lambda rgb: Image.fromarray(rgb // 64 * 64).quantize(64),
    "palette.gif": lambda rgb: Image.fromarray(rgb // 64 * 64).quantize(64),
    "cmyk.tif": lambda rgb: Image.fromarray(rgb).convert("CMYK"),
    "bits.png": lambda rgb: Image.fromarray(rgb).convert("1"),
    "deep.png": lambda rgb: Image.fromarray(rgb[..., 0].astype(np.uint16) * 257),
    "veiled.png": lambda rgb: Image.fromarray(rgb[..., :2]),
}


@pytest.mark.parametrize("name", MODES)
def test_pictures_in_other_modes_are_seen_as_viewers_show_them(name, tmp_path):
    rgb = np.random.default_rng(1).integers(0, 256, (13, 10, 3)).astype(np.uint8)
    MODES[name](rgb).save(tmp_path / name)
    with Image.open(tmp_path / name) as stored:
        if stored.mode == "I;16":
            shown = np.dstack([np.asarray(stored) / 65535] * 3)
        else:
            shown = np.asarray(stored.convert("RGBA").convert("RGB")) / 255
    seen = opened(Greys()).read(tmp_path / name)
    np.testing.assert_allclose(np.broadcast_to(seen, (3, 13, 10)), shown.transpose(2, 0, 1), atol=1e-6)


def test_a_picture_is_turned_as_its_exif_says(tmp_path):
    levels = np.kron(np.random.default_rng(1).integers(0, 2, (3, 5)) * 255, np.ones((8, 8))).astype(np.uint8)
    exif = Image.Exif()
    exif[274] = 6  # to be turned by a quarter, clockwise
    Image.fromarray(levels).save(tmp_path / "a.jpg", quality=100, exif=exif)
    done = write_predictions(opened(Greys()), [tmp_path / "a.jpg"], tmp_path / "out")
    np.testing.assert_array_equal(np.asarray(Image.open(done.masks[0])), np.rot90(levels, -1))


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.full((4, 5), 4000, np.uint16), "have no scale of their own"),
        (np.full((4, 5), np.nan, np.float32), "holds float32 values"),
        (np.zeros((2, 3, 4), np.uint8), "holds 2 pages"),
    ],
)
def test_what_cannot_be_read_right_is_refused(pixels, reason, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack")
    done = write_predictions(opened(Greys()), [tmp_path / "a.tif"], tmp_path / "out")
    assert not done.masks
    assert str(tmp_path / "a.tif") in done.failures[tmp_path / "a.tif"]
    assert reason in done.failures[tmp_path / "a.tif"]


def test_a_nan_within_a_window_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[1, np.nan], [2, 3]], np.float32))
    with pytest.raises(DataError, match=r"a\.tif has values that are NaN"):
        replace(opened(Greys()), facts={"window": (0.0, 4.0)}).read(tmp_path / "a.tif")


def test_a_full_disk_ends_it_and_says_how_far_it_came(tmp_path):
    for name, side in (("a", 4), ("b", 400)):
        levels = np.random.default_rng(0).integers(0, 256, (side, side)).astype(np.uint8)
        Image.fromarray(levels).save(tmp_path / f"{name}.png")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))  # no file may be larger: as on a disk that is full
    try:
        with pytest.raises(CheckpointError, match=r"cannot write .*b_mask\.png .*; 1 of 1 masks written before"):
            write_predictions(opened(Greys()), [tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_mask.png", "a_overlay.png"]


def test_colours_of_all_classes_differ():
    assert all(len(set(palette(Legend.of(count).colours))) == count - 1 for count in (2, 3, 8, 31))
