import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import tyro
from monai.losses import FocalLoss
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from edgewise._ground.errors import ConfigError, DataError
from edgewise.vision import RunFolder, SegmentationRecipe, train
from edgewise.vision.data import VOID
from edgewise.vision.data.classes import ClassCount
from edgewise.vision.segmentation.images import open_split
from edgewise.vision.segmentation.losses import Compared, Entropy, SegmentationLoss
from edgewise.vision.segmentation.objective import Loss, balanced
from edgewise.vision.training.reopen import reopen


def test_binary_loss_is_u_kans():
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 1, 9, 7, generator=draw, dtype=torch.float64)
    truth = (torch.rand(4, 1, 9, 7, generator=draw) < 0.3).double()
    truth[2] = 0
    probability = logits.sigmoid().flatten(1)
    target = truth.flatten(1)
    both = (probability * target).sum(1)
    dice = (2 * both + 1e-5) / (probability.sum(1) + target.sum(1) + 1e-5)
    expected = 0.5 * F.binary_cross_entropy_with_logits(logits, truth) + 1 - dice.mean()
    torch.testing.assert_close(SegmentationLoss()(logits, truth), expected)


def test_loss_of_several_classes():
    draw = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 3, 5, 6, generator=draw, dtype=torch.float64)
    truth = torch.randint(3, (2, 1, 5, 6), generator=draw)
    probability, target = logits.softmax(1), F.one_hot(truth[:, 0], 3).movedim(-1, 1).double()
    both = (probability * target).sum((2, 3))
    dice = (2 * both + 1e-5) / (probability.sum((2, 3)) + target.sum((2, 3)) + 1e-5)
    expected = 0.5 * F.cross_entropy(logits, truth[:, 0]) + 1 - dice.mean()
    torch.testing.assert_close(SegmentationLoss(3)(logits, truth), expected)


def test_half_precision_logits_are_summed_in_single():
    logits = torch.full((1, 1, 64, 64), 0.25, dtype=torch.bfloat16)
    truth = torch.ones(1, 1, 64, 64)
    assert SegmentationLoss()(logits, truth).item() == pytest.approx(SegmentationLoss()(logits.float(), truth).item())


@pytest.mark.parametrize("classes", [1, 3])
def test_void_pixels_have_no_part_in_the_loss(classes):
    draw = torch.Generator().manual_seed(2)
    logits = torch.randn(3, classes, 5, 8, generator=draw, dtype=torch.float64, requires_grad=True)
    truth = torch.randint(max(classes, 2), (3, 1, 5, 8), generator=draw)
    truth[..., 6:] = VOID
    loss = SegmentationLoss(classes)(logits, truth.double())
    torch.testing.assert_close(loss, SegmentationLoss(classes)(logits[..., :6], truth[..., :6].double()))
    loss.backward()
    assert not logits.grad[..., 6:].any()
    assert logits.grad[..., :6].any()


@pytest.mark.parametrize("classes", [1, 3])
def test_a_batch_that_is_all_void_is_finite(classes):
    logits = torch.randn(2, classes, 4, 4, requires_grad=True)
    loss = SegmentationLoss(classes)(logits, torch.full((2, 1, 4, 4), float(VOID)))
    loss.backward()
    assert loss.isfinite()
    assert not logits.grad.any()


NAMES = ["dice_ce", "tversky", "focal", "boundary"]


def numbers(classes, shape=(3, 9, 7), seed=0, void=True):
    """Logits, and a truth of which some is void."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(shape[0], classes, *shape[1:]))
    truth = draw.integers(max(classes, 2), size=(shape[0], 1, *shape[1:]))
    if void:
        truth[:, :, :2] = VOID
    return logits, truth


def by_hand(logits, truth, loss, weights):
    """The formulas, in numpy, image by image and class by class."""
    classes, known = logits.shape[1], truth[:, 0] != VOID
    if classes == 1:
        shares = np.concatenate([1 - 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(-logits))], 1)
    else:
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.where(known, truth[:, 0], 0)
    own = np.take_along_axis(shares, labels[:, None], 1)[:, 0]
    pixel = np.asarray(weights)[labels] * known
    gamma = loss.focus if loss.name == "focal" else 0.0
    entropy = (-pixel * (1 - own) ** gamma * np.log(own)).sum() / pixel.sum()
    channels = [1] if classes == 1 else range(classes)
    alpha, beta = (loss.false_positives, loss.false_negatives) if loss.name == "tversky" else (0.5, 0.5)
    overlaps = np.zeros((len(logits), len(channels)))
    for image in range(len(logits)):
        for place, label in enumerate(channels):
            there, found = (labels[image] == label)[known[image]], shares[image, label][known[image]]
            hit, false, missed = (found * there).sum(), (found * ~there).sum(), ((1 - found) * there).sum()
            smooth = 1e-5 if loss.name == "tversky" else 0.5e-5  # Dice has twice the sums
            overlaps[image, place] = 1 - (hit + smooth) / (hit + alpha * false + beta * missed + smooth)
    shared = np.asarray(weights)[list(channels)] if classes > 1 else np.ones(1)
    overlap = (overlaps.mean(0) * shared / shared.sum()).sum()
    distances = 0.0
    for label in range(1, max(classes, 2)):
        share = np.asarray(weights)[label] / np.sum(weights[1:])
        for image in range(len(logits)):
            phi = distance_by_hand(labels[image] == label, known[image])
            distances += share * (phi * shares[image, label])[known[image]].sum() / known.sum()
    return {
        "dice_ce": 0.5 * entropy + overlap,
        "tversky": overlap,
        "focal": entropy + overlap,
        "boundary": 0.5 * entropy + overlap + loss.boundary * distances,
    }[loss.name]


def distance_by_hand(inside, known):
    """Each pixel with each."""
    phi = np.zeros(inside.shape)
    shape, rest = np.argwhere(inside & known), np.argwhere(~inside & known)
    if len(shape) and len(rest):
        for place in np.ndindex(inside.shape):
            others = rest if inside[place] else shape
            nearest = np.sqrt(((others - place) ** 2).sum(1)).min()
            phi[place] = 1 - nearest if inside[place] else nearest
    return phi


@pytest.mark.parametrize("void", [False, True])
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_each_loss_is_its_formula(name, classes, void):
    own = {
        "tversky": {"false_positives": 0.25, "false_negatives": 2.0},
        "focal": {"focus": 1.5},
        "boundary": {"boundary": 0.3},
    }
    loss = Loss(name=name, **own.get(name, {}))
    for weights in [(1.0,) * max(classes, 2), (0.5, 2.0) if classes == 1 else (0.5, 2.0, 1.5)]:
        logits, truth = numbers(classes, void=void)
        found = SegmentationLoss(classes, loss, weights)(torch.from_numpy(logits), torch.from_numpy(truth))
        assert found.item() == pytest.approx(
            by_hand(logits, truth, loss, weights), rel=1e-6
        )  # weights are single precision


@pytest.mark.parametrize("classes", [1, 3])
def test_the_focal_part_is_monais(classes):
    logits, truth = map(torch.from_numpy, numbers(classes, void=False))
    found = Entropy(torch.ones(max(classes, 2)), focus=2.0)(Compared(logits, truth))
    theirs = FocalLoss(to_onehot_y=classes > 1, use_softmax=classes > 1, gamma=2.0)(logits, truth)
    assert found.item() == pytest.approx(theirs.item() * classes, rel=1e-5)  # theirs is a mean over classes, too


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_of_each_loss_is_that_of_its_values_and_none_where_void(name, classes):
    logits, truth = map(torch.from_numpy, numbers(classes, (2, 4, 3)))
    loss = SegmentationLoss(classes, Loss(name=name), (1.0, 3.0) if classes == 1 else (1.0, 3.0, 2.0))
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, truth), logits)
    loss(logits, truth).backward()
    assert not logits.grad[:, :, :2].any()
    assert logits.grad[:, :, 2:].all()


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("label", [0, 1, VOID])
def test_pictures_of_one_class_or_of_none_are_finite_and_volumes_are_taken(name, classes, label):
    logits = torch.randn(2, classes, 4, 5, 6, generator=torch.Generator().manual_seed(0)).mul(30).requires_grad_()
    loss = SegmentationLoss(classes, Loss(name=name))(logits, torch.full((2, 1, 4, 5, 6), float(label)))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
    assert label != VOID or not logits.grad.any()


def test_balanced_weights_are_scikit_learns():
    labels = np.repeat([0, 1, 2], [70, 25, 5])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    counts = [ClassCount(label, "", int((labels == label).sum()), 1, "a") for label in range(3)]
    assert balanced([*counts, ClassCount(VOID, "void", 50, 1, "a")], 3) == pytest.approx(expected)
    with pytest.raises(DataError, match=r"no mask of the training side holds class 2, .*: give numbers"):
        balanced(counts[:2], 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": [1.0]}, "loss.weights is (1.0,) and must be 2 numbers, one a class, background first"),
        ({"weights": [1.0, -1.0]}, "loss.weights is (1.0, -1.0) and must be numbers from 0 on, at least one above it"),
        ({"weights": [0, 0]}, "loss.weights is (0.0, 0.0) and must be numbers from 0 on"),
        ({"weights": [1, float("nan")]}, "must be numbers from 0 on"),
        ({"weights": "rare"}, "loss.weights is 'rare' and must be one of equal, balanced | tuple[float, ...]"),
        ({"weights": [1, "2"]}, "must be one of equal, balanced | tuple[float, ...]"),
        ({"name": "tversky", "weights": "balanced"}, "loss.weights is 'balanced' and tversky compares one foreground"),
        ({"name": "hinge"}, "loss.name is 'hinge' and must be one of dice_ce, tversky, focal, boundary"),
        ({"name": "focal", "focus": 0.5}, "loss.focus is 0.5 and must be at least 1"),
        ({"name": "tversky", "false_negatives": 0}, "loss.false_negatives is 0.0 and must be above 0"),
        ({"boundary": 0.1}, "loss.boundary is 0.1 and has no effect with loss.name 'dice_ce'"),
    ],
)
def test_a_loss_that_cannot_be_is_refused(settings, message):
    with pytest.raises(ConfigError) as caught:
        SegmentationRecipe.from_dict({"loss": settings})
    assert message in str(caught.value)


def test_weights_come_from_the_command_line_and_from_json():
    recipe = tyro.cli(SegmentationRecipe, args=["--loss.weights", "1", "2.5", "--loss.name", "focal"])
    assert recipe.loss == Loss(name="focal", weights=(1.0, 2.5))
    assert tyro.cli(SegmentationRecipe, args=["--loss.weights", "balanced"]).loss.weights == "balanced"
    assert SegmentationRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_run_counts_its_training_side_notes_the_weights_and_learns_by_them(recipe, tmp_path):
    recipe = replace(recipe, loss=Loss(weights="balanced"), epochs=1)
    train(recipe, tmp_path / "run", progress=False)
    masks = np.concatenate([sample.read_mask().ravel() for sample in open_split(recipe.data).train])
    expected = compute_class_weight("balanced", classes=np.arange(2), y=masks)
    assert RunFolder(tmp_path / "run").read_facts()["class_weights"] == pytest.approx(expected)
    opened = reopen(tmp_path / "run")
    network, criterion = opened.network(), opened.criterion()
    ((images, truth),) = opened.batches(count=100, size=100)
    with torch.no_grad():
        logits = network(images)
    hand = by_hand(logits.double().numpy(), truth.long().numpy(), Loss(), expected)
    assert criterion(logits, truth).item() == pytest.approx(hand, rel=1e-5)
    assert RunFolder(tmp_path / "run").read_metrics()[0]["val_loss"] == pytest.approx(hand, rel=1e-5)
