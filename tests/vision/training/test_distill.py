import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from edgewise import EdgewiseError
from edgewise.models import ToKAN, kanify
from edgewise.vision import SoftLabels, distill


def teacher() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 4)).eval()


def rows(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("loss", [F.mse_loss, SoftLabels(3.0)], ids=["mse", "soft"])
def test_a_cold_started_student_comes_near_its_teacher_on_held_out_data(loss):
    model = teacher()
    student = kanify(model, ToKAN(base="silu"), warm_start=False)
    data = DataLoader(TensorDataset(rows(400, 1), torch.zeros(400)), batch_size=50, shuffle=True)  # with labels to ignore
    held_out = rows(200, 2).split(100)
    with torch.no_grad():
        before = loss(student(torch.cat(held_out)), model(torch.cat(held_out))).item()
    course = distill(student, model, data, loss=loss, epochs=20, lr=1e-2, valid=held_out)
    with torch.no_grad():
        after = loss(student(torch.cat(held_out)), model(torch.cat(held_out))).item()
    assert after < 0.1 * before
    assert course.valid[-1] == pytest.approx(after, rel=1e-5)
    assert len(course.loss) == len(course.valid) == 20
    assert course.loss[-1] < 0.2 * course.loss[0]


def test_soft_labels_are_the_divergence_of_the_definition():
    student, wanted = torch.randn(5, 4, 2, 3), torch.randn(5, 4, 2, 3)
    p, q = ((logits.double() / 3).softmax(1) for logits in (wanted, student))
    expected = 9 * (p * (p / q).log()).sum(1).mean()
    assert SoftLabels(3.0)(student, wanted).item() == pytest.approx(expected.item(), rel=1e-5)


def test_gradients_of_soft_labels_keep_their_size_at_high_temperature():
    """There they go to (s - t) / classes for logits without a mean (Hinton et al., section 2.1)."""
    logits = torch.randn(6, 4, dtype=torch.float64)
    wanted, student = (part - part.mean(1, keepdim=True) for part in (logits, logits.roll(1, 0)))
    student.requires_grad_()
    (SoftLabels(1e4)(student, wanted) * 6).backward()
    assert (student.grad - (student.detach() - wanted) / 4).abs().max() < 1e-3


def test_teacher_modes_and_frozen_parameters_are_left_alone():
    model = teacher()
    model[1].train()  # a mixture of modes
    student = kanify(model)
    student[0].requires_grad_(False)
    before, frozen = copy.deepcopy(model.state_dict()), copy.deepcopy(student[0].state_dict())
    distill(student, model, rows(60, 1).split(20))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(torch.equal(tensor, frozen[name]) for name, tensor in student[0].state_dict().items())
    for network in (model, student):
        assert [m.training for m in network] == [False, True, False, False]


def test_the_callback_sees_each_epoch_and_a_run_function_says_how_to_ask():
    seen, model = [], nn.Linear(3, 1)
    batches = [{"image": x} for x in rows(40, 1).split(20)]
    course = distill(
        nn.Linear(3, 1),
        model,
        batches,
        epochs=3,
        run=lambda network, batch: network(batch["image"]),
        callback=lambda student, epoch, course: seen.append((epoch, len(course.loss))),
    )
    assert seen == [(0, 1), (1, 2), (2, 3)]
    assert course.valid == []


def test_a_step_that_is_not_finite_is_not_taken():
    student, x = nn.Linear(3, 1), rows(20, 1)
    x[3, 1] = torch.nan
    before = copy.deepcopy(student.state_dict())
    with pytest.raises(EdgewiseError, match="loss of a distillation is not finite"):
        distill(student, nn.Linear(3, 1), [x])
    assert all(torch.equal(tensor, before[name]) for name, tensor in student.state_dict().items())


def test_running_means_are_those_of_before_a_step_that_is_not_finite():
    student, x = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1)), rows(20, 1)
    x[15] = torch.nan
    whole = copy.deepcopy(student)
    distill(whole, nn.Linear(3, 1), [x[:10]])
    with pytest.raises(EdgewiseError, match="not finite"):
        distill(student, nn.Linear(3, 1), x.split(10))
    assert all(torch.equal(mine, other) for mine, other in zip(student.buffers(), whole.buffers(), strict=True))
    assert student[0].num_batches_tracked == 1


def test_a_batch_counts_as_much_as_it_has_samples():
    student, model, x = nn.Linear(3, 1), nn.Linear(3, 1), rows(101, 1)
    x[-1] *= 20
    course = distill(student, model, x.split(100), lr=1e-12, valid=x.split(100))
    assert course.loss == course.valid == [pytest.approx(F.mse_loss(student(x), model(x)).item(), rel=1e-5)]


BAD = [
    ({"epochs": 0}, "at least 1 epoch"),
    ({"data": []}, "gives no batch"),
    ({"data": iter([torch.zeros(2, 3)]), "epochs": 2}, "gives no batch"),
    ({"student": nn.Linear(3, 2)}, r"gives \(2, 2\) where its teacher gives \(2, 1\)"),
    ({"student": nn.Linear(3, 1).requires_grad_(False)}, "parameters to train"),
    ({"loss": SoftLabels()}, "2 or more classes"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_distilled_is_refused(change, message):
    options = {"student": nn.Linear(3, 1), "teacher": nn.Linear(3, 1), "data": [torch.zeros(2, 3)]} | change
    with pytest.raises(EdgewiseError, match=message):
        distill(**options)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("inf"), float("nan")])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(EdgewiseError, match="temperature must be above 0"):
        SoftLabels(temperature)
