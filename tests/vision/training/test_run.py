import contextlib
import errno
import multiprocessing
import os
import random
import signal
import time
from dataclasses import replace
from importlib.util import find_spec

import lightning.pytorch as pl
import pytest
import torch
from safetensors.torch import load_file

from edgewise._ground.errors import CheckpointError, ConfigError, DataError, MissingPackageError
from edgewise.io import load_model
from edgewise.vision import RunFolder, train
from edgewise.vision.training.callbacks import AtomicCheckpointIO


class StopAfter(pl.callbacks.Checkpoint):
    """Raises when the first batch after an epoch is due, when everything about that epoch is written."""

    def __init__(self, epoch, error=InterruptedError):
        self.epoch, self.error = epoch, error

    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == self.epoch + 1:
            raise self.error


def lines_without_time(folder):
    return [{key: value for key, value in line.items() if key != "seconds"} for line in RunFolder(folder).read_metrics()]


def assert_same_run(one, other):
    for name in ("model.safetensors", "last.safetensors"):
        first, second = load_file(one / name), load_file(other / name)
        assert first.keys() == second.keys()
        for key in first:
            assert torch.equal(first[key], second[key]), key
    assert lines_without_time(one) == lines_without_time(other)
    first, second = (torch.load(run / "last.ckpt", weights_only=True) for run in (one, other))
    for index, state in first["optimizer_states"][0]["state"].items():
        for key, value in state.items():
            assert torch.equal(value, second["optimizer_states"][0]["state"][index][key])
    assert first["lr_schedulers"] == second["lr_schedulers"]


@pytest.fixture
def whole(recipe, tmp_path):
    """A run that was never stopped."""
    train(recipe, tmp_path / "whole", progress=False)
    return tmp_path / "whole"


def test_a_run_learns_and_leaves_its_files(recipe, tmp_path):
    result = train(replace(recipe, epochs=12, optimiser=replace(recipe.optimiser, learning_rate=0.05)), tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    lines = folder.read_metrics()
    assert [line["epoch"] for line in lines] == list(range(12))
    assert lines[-1]["train_loss"] < 0.6 * lines[0]["train_loss"]
    best = max(lines, key=lambda line: line["val_iou"])
    assert (result.best_epoch, result.best, result.score) == (best["epoch"], best["val_iou"], "val_iou")
    assert result.best > 0.7
    assert result.parameters == sum(p.numel() for p in load_model(folder.model).parameters())
    assert result == folder.read_result()
    names = {path.name for path in folder.path.iterdir()}
    assert names == {
        "config.json", "last.ckpt", "last.safetensors", "lock", "metrics.jsonl", "model.safetensors", "pictures.json",
        "result.json",
    }  # fmt: skip


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_resumed_after_any_epoch_it_ends_with_the_same_bits(recipe, whole, tmp_path, epoch):
    run = tmp_path / "stopped"
    with pytest.raises(InterruptedError):
        train(recipe, run, progress=False, callbacks=[StopAfter(epoch)])
    torch.manual_seed(12345)  # whatever the resuming process drew before
    random.seed(2)
    train(recipe, run, resume=True, progress=False)
    assert_same_run(whole, run)


@pytest.mark.slow
def test_resumed_twice_with_early_stopping_it_stops_where_it_would_have(recipe, tmp_path):
    recipe = replace(recipe, epochs=30, patience=2, optimiser=replace(recipe.optimiser, learning_rate=1e-9))
    result = train(recipe, tmp_path / "whole", progress=False)
    assert result.epochs == result.best_epoch + 3 < 30
    for epoch in (0, 1):
        with pytest.raises(InterruptedError):
            train(recipe, tmp_path / "run", resume=True, progress=False, callbacks=[StopAfter(epoch)])
    again = train(recipe, tmp_path / "run", resume=True, progress=False)
    assert (again.epochs, again.best_epoch) == (result.epochs, result.best_epoch)
    assert_same_run(tmp_path / "whole", tmp_path / "run")


@pytest.mark.slow
def test_a_full_disk_at_any_write_leaves_a_run_that_can_go_on(recipe, tmp_path, monkeypatch):
    recipe_of_two = replace(recipe, epochs=2)
    train(recipe_of_two, tmp_path / "two", progress=False)
    real, calls = os.replace, 0

    def failing(source, target):
        nonlocal calls
        calls += 1
        if calls == limit:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    for limit in range(1, 30):
        run, calls = tmp_path / f"full{limit}", 0
        with contextlib.suppress(CheckpointError):
            train(recipe_of_two, run, progress=False)
            break
        if (run / "model.safetensors").exists():
            load_model(run / "model.safetensors")
        train(recipe_of_two, run, resume=True, progress=False)
        assert_same_run(tmp_path / "two", run)
    assert limit > 9


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_at_random_moments_it_ends_with_the_same_bits(recipe, tmp_path):
    recipe = replace(recipe, epochs=8)
    train(recipe, tmp_path / "whole", progress=False)
    folder = RunFolder(tmp_path / "run")
    process = multiprocessing.get_context("fork").Process
    draw, done = random.Random(0), -1
    for _ in range(4):
        child = process(target=train, args=(recipe, folder.path), kwargs={"resume": True, "progress": False})
        child.start()
        while child.is_alive() and len(folder.read_metrics()) <= done + 1:
            time.sleep(0.005)
        done = len(folder.read_metrics())
        time.sleep(draw.uniform(0, 0.05))
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        load_model(folder.model)
    train(recipe, folder.path, resume=True, progress=False)
    assert_same_run(tmp_path / "whole", folder.path)
    assert not list(folder.path.glob(".*"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_workers_change_nothing(recipe, whole, tmp_path):
    machine = replace(recipe.machine, workers=2)
    with pytest.raises(InterruptedError):
        train(replace(recipe, machine=machine), tmp_path / "run", progress=False, callbacks=[StopAfter(1)])
    train(replace(recipe, machine=machine), tmp_path / "run", resume=True, progress=False)
    assert_same_run(whole, tmp_path / "run")


def test_ctrl_c_comes_through_and_leaves_a_run_that_can_go_on(recipe, whole, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "run", progress=False, callbacks=[StopAfter(1, KeyboardInterrupt)])
    train(recipe, tmp_path / "run", resume=True, progress=False)
    assert_same_run(whole, tmp_path / "run")


def test_the_callers_random_state_is_left_alone(recipe, tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(replace(recipe, epochs=1), tmp_path / "run", progress=False)
    assert torch.equal(torch.rand(3), expected)


def test_nothing_is_printed_and_nothing_written_elsewhere(recipe, tmp_path, monkeypatch, capfd):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    train(replace(recipe, epochs=1), tmp_path / "run", progress=False)
    assert capfd.readouterr() == ("", "")
    assert list(work.iterdir()) == []


def test_the_progress_line_says_how_it_goes(recipe, tmp_path, capsys):
    train(replace(recipe, epochs=2), tmp_path / "run")
    shown = capsys.readouterr().out
    assert "tiny" in shown
    assert "epoch 2/2" in shown
    assert "validation IoU" in shown


def test_a_folder_in_use_is_refused_and_a_dead_ones_lock_is_not(recipe, tmp_path):
    folder = RunFolder(tmp_path / "run")
    with folder.open(recipe, resume=False), pytest.raises(CheckpointError, match=f"in use by process {os.getpid()}"):
        train(recipe, folder.path, resume=True, progress=False)
    (folder.path / "owner").write_text("999999")
    with RunFolder(folder.path).open(recipe, resume=True):
        assert (folder.path / "owner").read_text() == str(os.getpid())


def test_a_finished_run_is_not_overwritten_and_not_trained_again(recipe, whole):
    before = (whole / "model.safetensors").stat().st_mtime_ns
    with pytest.raises(CheckpointError, match="already holds a finished run: resume it, or choose another folder"):
        train(recipe, whole, progress=False)
    assert train(recipe, whole, resume=True, progress=False) == RunFolder(whole).read_result()
    assert (whole / "model.safetensors").stat().st_mtime_ns == before


def test_a_run_of_another_recipe_is_refused_by_what_differs(recipe, whole):
    with pytest.raises(CheckpointError, match=r"another recipe \(it differs in epochs, batch_size\)"):
        train(replace(recipe, epochs=9, batch_size=4), whole, resume=True, progress=False)
    with pytest.raises(CheckpointError, match=r"another recipe \(it differs in epochs\)"):
        train(replace(recipe, epochs=3), whole, resume=True, progress=False)


def test_a_folder_of_other_things_is_refused(recipe, tmp_path):
    (tmp_path / "thesis.tex").write_text("do not lose me")
    with pytest.raises(CheckpointError, match=r"is not empty and holds no run \(thesis.tex\)"):
        train(recipe, tmp_path, progress=False)


def test_a_path_that_cannot_be_a_folder_is_refused(recipe, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"cannot make the folder .*, since .*file is a file"):
        train(recipe, tmp_path / "file" / "run", progress=False)


@pytest.mark.parametrize("harm", ["truncate", "flip", "pickle"])
def test_a_harmed_checkpoint_is_refused(recipe, tmp_path, harm):
    with pytest.raises(InterruptedError):
        train(recipe, tmp_path / "run", progress=False, callbacks=[StopAfter(1)])
    path = tmp_path / "run" / "last.ckpt"
    good = path.read_bytes()
    if harm == "truncate":
        path.write_bytes(good[: len(good) // 2])
    elif harm == "flip":
        weight = good.find(load_file(tmp_path / "run" / "last.safetensors")["body.0.weight"].numpy().tobytes())
        path.write_bytes(good[:weight] + bytes([good[weight] ^ 1]) + good[weight + 1 :])
    else:
        torch.save({"state_dict": os.system}, path)
    with pytest.raises(CheckpointError, match="cannot be resumed from") as caught:
        train(recipe, tmp_path / "run", resume=True, progress=False)
    assert "\n" not in str(caught.value)


def test_checkpoints_hold_no_code(whole):
    checkpoint = AtomicCheckpointIO().load_checkpoint(whole / "last.ckpt")
    assert checkpoint["epoch"] == 3


def test_unknown_data_and_too_little_of_it_are_refused(recipe, discs, tmp_path):
    with pytest.raises(ConfigError, match="unknown dataset 'foldr'; did you mean 'folder'"):
        train(replace(recipe, data=replace(recipe.data, name="foldr")), tmp_path / "a", progress=False)
    with pytest.raises(ConfigError, match="'imagefolder' has classes and no masks"):
        train(replace(recipe, data=replace(recipe.data, name="imagefolder")), tmp_path / "c", progress=False)
    few = tmp_path / "few"
    for part in ("images", "masks"):
        (few / part).mkdir(parents=True)
        for name in ("00.png", "01.png"):
            (few / part / name).write_bytes((discs / part / name).read_bytes())
    with pytest.raises(DataError):
        train(replace(recipe, data=replace(recipe.data, root=str(few))), tmp_path / "b", progress=False)


@pytest.mark.skipif(find_spec("tensorboard") is not None, reason="tensorboard is installed")
def test_tensorboard_that_is_not_installed_is_named(recipe, tmp_path):
    with pytest.raises(MissingPackageError, match=r"edgewise\[tensorboard\]"):
        train(replace(recipe, tensorboard=True), tmp_path / "run", progress=False)


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard_writes_into_the_run(recipe, tmp_path):
    train(replace(recipe, tensorboard=True, epochs=1), tmp_path / "run", progress=False)
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_other_precisions_train(recipe, tmp_path, precision):
    machine = replace(recipe.machine, precision=precision)
    train(replace(recipe, epochs=1, machine=machine), tmp_path / "run", progress=False)
    kind = torch.float64 if precision == "64-true" else torch.float32
    assert load_file(tmp_path / "run" / "model.safetensors")["head.weight"].dtype == kind
