"""Several classes from the files to the report: what is learnt, scored and refused."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import jaccard_score

from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning
from edgewise.vision import Intensity, deploy, evaluate, evaluate_masks, predict, train, write_report
from edgewise.vision.data import VOID, Labels, Sample, SegmentationSet, create_dataset
from edgewise.vision.segmentation.images import MaskedImages, open_split
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.training.folder import RunFolder

COLOURS = np.array([[0, 0, 0], [0, 200, 0], [255, 0, 0]], np.uint8)


def draw(seed):
    """A picture of noise with a bright square and a dark one, their classes, and a frame of void."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((16, 16), np.uint8)
    (top, left), (low, right) = rng.integers(1, 4, 2), rng.integers(9, 11, 2)
    labels[top : top + 5, left : left + 5], labels[low : low + 5, right : right + 5] = 1, 2
    picture = np.array([128, 220, 30])[labels] + rng.normal(0, 8, labels.shape)
    return picture.clip(0, 255).astype(np.uint8), labels


@pytest.fixture
def write(tmp_path):
    def run(coded=lambda labels: labels, count=20):
        root = tmp_path / "set"
        for part in ("images", "masks"):
            (root / part).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            picture, labels = draw(index)
            Image.fromarray(picture).save(root / "images" / f"{index:02d}.png")
            Image.fromarray(coded(labels)).save(root / "masks" / f"{index:02d}.png")
        return root

    return run


def recipe_of(recipe, root, classes=3, **options):
    return replace(recipe, data=replace(recipe.data, root=str(root), classes=classes, options=options), epochs=2)


@pytest.mark.parametrize(
    "coded",
    [lambda x: x, lambda x: np.array([0, 128, 255], np.uint8)[x], lambda x: COLOURS[x]],
    ids=["labels", "greys", "colours"],
)
def test_the_truth_of_three_classes_is_three_classes(recipe, write, coded):
    images = MaskedImages(recipe_of(recipe, write(coded)))
    for index, sample in enumerate(images.validation.data):
        expected = draw(int(sample.id))[1]
        assert np.array_equal(images.validation[index]["mask"][0], expected)
    assert json.loads(json.dumps(images.facts)) == images.facts | {"masks": json.loads(json.dumps(images.facts["masks"]))}


def test_a_run_of_three_classes_is_scored_class_by_class(recipe, write, tmp_path):
    recipe = recipe_of(recipe, write())
    train(recipe, tmp_path / "run", progress=False)
    evaluation = evaluate(tmp_path / "run")
    predictor = Predictor.from_run(tmp_path / "run")
    test = open_split(recipe.data).test
    truth = np.stack([draw(int(sample.id))[1] for sample in test])
    found = np.stack([predictor(sample.read_image()).numpy() for sample in test])
    expected = jaccard_score(truth.ravel(), found.ravel(), labels=[1, 2], average=None)
    assert [one.iou for one in evaluation.classes] == pytest.approx(expected)
    assert evaluation.scores["iou"] == pytest.approx(expected.mean())
    assert [one.pixels for one in evaluation.classes] == [(truth == label).sum() for label in (1, 2)]
    assert "class 2: IoU" in evaluation.summary()
    assert RunFolder(tmp_path / "run").read_facts()["masks"] == {"kind": "labels", "plane": "grey"}
    report = write_report([tmp_path / "run"], tmp_path / "report.html")
    assert [method.title for method in report.methods] == ["tiny"]
    text = report.html.read_text()
    assert "Scores of each class" in text
    assert "grey threshold" not in text


@pytest.mark.parametrize(
    ("classes", "message"),
    [(1, "hold class 2 .* set data.classes to 3"), (2, "hold class 2"), (4, "no mask of 'folder' holds class 3")],
)
def test_classes_that_do_not_fit_end_before_training(recipe, write, tmp_path, classes, message):
    with pytest.raises(DataError, match=message):
        train(recipe_of(recipe, write(), classes), tmp_path / "run", progress=False)
    assert not (tmp_path / "run" / "config.json").exists()


def test_merged_on_purpose_they_train_as_one_foreground(recipe, write, tmp_path):
    merged = train(recipe_of(recipe, write(), 1, mask_values="binary"), tmp_path / "one", progress=False)
    plain = train(recipe_of(recipe, write(lambda x: (x > 0) * np.uint8(255)), 1), tmp_path / "two", progress=False)
    assert merged.best == plain.best


def test_void_is_learnt_and_scored_nowhere(recipe, write, tmp_path):
    def framed(labels):
        framed = labels.copy()
        framed[:, -1] = 255
        return framed

    run = recipe_of(recipe, write(framed))
    train(run, tmp_path / "run", progress=False)
    assert RunFolder(tmp_path / "run").read_facts()["masks"]["void"] == 255
    test = open_split(run.data).test
    perfect = iter([torch.from_numpy(draw(int(sample.id))[1]).long() for sample in test])
    assert evaluate_masks(lambda image: next(perfect), test, 3).scores["iou"] == 1


def test_masks_that_hold_few_of_the_classes_are_read_as_in_training(recipe, write, tmp_path):
    train(recipe_of(recipe, write()), tmp_path / "run", progress=False)
    few = write(lambda labels: np.where(labels == 2, 2, 0).astype(np.uint8))
    with pytest.warns(EdgewiseWarning, match="are on the training or validation side of the run"):  # with other masks
        evaluation = evaluate(tmp_path / "run", create_dataset("folder", few))
    assert [one.pixels > 0 for one in evaluation.classes] == [False, True]
    assert evaluation.scores["iou"] == evaluation.classes[1].iou
    assert "class 1: in no scored image, so left out of the means" in evaluation.summary()


def test_labels_that_a_run_does_not_know_are_refused(tmp_path):
    Image.fromarray(np.full((4, 4), 3, np.uint8)).save(tmp_path / "m.png")
    sample = Sample("a", tmp_path / "m.png", (tmp_path / "m.png",), coding=Labels())
    with pytest.raises(DataError, match="the mask of 'a' holds class 3 and the run knows 3"):
        evaluate_masks(lambda image: torch.zeros(4, 4), SegmentationSet("x", (sample,)), 3)


def test_an_image_of_one_class_is_scored_by_it_alone(tmp_path):
    labels = np.zeros((6, 6), np.uint8)
    labels[:3], labels[4] = 1, VOID
    Image.fromarray(labels).save(tmp_path / "m.png")
    sample = Sample("a", tmp_path / "m.png", (tmp_path / "m.png",), coding=Labels(void=VOID))
    evaluation = evaluate_masks(lambda image: torch.zeros(6, 6).long(), SegmentationSet("x", (sample,)), 3)
    assert (evaluation.cases[0].iou, evaluation.scores["image_iou"]) == (0, 0)
    assert evaluation.scores["hd95"] == pytest.approx(np.hypot(6, 6))


def test_deep_pictures_of_another_folder_are_scaled_as_in_training(recipe, write, tmp_path, monkeypatch):
    root = write(lambda labels: (labels > 0).astype(np.uint8))
    for index in range(20):
        Image.fromarray(draw(index)[0].astype(np.uint16) * 16).save(root / "images" / f"{index:02d}.png")
    with pytest.warns(EdgewiseWarning, match=r"00\.png has more than 8 bits and no window, so the .* \d+, become 0 and 1"):
        train(recipe_of(recipe, root, 1), tmp_path / "run", progress=False)
    window = RunFolder(tmp_path / "run").read_facts()["window"]
    assert window[0] >= 0
    assert window[1] <= 255 * 16
    Image.fromarray(np.full((16, 16), 160, np.uint16)).save(root / "images" / "00.png")
    few = create_dataset("folder", root).subset(["00"])
    seen = []
    monkeypatch.setattr(Predictor, "probabilities", lambda self, image: seen.append(image) or torch.zeros(3, 16, 16))
    evaluate(tmp_path / "run", few)
    assert seen[0][0, 0, 0] == pytest.approx(max(0, (160 - window[0]) / (window[1] - window[0])), abs=1e-6)
    other = replace(few, stated=frozenset({"window"}), samples=(replace(few[0], window=(0, 320)),))
    evaluate(tmp_path / "run", other)
    assert seen[1][0, 0, 0] == pytest.approx(0.5)


def test_deep_pictures_are_scored_only_if_the_run_can_predict_them(recipe, write, tmp_path):
    """A run of 8 bits knows no range of 12: what the set itself suggests is not what a prediction would see."""
    root = write(lambda labels: (labels > 0).astype(np.uint8))
    train(recipe_of(recipe, root, 1), tmp_path / "run", progress=False)
    for index in range(20):
        Image.fromarray(draw(index)[0].astype(np.uint16) * 16).save(root / "images" / f"{index:02d}.png")
    [reason, *_] = predict(tmp_path / "run", [root / "images"], tmp_path / "out").failures.values()
    assert "have no scale of their own" in reason
    with pytest.raises(DataError, match="have no scale of their own"):
        evaluate(tmp_path / "run", create_dataset("folder", root))
    evaluate(tmp_path / "run", create_dataset("folder", root, window=[0, 255 * 16]))


def test_options_without_effect_are_refused(recipe, write):
    root = write(lambda labels: (labels > 0).astype(np.uint8))
    with pytest.raises(ConfigError, match=r"gives channels=3 and data.channels is 1, .* set data.channels"):
        MaskedImages(recipe_of(recipe, root, 1, channels=3))
    recipe = recipe_of(recipe, root, 1, window=[0, 300])
    with pytest.raises(ConfigError, match=r"gives window=\[0, 300\] and data.intensity.scale is 'zscore', which would"):
        MaskedImages(replace(recipe, data=replace(recipe.data, intensity=Intensity(scale="zscore"))))


def test_classes_under_other_numbers_are_neither_scored_nor_learnt(recipe, write, tmp_path):
    root, names = write(), ["background", "bright", "dark"]
    state = (root / "dataset.json").write_text
    state(json.dumps({"labels": {name: number for number, name in enumerate(names)}}))
    train(recipe_of(recipe, root), tmp_path / "run", progress=False)
    state(json.dumps({"labels": {"background": 0, "dark": 1, "bright": 2}}))
    with pytest.raises(DataError, match=r"'dark' as class 1 and the run as class 2: .* 0 background, 1 bright, 2 dark"):
        evaluate(tmp_path / "run", create_dataset("folder", root))
    with pytest.raises(DataError, match=r"read otherwise than when the run in .* was started, by other legend"):
        train(replace(recipe_of(recipe, root), epochs=3), tmp_path / "run", resume=True, progress=False)


def test_a_report_counts_the_test_images_whose_group_was_trained_on(recipe, write, tmp_path):
    root = write(lambda labels: (labels > 0).astype(np.uint8))
    run = recipe_of(recipe, root, 1, groups="(.).", split_by="published")
    train(run, tmp_path / "run", progress=False)
    found, count = open_split(run.data).leaks()["test"]
    text = write_report([tmp_path / "run"], tmp_path / "report.html").html.read_text()
    assert found == count == 4
    assert "4 of 4 test images" in text


def test_names_of_classes_reach_scores_report_and_export(recipe, write, tmp_path):
    root = write()
    (root / "dataset.json").write_text(json.dumps({"labels": {"rest": 0, "bright": 1, "dark": 2}}))
    run = recipe_of(recipe, root)
    train(run, tmp_path / "run", progress=False)
    assert RunFolder(tmp_path / "run").read_facts()["legend"]["names"] == ["rest", "bright", "dark"]
    assert re.search(r"^bright: IoU .*^dark: IoU", evaluate(tmp_path / "run").summary(), re.S | re.M)
    (root / "dataset.json").unlink()  # the run has noted them
    other = evaluate(tmp_path / "run", create_dataset("folder", root).subset(open_split(run.data).test.ids))
    assert [one.name for one in other.classes] == ["bright", "dark"]
    text = write_report([tmp_path / "run"], tmp_path / "report.html").html.read_text()
    assert '<th scope="row">dark</th>' in text
    made = deploy(tmp_path / "run").metadata["output"]
    assert made["classes"] == ["rest", "bright", "dark"]
    assert len(set(made["colours"])) == 3


def test_names_given_by_a_recipe_go_first(recipe, write):
    root = write()
    (root / "dataset.json").write_text(json.dumps({"labels": {"rest": 0, "bright": 1, "dark": 2}}))
    run = recipe_of(recipe, root)
    data = replace(run.data, names=("a", "b", "c"))
    assert MaskedImages(replace(run, data=data)).facts["legend"]["names"] == ["a", "b", "c"]
