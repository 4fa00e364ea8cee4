from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import expit
from torch import nn
from torch.nn import functional as F

from edgewise._ground.errors import CheckpointError, DataError
from edgewise.vision import Predictor, compare_runs, evaluate, evaluate_masks, predict, train
from edgewise.vision.classification.predict import ClassPredictor
from edgewise.vision.data import Binary, Preprocess, Sample, SegmentationSet
from edgewise.vision.segmentation.inference.drawn import overlay
from edgewise.vision.training.folder import RunFolder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pictures of many kinds, and files that are none."""
    root = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    grey = draw.integers(0, 256, (20, 33), dtype=np.uint8)
    Image.fromarray(grey).save(root / "grey.png")
    Image.fromarray(draw.integers(0, 256, (41, 16, 3), dtype=np.uint8)).save(root / "colour.jpg")
    Image.fromarray(grey.astype(np.uint16) * 257).save(root / "deep.tif")
    Image.fromarray(draw.integers(0, 256, (9, 9, 4), dtype=np.uint8)).save(root / "alpha.png")
    (root / "broken.png").write_bytes((root / "grey.png").read_bytes()[:60])
    (root / "text.png").write_text("not a picture")
    return root


@pytest.fixture
def run(recipe, tmp_path):
    train(replace(recipe, epochs=1), tmp_path / "run", progress=False)
    return tmp_path / "run"


def bright(image):
    """A network: what is brighter than the middle."""
    return (torch.from_numpy(image).mean(0) > 0.5).long()


def test_masks_have_the_size_of_their_pictures_and_bad_pictures_are_told(run, pictures, tmp_path):
    names = ["grey.png", "broken.png", "colour.jpg", "text.png", "none.png", "deep.tif", "alpha.png"]
    done = predict(run, [pictures / name for name in names], tmp_path / "out" / "deep")
    assert [path.name for path in done.masks] == [f"{n}_mask.png" for n in ("grey", "colour", "deep", "alpha")]
    assert [path.name for path in done.failures] == ["broken.png", "text.png", "none.png"]
    for path, reason in done.failures.items():
        assert str(path) in reason
        assert "\n" not in reason
    for path, size in zip(done.masks, [(33, 20), (16, 41), (33, 20), (9, 9)], strict=True):
        with Image.open(path) as mask, Image.open(path.with_name(path.name.replace("mask", "overlay"))) as drawn:
            assert mask.size == drawn.size == size
            assert set(np.unique(np.asarray(mask))) <= {0, 255}
            assert drawn.mode == "RGB"


def test_a_second_picture_of_one_name_is_told(run, pictures, tmp_path):
    (tmp_path / "grey.png").write_bytes((pictures / "grey.png").read_bytes())
    done = predict(run, [pictures / "grey.png", tmp_path / "grey.png"], tmp_path / "out")
    assert "rename it" in done.failures[tmp_path / "grey.png"]


def test_a_run_of_segmentation_names_no_classes(run):
    with pytest.raises(CheckpointError, match="unknown task 'segmentation'"):
        ClassPredictor.from_run(run)


def test_the_mask_is_the_networks(run, pictures):
    predictor = Predictor.from_run(run)
    image = Sample("grey", pictures / "grey.png").read_image()
    logits = predictor.network(Preprocess((16, 16), 1).image(image)[None])[..., 3:13, :]  # 20 x 33 becomes 10 x 16
    expected = F.interpolate(logits, (20, 33), mode="bilinear")[0, 0] > 0
    assert torch.equal(predictor(image).bool(), expected)


def test_probabilities_are_those_of_the_networks_logits(run, pictures):
    predictor = Predictor.from_run(run)
    image = Sample("colour", pictures / "colour.jpg").read_image()
    logits = predictor.network(Preprocess((16, 16), 1).image(image)[None]).detach().double()[..., 5:11]  # 16 x 6
    found = predictor.probabilities(image)
    assert found.shape == (1, 41, 16)
    expected = expit(F.interpolate(logits, (41, 16), mode="bilinear")[0].numpy())
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_network_that_answers_with_nan_is_told_and_the_others_are_done(run, pictures, tmp_path, monkeypatch):
    answer = Preprocess.image
    wide = torch.full((1, 16, 16), torch.nan)
    monkeypatch.setattr(Preprocess, "image", lambda self, x: wide if x.shape[2] == 16 else answer(self, x))
    done = predict(run, [pictures / "colour.jpg", pictures / "grey.png"], tmp_path / "out")
    assert [path.name for path in done.masks] == ["grey_mask.png"]
    assert "a NaN" in done.failures[pictures / "colour.jpg"]
    assert "colour.jpg" in done.failures[pictures / "colour.jpg"]


def test_deep_pictures_are_scaled_by_the_window_of_training_and_others_are_not(run, pictures, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(Predictor, "probabilities", lambda self, image: seen.append(image) or torch.zeros(1, 20, 33))
    folder = RunFolder(run)
    folder.write_config(folder.read_recipe(), {"window": (0.0, 25700.0)})
    predict(run, [pictures / "deep.tif", pictures / "grey.png"], tmp_path / "out")
    with Image.open(pictures / "grey.png") as picture:
        grey = np.asarray(picture) / 255
    np.testing.assert_allclose(seen[0][0], (grey * 65535 / 25700).clip(0, 1), atol=1e-6)
    np.testing.assert_allclose(seen[1][0], grey, atol=1e-6)


def test_a_folder_without_a_run_is_refused(tmp_path, pictures):
    with pytest.raises(CheckpointError, match=r"config.json does not exist: give a folder made by `edgewise train`"):
        predict(tmp_path, [pictures / "grey.png"], tmp_path / "out")


def test_the_outline_is_drawn_inside_the_mask():
    labels = np.zeros((7, 8), int)
    labels[2:5, 3:8] = 1
    drawn = (overlay(np.zeros((1, 7, 8)), labels, [(247, 107, 21)]) == (247, 107, 21)).all(-1)
    expected = labels.astype(bool).copy()
    expected[3, 4:8] = False
    np.testing.assert_array_equal(drawn, expected)


def test_evaluation_counts_at_the_pictures_own_size(discs):
    samples = []
    for index in range(4):
        name = f"{index:02d}.png"
        samples.append(Sample(name, discs / "images" / name, (discs / "masks" / name,)))
    dataset = SegmentationSet("discs", tuple(samples))
    found = evaluate_masks(bright, dataset)
    hit = union = 0
    for sample, case in zip(dataset, found.cases, strict=True):
        image, mask = sample.read()
        one, other = bright(image).numpy() > 0, mask > 0
        hit, union = hit + (one & other).sum(), union + (one | other).sum()
        assert (case.id, case.iou) == (sample.id, pytest.approx((one & other).sum() / (one | other).sum()))
    assert found.scores["iou"] == pytest.approx(hit / union)
    assert found.scores["image_iou"] == pytest.approx(np.mean([case.iou for case in found.cases]))
    assert found.scores["hd95"] == pytest.approx(np.mean([case.hd95 for case in found.cases]))


def test_a_run_is_scored_on_its_own_test_images(recipe, run):
    from edgewise.vision.segmentation.images import open_split

    split = open_split(recipe.data)
    found = evaluate(run)
    assert [case.id for case in found.cases] == list(split.test.ids)
    assert found == evaluate_masks(Predictor.from_run(run), split.test)


def test_broken_truth_is_named(tmp_path, pictures):
    dataset = SegmentationSet("x", (Sample("a", pictures / "grey.png", (pictures / "broken.png",), coding=Binary()),))
    with pytest.raises(DataError, match=r"broken\.png"):
        evaluate_masks(bright, dataset)


def test_a_network_of_doubles_predicts():
    class Passing(nn.Conv2d):
        def __init__(self):
            super().__init__(1, 1, 1, dtype=torch.float64)

    labels = Predictor(Passing(), Preprocess((8, 8), 1))(np.zeros((1, 12, 9), np.float32))
    assert labels.shape == (12, 9)


@pytest.mark.parametrize("shape", [(40, 57), (11, 40), (9, 12)])
def test_what_was_learned_in_tiles_is_seen_at_the_pictures_own_size(shape):
    pointwise = nn.Conv2d(1, 2, 1)
    image = np.random.default_rng(0).random((1, *shape), dtype=np.float32)
    expected = pointwise(torch.from_numpy((image - 0.5) / 0.25)[None]).argmax(1)[0]
    found = Predictor(pointwise, Preprocess((16, 16), 1, fit="tiles"))(image)
    assert (found == expected).float().mean() > 0.999  # of pixels where both logits are next to equal, some may differ


def test_a_run_in_tiles_trains_and_scores(recipe, tmp_path):
    data = replace(recipe.data, size=(8, 8), fit="tiles")
    train(replace(recipe, data=data, epochs=1), tmp_path / "run", progress=False)
    assert RunFolder(tmp_path / "run").read_recipe().data.fit == "tiles"
    assert 0 <= evaluate(tmp_path / "run").scores["iou"] <= 1


def test_runs_are_compared_on_the_same_images_alone(run, recipe, tmp_path):
    worse = tmp_path / "worse"
    train(replace(recipe, epochs=1, seed=5), worse, progress=False)
    found = compare_runs(run, worse)
    one, other = evaluate(run), evaluate(worse)
    for name, difference in found.differences.items():
        assert difference.value == pytest.approx(one.scores[name] - other.scores[name])
        assert difference.low <= difference.value <= difference.high
    assert found.rows()[0][:2] == ("IoU", f"{one.scores['iou']:.4f}")
    train(replace(recipe, epochs=1, data=replace(recipe.data, split_seed=7)), tmp_path / "elsewhere", progress=False)
    with pytest.raises(DataError, match="not scored on the same images"):
        compare_runs(run, tmp_path / "elsewhere")
