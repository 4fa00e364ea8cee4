"""Scores of samples of groups, beside scikit-learn's of weighted pictures, torchmetrics' and scipy's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import metrics
from torchmetrics.functional.classification import multiclass_auroc, multiclass_specificity

from edgewise._ground.errors import DataError
from edgewise.vision.classification import cohort as module
from edgewise.vision.classification.cohort import Cohort
from edgewise.vision.training.bootstrap import draws


def make(groups: int | None = 30, classes: int = 4, count: int = 200, seed: int = 0) -> Cohort:
    """Pictures of unequal classes, every fifth of which looks like the one after it."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes**2, (count,), generator=draw).sqrt().long()
    logits = torch.randn(count, classes, generator=draw) + 1.5 * torch.nn.functional.one_hot(labels, classes)
    logits[::5] = logits[1::5]
    of = None if groups is None else tuple(f"patient {n}" for n in torch.randint(groups, (count,), generator=draw).tolist())
    return Cohort(tuple(map(str, range(count))), of, labels, logits)


def by_scikit(cohort: Cohort, weights: np.ndarray | None = None) -> tuple[dict, dict]:
    labels, found = cohort.labels.numpy(), cohort.logits.argmax(1).numpy()
    chances, count = cohort.logits.double().softmax(1).numpy(), cohort.logits.shape[1]
    areas = [metrics.roc_auc_score(labels == c, chances[:, c], sample_weight=weights) for c in range(count)]
    precision, sensitivity, f1, _ = metrics.precision_recall_fscore_support(labels, found, sample_weight=weights)
    others = [metrics.recall_score(labels != c, found != c, sample_weight=weights) for c in range(count)]
    whole = {
        "top1": metrics.accuracy_score(labels, found, sample_weight=weights),
        "balanced": metrics.balanced_accuracy_score(labels, found, sample_weight=weights),
        "auc": np.mean(areas),
        "log_loss": metrics.log_loss(labels, chances, sample_weight=weights),
    }
    return whole, {"sensitivity": sensitivity, "specificity": others, "precision": precision, "f1": f1, "auc": areas}


@pytest.mark.parametrize("classes", [2, 4])
def test_scores_and_those_of_samples_are_scikit_learns(classes):
    cohort = make(classes=classes)
    drawn = draws(cohort.units, 3)
    number = {group: index for index, group in enumerate(dict.fromkeys(cohort.groups))}
    weights = [None, *(sample[[number[group] for group in cohort.groups]].numpy() for sample in drawn)]
    found = [cohort.scores(), *(cohort.scores(sample[None]) for sample in drawn)]
    for weight, (whole, each) in zip(weights, found, strict=True):
        expected, of_classes = by_scikit(cohort, weight)
        for name, value in expected.items():
            assert whole[name].item() == pytest.approx(value, rel=1e-10), name
        for name, values in of_classes.items():
            np.testing.assert_allclose(each[name][0], values, rtol=1e-10, err_msg=name)
    together = cohort.scores(drawn)
    for name, part in together.whole.items():
        torch.testing.assert_close(part, torch.cat([one.whole[name] for one in found[1:]]), rtol=1e-12, atol=1e-12)


def test_areas_and_specificities_are_those_of_torchmetrics():
    cohort = make()
    whole, each = cohort.scores()
    chances = cohort.logits.double().softmax(1)
    expected = multiclass_auroc(chances, cohort.labels, 4, average=None)
    torch.testing.assert_close(each["auc"][0], expected.double(), rtol=1e-6, atol=0)
    assert whole["auc"].item() == pytest.approx(multiclass_auroc(chances, cohort.labels, 4).item(), rel=1e-6)
    expected = multiclass_specificity(chances, cohort.labels, 4, average=None)
    torch.testing.assert_close(each["specificity"][0], expected.double(), rtol=1e-6, atol=0)


def test_intervals_are_percentiles_over_resampled_groups(monkeypatch):
    cohort = make(groups=25, count=80)
    monkeypatch.setattr(module, "REPLICATES", 200)
    monkeypatch.setattr(module, "AT_ONCE", 80 * 7)  # in parts of seven samples
    whole, each = cohort.intervals()
    names = list(dict.fromkeys(cohort.groups))
    values = []
    for sample in draws(cohort.units, 200).long().tolist():
        often = dict(zip(names, sample, strict=True))
        chosen = [index for index, group in enumerate(cohort.groups) for _ in range(often[group])]
        logits, labels = cohort.logits[chosen], cohort.labels[chosen].numpy()
        values.append(
            [
                (logits.argmax(1).numpy() == labels).mean(),
                metrics.roc_auc_score(labels == 3, logits.double().softmax(1)[:, 3]),
            ]
        )
    for found, column in zip((whole["top1"], each[3]["auc"]), np.array(values).T, strict=True):
        assert found == pytest.approx(np.percentile(column, [2.5, 97.5]), abs=1e-9)


def test_differences_are_paired():
    first = make(seed=1)
    better = replace(first, logits=first.logits + 0.5 * torch.nn.functional.one_hot(first.labels, 4))
    found = better.differences(first)
    assert found["top1"].value == pytest.approx(better.scores().whole["top1"].item() - first.scores().whole["top1"].item())
    assert 0 < found["auc"].low < found["auc"].value < found["auc"].high
    assert set(better.differences(better).values()) == {(0.0, 0.0, 0.0)}
    for other, message in (
        (replace(first, ids=("x", *first.ids[1:])), "not scored on the same images, such as '0'"),
        (replace(first, logits=first.logits[:, :3]), "on as many classes"),
        (replace(first, labels=first.labels.roll(1)), "the class or the group of '.*' is not the same"),
        (replace(first, groups=(*first.groups[:-1], "x")), "the class or the group of '199' is not the same"),
    ):
        with pytest.raises(DataError, match=message):
            better.differences(other)


def test_a_class_without_pictures_is_left_out_of_means_and_one_group_has_no_intervals():
    cohort = Cohort(
        ("a", "b", "c"), ("x", "x", "x"), torch.tensor([0, 0, 1]), torch.tensor([[2.0, 0, 1], [0, 2, 1], [0, 2, 1]])
    )
    whole, each = cohort.scores()
    assert whole["balanced"].item() == metrics.balanced_accuracy_score([0, 0, 1], [0, 1, 1])
    assert whole["auc"].item() == 0.75
    assert each["sensitivity"][0, 2].isnan()
    assert each["auc"][0, 2].isnan()
    assert cohort.intervals() == ({}, [{}, {}, {}])
    assert len(replace(cohort, groups=None).intervals()[0]["top1"]) == 2


def test_areas_tell_pictures_apart_whose_probability_is_one_to_sixteen_digits():
    cohort = Cohort(("a", "b", "c"), None, torch.tensor([1, 0, 0]), torch.tensor([[50.0, 0.0], [60.0, 0.0], [70.0, 0.0]]))
    assert cohort.scores().classes["auc"].tolist() == [[1.0, 1.0]]
