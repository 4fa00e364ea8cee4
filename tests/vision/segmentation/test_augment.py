import math
import pickle

import numpy as np
import pytest
import torch
from scipy import ndimage

from edgewise._ground.errors import ConfigError
from edgewise.cli._parse import call
from edgewise.vision import SegmentationRecipe
from edgewise.vision.data import VOID
from edgewise.vision.segmentation.augment import NOTHING, PRESETS, Augmentation, MaskedAugment

HEIGHT, WIDTH = 40, 56


def only(**settings):
    """These changes alone, and always."""
    return Augmentation(MaskedAugment(preset="none", probability=1.0, **settings), (HEIGHT, WIDTH))


def places():
    """An item whose picture says where each of its pixels is."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    labels = ((rows // 7 + columns // 5) % 3).astype(np.float32)[None]
    image = torch.from_numpy(np.stack([rows, columns]))
    return {"image": image, "mask": torch.from_numpy(labels), "inside": torch.ones(1, HEIGHT, WIDTH)}


def outside(found, slack):
    """How far beyond the picture each pixel comes from, less some slack."""
    edges = np.array([HEIGHT - 1, WIDTH - 1])[:, None, None]
    return (np.maximum(-found, found - edges) > slack).any(0)


@pytest.mark.parametrize("seed", range(6))
def test_a_turn_and_a_zoom_are_a_similarity_about_the_centre(seed):
    item = places()
    moved = only(rotate=25.0, scale=(0.8, 1.25))(item, (seed,))
    inside = moved["mask"][0].numpy() != VOID
    inside = ndimage.binary_erosion(inside, iterations=2)  # where no border is interpolated with
    found = moved["image"].numpy()[:, inside]
    offsets = np.argwhere(inside) - (np.array([HEIGHT, WIDTH]) - 1) / 2
    matrix, residuals, *_ = np.linalg.lstsq(offsets, found.T - (np.array([HEIGHT, WIDTH]) - 1) / 2, rcond=None)
    assert (residuals < 1e-4).all()
    zoom = 1 / math.sqrt(np.linalg.det(matrix))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(2) / zoom**2, atol=1e-5)
    assert 0.8 <= zoom <= 1.25
    assert abs(math.degrees(math.atan2(matrix[0, 1], matrix[0, 0]))) <= 25
    assert zoom != pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("settings", [{"rotate": 40.0}, {"scale": (0.5, 0.7)}, {"elastic": 0.06}])
@pytest.mark.parametrize("seed", range(3))
def test_masks_move_with_their_pictures_to_the_nearest_and_are_void_beyond_them(settings, seed):
    item = places()
    moved = only(**settings)(item, (seed,))
    found, labels = moved["image"].numpy(), moved["mask"][0].numpy()
    core = ndimage.binary_erosion(labels != VOID, iterations=2)
    whole = abs(found - found.round()).max(0) < 0.49  # not half way between two pixels
    expected = ndimage.map_coordinates(item["mask"][0].numpy(), found.round(), order=0)
    assert (labels == expected)[core & whole].all()
    assert core.any()
    assert (labels == VOID).any() or "elastic" in settings
    assert not found[:, labels == VOID].any()
    assert set(np.unique(labels)) <= {0, 1, 2, VOID}


def test_an_elastic_change_moves_points_by_its_strength_on_the_whole():
    spreads = []
    for seed in range(40):
        moved = only(elastic=0.05)(places(), (seed,))
        core = ndimage.binary_erosion(moved["mask"][0].numpy() != VOID, iterations=2)
        spreads.append(((moved["image"] - places()["image"]).numpy()[:, core] ** 2).mean())
    assert 0.5 < math.sqrt(np.mean(spreads)) / (0.05 * HEIGHT) < 1.1  # between lattice points less than on them


def noisy(seed=0):
    image = torch.from_numpy(np.random.default_rng(seed).normal(size=(3, HEIGHT, WIDTH)).astype(np.float32))
    return {**places(), "image": image}


def test_contrast_and_gamma_are_their_formulas():
    image = noisy()["image"].numpy().astype(float)
    low, high = image.min(), image.max()
    contrast = only(contrast=(0.5, 0.5))(noisy(), (0,))["image"].numpy()
    np.testing.assert_allclose(contrast, image.mean() + 0.5 * (image - image.mean()), atol=1e-5)
    gamma = only(gamma=(2.0, 2.0))(noisy(), (0,))["image"].numpy()
    np.testing.assert_allclose(gamma, low + ((image - low) / (high - low)) ** 2 * (high - low), atol=1e-4)


def test_noise_is_no_stronger_than_asked_and_differs_from_picture_to_picture():
    spreads = [(only(noise=0.5)(noisy(), (seed,))["image"] - noisy()["image"]).std().item() for seed in range(30)]
    assert 0 < min(spreads) < 0.2 < 0.3 < max(spreads) < 0.52


@pytest.mark.parametrize("seed", range(5))
def test_a_blur_keeps_the_sum_and_spreads_a_point_by_no_more_than_asked(seed):
    item = {**places(), "image": torch.zeros(1, HEIGHT, WIDTH)}
    item["image"][0, 20, 28] = 1.0
    found = only(blur=2.0)(item, (seed,))["image"][0].numpy().astype(float)
    offsets = np.arange(HEIGHT) - 20
    spread = (found.sum(1) * offsets**2).sum()
    assert found.sum() == pytest.approx(1, abs=1e-3)
    assert 0 < spread <= 2.0**2 + 1 / 12
    assert (offsets * found.sum(1)).sum() == pytest.approx(0, abs=1e-5)


def test_borders_stay_zero_and_void():
    item = noisy()
    item["inside"][:, :6] = 0
    item["image"][:, :6], item["mask"][:, :6] = 0, VOID
    for seed in range(10):
        moved = Augmentation(MaskedAugment(preset="strong", probability=1.0), (HEIGHT, WIDTH))(item, (seed,))
        void = moved["mask"][0] == VOID
        assert void.sum() > 50
        assert not moved["image"][:, void].any()
        assert moved["image"].isfinite().all()


def test_draws_follow_from_the_numbers_alone_and_the_item_stays():
    item, varied = noisy(), Augmentation(MaskedAugment(preset="strong"), (HEIGHT, WIDTH))
    first = [varied(item, (3, 1, index))["image"] for index in range(8)]
    second = [varied(item, (3, 1, index))["image"] for index in reversed(range(8))][::-1]
    assert all(map(torch.equal, first, second))
    assert len({image.numpy().tobytes() for image in first}) == 8
    assert torch.equal(item["image"], noisy()["image"])
    assert all(type(value) is torch.Tensor for value in varied(item, (0,)).values())


def test_it_can_be_sent_to_processes_that_read_pictures():
    varied = Augmentation(MaskedAugment(preset="strong", probability=1.0), (HEIGHT, WIDTH))
    sent = pickle.loads(pickle.dumps(varied))
    assert torch.equal(sent(noisy(), (5,))["image"], varied(noisy(), (5,))["image"])


@pytest.mark.parametrize(("symmetry", "count"), [("mirror", 2), ("flips", 4), ("turns", 8)])
def test_each_symmetry_asked_for_is_drawn_and_no_other(symmetry, count):
    square = {"image": torch.arange(9.0).view(1, 3, 3), "mask": torch.zeros(1, 3, 3), "inside": torch.ones(1, 3, 3)}
    varied = Augmentation(MaskedAugment(preset="none", symmetry=symmetry), (3, 3))
    found = {varied(square, (number,))["image"].numpy().tobytes() for number in range(150)}
    picture = square["image"][0].numpy()
    allowed = {
        "mirror": [picture, picture[:, ::-1]],
        "flips": [side[:, ::step] for side in (picture, picture[::-1]) for step in (1, -1)],
        "turns": [np.rot90(side, turns) for side in (picture, picture[::-1]) for turns in range(4)],
    }[symmetry]
    assert found == {np.ascontiguousarray(side).tobytes() for side in allowed}
    assert len(found) == count


def test_none_on_the_command_line_is_no_symmetry_and_for_numbers_the_presets(capsys):
    def command(*, recipe: SegmentationRecipe = SegmentationRecipe()):  # noqa: B008 (frozen)
        print(recipe.augment.strength("symmetry"), recipe.augment.strength("noise"))

    words = ["--recipe.augment.preset", "strong", "--recipe.augment.symmetry", "none", "--recipe.augment.noise", "none"]
    call(command, words, prog="command")
    call(command, [], prog="command")
    assert capsys.readouterr().out.splitlines() == ["none 0.2", "turns 0.0"]


def test_presets_say_all_settings_and_nothing_is_nothing():
    assert all(preset.keys() == NOTHING.keys() for preset in PRESETS.values())
    assert [bool(MaskedAugment(preset=preset)) for preset in PRESETS] == [False, True, True]
    assert MaskedAugment(preset="none", noise=0.1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preset": "wild"}, "augment.preset is 'wild' and must be one of none, flips, strong"),
        ({"probability": 1.5}, "augment.probability is 1.5 and must be from 0 to 1"),
        ({"scale": [1.2, 0.8]}, "augment.scale is (1.2, 0.8) and must be two rising numbers above 0"),
        ({"gamma": [0, 1]}, "augment.gamma is (0.0, 1.0) and must be two rising numbers above 0"),
        ({"elastic": 0.5}, "augment.elastic is 0.5 and must be from 0 to 0.1"),
        ({"noise": -1}, "augment.noise is -1.0 and must be 0 or above"),
        ({"contrast": 2}, "augment.contrast is 2 and must be tuple[float, float] | None"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ConfigError) as caught:
        SegmentationRecipe.from_dict({"augment": settings})
    assert message in str(caught.value)
