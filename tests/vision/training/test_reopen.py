from dataclasses import replace

import pytest
import torch

from edgewise._ground.errors import CheckpointError, ConfigError
from edgewise.io import load_model
from edgewise.vision import RunFolder, train
from edgewise.vision.training.reopen import reopen


@pytest.fixture
def run(recipe, tmp_path):
    train(replace(recipe, epochs=2, keep_every=1), tmp_path / "run", progress=False)
    return tmp_path / "run"


def test_kept_weights_are_the_parameters_of_each_epoch(run):
    kept = reopen(run).kept_weights(reopen(run).network(), least=3)
    assert list(kept) == [0, 1, 2]
    for epoch, path in RunFolder(run).kept_epochs().items():
        expected = dict(load_model(path).named_parameters())
        assert dict(kept[epoch]).keys() == expected.keys()
        assert len(kept[epoch]) == len(expected)
        assert all(torch.equal(kept[epoch][name], expected[name]) for name in expected)
    with pytest.raises(KeyError):
        kept[0]["body.1.running_mean"]  # a buffer
    last = reopen(run).last_kept().state_dict()
    assert all(torch.equal(tensor, last[name]) for name, tensor in load_model(RunFolder(run).last).state_dict().items())


def test_pictures_are_the_same_each_time_and_from_the_validation_side(run, recipe):
    from edgewise.vision.segmentation.images import MaskedImages

    opened = reopen(run)
    batches = opened.batches(count=100, size=2, seed=1)
    validation = MaskedImages(recipe).validation
    images, masks = (torch.cat(part) for part in zip(*batches, strict=True))
    assert len(images) == len(masks) == len(validation)
    wanted = {item["image"].numpy().tobytes(): item["mask"] for item in validation}
    assert all(torch.equal(wanted[image.numpy().tobytes()], mask) for image, mask in zip(images, masks, strict=True))
    again = opened.batches(count=100, size=2, seed=1)
    assert all(
        torch.equal(one, other) for a, b in zip(batches, again, strict=True) for one, other in zip(a, b, strict=True)
    )
    few = opened.batches(count=1, size=2, seed=1)
    assert torch.equal(few[0][0], images[:1])
    with pytest.raises(ConfigError, match="must be at least 1 and the seed at least 0, got 0, 2, 0"):
        opened.batches(count=0, size=2)


def test_the_loss_is_the_one_that_was_logged(run):
    opened = reopen(run)
    network, criterion = opened.last_kept(), opened.criterion()
    with torch.no_grad():
        losses = [(len(x), criterion(network(x), y).item()) for x, y in opened.batches(count=100, size=8)]
    mean = sum(count * loss for count, loss in losses) / sum(count for count, _ in losses)
    assert mean == pytest.approx(RunFolder(run).read_metrics()[-1]["val_loss"], rel=1e-5)


def test_a_run_that_kept_nothing(recipe, tmp_path):
    train(replace(recipe, epochs=1), tmp_path / "run", progress=False)
    opened = reopen(tmp_path / "run")
    with pytest.raises(CheckpointError, match="keeps 0 epochs and this analysis needs 3 at least: train it with --keep"):
        opened.kept_weights(opened.network(), least=3)


def test_a_corrupted_epoch_is_refused(run):
    path = RunFolder(run).epoch(1)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    opened = reopen(run)
    with pytest.raises(CheckpointError, match="corrupted"):
        opened.kept_weights(opened.network())


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        reopen(tmp_path)
