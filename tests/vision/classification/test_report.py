import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn import metrics

from edgewise._ground.errors import ConfigError, DataError, EdgewiseWarning, NonFiniteError
from edgewise._ground.figures import to_bytes
from edgewise.cli import main
from edgewise.vision import Model, compare_runs, evaluate, predict, train, write_report
from edgewise.vision.classification.evaluate import score_logits
from edgewise.vision.classification.figures import confusion_figure, gallery
from edgewise.vision.classification.images import open_sides
from edgewise.vision.classification.metrics import SCORES
from edgewise.vision.classification.predict import ClassPredictor
from edgewise.vision.data import ArrayPictures, ClassificationSet, SegmentationSet, create_dataset
from tests.vision.segmentation.test_report import Cells


@pytest.fixture
def runs(recipe, tmp_path):
    for name, model in (("first", recipe.model), ("second", Model(name="mlp", options={"width": [144, 3]}))):
        train(replace(recipe, epochs=2, model=model), tmp_path / name, progress=False)
    return [tmp_path / "first", tmp_path / "second"]


def test_two_runs_side_by_side(runs, recipe, tmp_path):
    report = write_report(runs, tmp_path / "report.html")
    page = Cells(report.html.read_text())
    assert all(address.startswith("data:image/") for address in page.fetched)
    rows = {row[0]: row[1:] for row in page.rows if row}
    for run, title in zip(runs, ("kan", "mlp"), strict=True):
        scores = evaluate(run).scores
        assert rows[title][1:7] == [
            f"{scores[name]:.4f}" for name in ("top1", "top5", "balanced", "auc", "ece", "log_loss")
        ]
    first, second = map(evaluate, runs)
    assert rows["bar, kan"][0] == "8"
    bar = second.classes[0]
    assert rows["bar, mlp"][5] == f"{bar.scores['auc']:.3f}{bar.intervals['auc'].show(3)}"
    for case, other in zip(first.cases, second.cases, strict=True):
        told = [case.truth, case.prediction, f"{case.of_truth:.3f}", other.prediction, f"{other.of_truth:.3f}"]
        assert rows[case.id] == ["", *told]
    listed = [row[0] for row in page.rows if row and row[0] in {case.id for case in first.cases}]
    together = {case.id: case.of_truth + other.of_truth for case, other in zip(first.cases, second.cases, strict=True)}
    assert listed == sorted(together, key=together.__getitem__)
    assert "95 % intervals by bootstrap over 24 images, whose groups are not known" in report.html.read_text()
    assert rows["data.name"] == ["imagefolder"]
    with Image.open(report.overview) as overview:
        assert overview.width > 500


def test_mistakes_are_the_surest_first_and_counted_by_class(runs, recipe):
    found = evaluate(runs[0])
    test = open_sides(recipe.data).test
    chances = [mistake.probability for mistake in found.mistakes]
    assert chances == sorted(chances, reverse=True)
    for mistake in found.mistakes:
        assert test.classes[test.labels[mistake.index]] == mistake.truth != mistake.prediction
        assert test.id(mistake.index) == mistake.id
    assert len(found.mistakes) == found.count - np.trace(found.confusion) == round(24 * (1 - found.scores["top1"]))
    assert f"24 pictures, {len(found.mistakes)} named wrong" in found.summary()


def test_runs_are_compared_on_the_same_pictures(runs, tmp_path):
    found = compare_runs(*runs)
    first, second = (evaluate(run).scores for run in runs)
    assert found.columns == ("score", "first", "second", "difference", "95 %")
    for title, *row in found.rows():
        name = next(name for name, known in SCORES.items() if known == title)
        assert row[:3] == [f"{first[name]:.4f}", f"{second[name]:.4f}", f"{first[name] - second[name]:+.4f}"]
    assert "24 images, the same for both; 95 % intervals by bootstrap over 24 images" in found.summary()


def test_every_picture_is_told_with_its_group_and_probabilities(runs, recipe):
    test = open_sides(recipe.data).test
    test = replace(test, groups=tuple(f"patient {index % 5}" for index in range(len(test))))
    found = evaluate(runs[0], test)
    told = json.loads(json.dumps(found.to_dict()))
    predictor = ClassPredictor.from_run(runs[0])
    chances = predictor([test.pictures[index] for index in range(len(test))]).double().softmax(1)
    assert len(told["cases"]) == 24
    for index, case in enumerate(told["cases"]):
        truth = test.classes[test.labels[index]]
        best = chances[index].argmax().item()
        assert (case["id"], case["group"], case["truth"]) == (test.id(index), f"patient {index % 5}", truth)
        assert case["prediction"] == test.classes[best]
        assert case["probability"] == pytest.approx(chances[index, best].item())
        assert case["of_truth"] == pytest.approx(chances[index, test.labels[index]].item())
    assert "95 % intervals by bootstrap over 5 groups; of so few, they are too narrow" in found.summary()
    assert found.worst_first[0].of_truth == min(case["of_truth"] for case in told["cases"])


def test_scores_are_scikit_learns_of_the_table_that_is_written_and_stand_in_the_report(runs, tmp_path):
    assert main(["evaluate", str(runs[0]), "--out", str(tmp_path / "scores.json")]) == 0
    told = json.loads((tmp_path / "scores.json").read_text())
    names = [one["name"] for one in told["classes"]]
    truth = np.array([names.index(case["truth"]) for case in told["cases"]])
    found = np.array([names.index(case["prediction"]) for case in told["cases"]])
    chances = np.array([case["probabilities"] for case in told["cases"]])
    expected = {
        "top1": metrics.accuracy_score(truth, found),
        "top5": 1.0,
        "balanced": metrics.balanced_accuracy_score(truth, found),
        "auc": metrics.roc_auc_score(truth, chances, multi_class="ovr"),
        "log_loss": metrics.log_loss(truth, chances),
    }
    assert {name: told["scores"][name] for name in expected} == pytest.approx(expected)
    assert told["confusion"] == metrics.confusion_matrix(truth, found).tolist()
    columns = metrics.precision_recall_fscore_support(truth, found, zero_division=0)
    page = Cells(write_report(runs[:1], tmp_path / "report.html").html.read_text())
    rows = {row[0]: row[1:] for row in page.rows if row}
    for number, one in enumerate(told["classes"]):
        precision, sensitivity, f1, count = (column[number] for column in columns)
        mine = truth == number
        scores = {
            "sensitivity": sensitivity,
            "specificity": metrics.recall_score(~mine, found != number),
            "precision": precision,
            "f1": f1,
            "auc": metrics.roc_auc_score(mine, chances[:, number]),
        }
        assert (one["count"], one["scores"]) == (count, pytest.approx(scores))
        shown = [f"{scores[name]:.3f}{low:.3f} to {high:.3f}" for name, (low, high) in one["intervals"].items()]
        assert rows[one["name"]] == [str(count), *shown]
    for name, title in SCORES.items():
        low, high = told["intervals"][name]
        assert f"{low:.4f} to {high:.4f}" in "".join(rows[title])


def test_logits_that_are_not_finite_are_refused_by_name():
    logits = torch.tensor([[0.0, 1.0], [torch.nan, 0.0]])
    dataset = ClassificationSet("two", ArrayPictures(np.zeros((2, 4, 4), np.uint8)), np.array([0, 1]), ("a", "b"), 1)
    with pytest.raises(NonFiniteError, match="the network gives '1' logits that are not finite"):
        score_logits(logits, dataset)


def test_another_dataset_is_scored_and_one_of_other_classes_refused(runs, shapes):
    whole = create_dataset("imagefolder", shapes / "train", channels=1)
    with pytest.warns(EdgewiseWarning, match="60 of 60 pictures of dataset 'imagefolder' are on the training"):
        assert evaluate(runs[0], whole).count == 60
    other = ClassificationSet("two", ArrayPictures(np.zeros((2, 12, 12), np.uint8)), np.array([0, 1]), ("a", "b"), 1)
    with pytest.raises(DataError, match="has 2 classes and the network 3"):
        evaluate(runs[0], other)
    with pytest.raises(DataError, match="has masks and no classes"):
        evaluate(runs[0], SegmentationSet("masks", ()))


def test_the_order_of_the_classes_of_another_dataset_changes_nothing(runs, shapes):
    whole = create_dataset("imagefolder", shapes / "train", channels=1)
    turned = replace(whole, labels=(whole.labels + 1) % 3, classes=("stripe", "bar", "dot"))
    with pytest.warns(EdgewiseWarning, match="scores on them do not tell how it does on new pictures"):
        assert evaluate(runs[0], turned).to_dict() == evaluate(runs[0], whole).to_dict()
    renamed = replace(whole, classes=("bar", "dot", "line"))
    with pytest.raises(DataError, match="has 3 classes and the network 3, and only one of them knows 'line': score it on"):
        evaluate(runs[0], renamed)


def test_pictures_are_named_and_broken_ones_told(runs, shapes, tmp_path):
    good = sorted((shapes / "val" / "dot").iterdir())[:3]
    (tmp_path / "broken.png").write_text("no picture")
    done = predict(runs[0], [*good, tmp_path / "broken.png"], tmp_path / "out")
    with open(tmp_path / "out" / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["picture"] for row in rows] == list(map(str, good))
    for row, path in zip(rows, good, strict=True):
        assert row["class"] == done.classes[path]
        assert 1 / 3 <= float(row["probability"]) <= 1
        assert {row["class"], *row["next"].split("; ")} == {"bar", "dot", "stripe"}
    assert list(done.failures) == [tmp_path / "broken.png"]


def test_runs_of_two_tasks_are_refused(runs, tmp_path, monkeypatch):
    from edgewise.vision import RunFolder, SegmentationRecipe

    monkeypatch.setattr(
        RunFolder,
        "read_recipe",
        lambda self, real=RunFolder.read_recipe: real(self) if self.path == runs[0] else SegmentationRecipe(),
    )
    with pytest.raises(ConfigError, match="different tasks"):
        write_report(runs, tmp_path / "report.html")


def test_figures_of_many_classes_and_of_no_mistake():
    names = [f"class {number}" for number in range(30)]
    assert not confusion_figure("x", np.eye(30), names).axes[0].texts
    assert len(confusion_figure("x", np.array([[3, 1], [0, 4]]), names[:2]).axes[0].texts) == 3
    assert to_bytes(gallery([], []), "png").startswith(b"\x89PNG")
