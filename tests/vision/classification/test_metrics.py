import pytest
import torch
from sklearn import metrics

from edgewise.vision.classification.metrics import BINS, by_class, summarise, tally


@pytest.fixture
def batch():
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(7, (500,), generator=draw)
    return torch.randn(500, 7, generator=draw) + 2 * torch.nn.functional.one_hot(labels, 7), labels


def test_scores_are_scikit_learns(batch):
    logits, labels = batch
    chances, found = logits.double().softmax(1).numpy(), logits.argmax(1)
    tallies = tally(logits, labels)
    scores = {name: score.item() for name, score in summarise(tallies).items()}
    assert scores["top1"] == pytest.approx(metrics.accuracy_score(labels, found))
    assert scores["top5"] == pytest.approx(metrics.top_k_accuracy_score(labels, chances, k=5))
    assert scores["log_loss"] == pytest.approx(metrics.log_loss(labels, chances))


def test_calibration_error_is_that_of_its_definition(batch):
    logits, labels = batch
    sure, found = logits.double().softmax(1).max(1)
    error = 0.0
    for low in range(BINS):
        inside = (sure >= low / BINS) & (sure < (low + 1) / BINS)
        if inside.any():
            right = (found == labels)[inside].double().mean()
            error += inside.double().mean() * abs(right - sure[inside].mean())
    assert summarise(tally(logits, labels))["ece"] == pytest.approx(error.item())


def test_sums_do_not_depend_on_batches_and_leave_fillings_out(batch):
    logits, labels = batch
    whole = summarise(tally(logits, labels))
    parts = [tally(logits[part], labels[part]) for part in (slice(0, 13), slice(13, 200), slice(200, 500))]
    parts.append(tally(torch.randn(4, 7), torch.full((4,), -1)))
    summed = summarise({name: sum(part[name] for part in parts) for name in parts[0]})
    torch.testing.assert_close(summed, whole, rtol=1e-12, atol=0)


def test_a_class_without_pictures_and_two_classes():
    logits = torch.tensor([[2.0, 0.0], [3.0, 1.0]])
    tallies = tally(logits, torch.tensor([0, 0]))
    assert summarise(tallies)["top5"] == 1
    scores = by_class(*(torch.tensor(counts) for counts in ([2.0, 0.0], [2.0, 0.0], [2.0, 0.0])))
    assert scores["sensitivity"].nan_to_num(-1).tolist() == [1, -1]
    assert scores["specificity"].nan_to_num(-1).tolist() == [-1, 1]
    assert (
        by_class(*(torch.tensor(counts) for counts in ([3.0, 0.0], [3.0, 2.0], [5.0, 0.0])))["precision"].tolist()[1] == 0
    )
