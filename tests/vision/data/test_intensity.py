"""Intensities of a set and of each picture. Right values are those of numpy on the numbers written, or closed forms."""

import numpy as np
import pytest
import tifffile

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision.data import Sample, SegmentationSet
from edgewise.vision.data.intensity import Deviations, Intensity, Percentiles, scale_from, with_intensity
from edgewise.vision.data.reading import Levels, facts_of, read_by


@pytest.fixture
def write(save, tmp_path):
    def run(pictures):
        samples = []
        for number, pixels in enumerate(pictures):
            path = tmp_path / f"{number}.tif"
            tifffile.imwrite(path, pixels, photometric="minisblack")
            samples.append(Sample(str(number), path, (save(f"m{number}.png", np.eye(*pixels.shape, dtype=bool)),)))
        return SegmentationSet("toy", tuple(samples), channels=1, stated=frozenset())

    return run


def draws(dtype=np.int16, count=3, shape=(20, 30)):
    return [np.random.default_rng(n).normal(100 * n, 200, shape).round().astype(dtype) for n in range(count)]


def scaled(pixels, low, high):
    return ((pixels.astype(float) - low) / (high - low)).clip(0, 1)


def check(samples, pictures, ends):
    for sample, pixels, (low, high) in zip(samples, pictures, ends, strict=True):
        np.testing.assert_allclose(sample.read_image()[0], scaled(pixels, low, high), atol=1e-5)


def test_percentiles_of_the_set_and_of_each_picture(write):
    pictures = draws()
    samples = write(pictures).samples
    ends = np.percentile(np.stack(pictures), [0.5, 99.5])
    check(with_intensity(samples, Intensity(scale="percentiles")), pictures, [ends] * 3)
    own = [np.percentile(picture, [2, 90]) for picture in pictures]
    check(with_intensity(samples, Intensity(scale="percentiles", low=2, high=90, over="picture")), pictures, own)


def test_z_scores_of_the_set_and_of_each_picture(write):
    pictures = draws(np.float32)
    samples = write(pictures).samples
    of_set = np.stack(pictures).astype(float)
    for over, parts in (("set", [of_set] * 3), ("picture", [picture.astype(float) for picture in pictures])):
        found = with_intensity(samples, Intensity(scale="zscore", over=over))
        for sample, picture, part in zip(found, pictures, parts, strict=True):
            score = (picture - part.mean()) / part.std()
            np.testing.assert_allclose(sample.read_image()[0], (0.5 + score / 8).clip(0, 1), atol=1e-5)


def test_large_pictures_give_percentiles_by_a_part_of_them(write):
    pictures = [np.random.default_rng(0).integers(0, 1000, (200, 300)).astype(np.uint16)]
    (sample,) = with_intensity(write(pictures).samples, Intensity(scale="percentiles", low=10, high=90))
    assert sample.window == pytest.approx((100, 900), abs=15)


@pytest.mark.parametrize(("name", "low", "high"), [("lung", -1350, 150), ("soft tissue", -150, 250), ("bone", -500, 1300)])
def test_windows_in_hounsfield_units(write, name, low, high):
    pictures = [(picture * 5).astype(np.int16) for picture in draws()]
    check(with_intensity(write(pictures).samples, Intensity(scale=name)), pictures, [(low, high)] * 3)


def test_eight_bits_have_percentiles_and_windows_but_no_hounsfield_units(write):
    pictures = [picture.clip(0, 255).astype(np.uint8) for picture in draws()]
    samples = write(pictures).samples
    check(with_intensity(samples, Intensity(scale="window", low=10, high=90)), pictures, [(10, 90)] * 3)
    with pytest.raises(DataError, match=r"0\.tif has 8 bits and no Hounsfield units"):
        with_intensity(samples, Intensity(scale="lung"))
    assert with_intensity(samples, Intensity()) == samples


def test_depths_that_differ_have_no_scale_in_common(write):
    pictures = [draws()[0], draws()[1].astype(np.uint8)]
    samples = write(pictures).samples
    with pytest.raises(DataError, match=r"0\.tif has more than 8 bits and .*1\.tif has 8, .*over='picture'"):
        with_intensity(samples, Intensity(scale="zscore"))
    with_intensity(samples, Intensity(scale="zscore", over="picture"))[1].read_image()


def test_a_picture_of_one_grey_is_black(write):
    for intensity in (Intensity(scale="percentiles"), Intensity(scale="zscore", over="picture")):
        (sample,) = with_intensity(write([np.full((5, 6), 700, np.uint16)]).samples, intensity)
        assert (sample.read_image() == 0).all()


@pytest.mark.parametrize(
    "intensity",
    [Intensity(scale="percentiles", over="picture"), Intensity(scale="zscore"), Intensity(scale="window", low=0, high=99)],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_run_reads_other_pictures_as_it_noted(write, intensity, dtype, tmp_path):
    pictures = [picture.clip(0, 255).astype(dtype) for picture in draws()]
    dataset = write(pictures)
    known = SegmentationSet("toy", with_intensity(dataset.samples, intensity), channels=1)
    facts = facts_of(known)
    for sample, again in zip(known, read_by(dataset, facts), strict=True):
        np.testing.assert_array_equal(sample.read_image(), again.read_image())
        np.testing.assert_array_equal(sample.read_image(), Levels.noted(facts).sample(sample.image).read_image())


def test_rules_go_to_json_and_back():
    for rule in (Percentiles(1, 98), Deviations(3)):
        assert scale_from(rule.to_dict()) == rule
    assert scale_from(None) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": "window"}, "give both ends"),
        ({"scale": "percentiles", "low": 1}, "give both ends"),
        ({"low": 1, "high": 2}, "intensity.scale 'range' has no ends"),
        ({"scale": "window", "low": 3, "high": 3}, "the first must be the smaller one"),
        ({"scale": "percentiles", "low": -1, "high": 99}, "the first must be the smaller one"),
        ({"scale": "lung", "over": "picture"}, "is the same for all"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Intensity(**settings)
