import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import lightning.pytorch as pl
import pytest
import torch
from safetensors.torch import load_file

from edgewise._ground.errors import CheckpointError, ConfigError, DataError, NonFiniteError
from edgewise.analysis import count_parameters
from edgewise.io import load_model
from edgewise.kan import KAN
from edgewise.models import create_model
from edgewise.vision import AdamW, Augment, Mix, Model, Recipe, RunFolder, evaluate, train, write_report
from edgewise.vision.training import loop
from tests.vision.training.test_run import StopAfter, assert_same_run

VARIED = {
    "plain": {},
    "mixed": {"mix": Mix(mixup=0.8, cutmix=1.0, probability=0.8), "smoothing": 0.1},
    "averaged": {"ema": 0.9, "optimiser": AdamW(learning_rate=1e-2, clip=0.5, warmup_epochs=1)},
    "strong": {"augment": Augment(crop="resized", flip=True, rand_augment="rand-m9-n2-mstd0.5-inc1", erase=0.5)},
}


def test_a_run_learns_and_leaves_its_files(recipe, tmp_path):
    result = train(replace(recipe, epochs=12), tmp_path / "run", progress=False)
    folder = RunFolder(tmp_path / "run")
    lines = folder.read_metrics()
    best = max(lines, key=lambda line: line["val_accuracy"])
    assert (result.best_epoch, result.best, result.score) == (best["epoch"], best["val_accuracy"], "val_accuracy")
    assert lines[-1]["train_loss"] < 0.6 * lines[0]["train_loss"]
    assert evaluate(folder.path).scores["top1"] > 0.8
    assert result == folder.read_result()
    assert folder.read_facts() == {"classes": ["bar", "dot", "stripe"]}
    assert Recipe.from_dict(json.loads(folder.config.read_text())["recipe"]) == replace(recipe, epochs=12)
    assert isinstance(load_model(folder.model), KAN)  # of rows, with all that can be done with it
    assert folder.kept_epochs() == {}


@pytest.mark.parametrize("kind", VARIED)
def test_resumed_it_ends_with_the_same_bits(recipe, tmp_path, kind):
    recipe = replace(recipe, **VARIED[kind])
    train(recipe, tmp_path / "whole", progress=False)
    with pytest.raises(InterruptedError):
        train(recipe, tmp_path / "run", progress=False, callbacks=[StopAfter(0)])
    torch.manual_seed(99)
    train(recipe, tmp_path / "run", resume=True, progress=False)
    assert_same_run(tmp_path / "whole", tmp_path / "run")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_workers_change_nothing(recipe, tmp_path):
    train(recipe, tmp_path / "whole", progress=False)
    train(replace(recipe, machine=replace(recipe.machine, workers=2)), tmp_path / "run", progress=False)
    assert_same_run(tmp_path / "whole", tmp_path / "run")


def test_networks_on_the_way_are_kept_where_asked(recipe, tmp_path):
    train(replace(recipe, epochs=4, keep_every=2), tmp_path / "run", progress=False)
    folder = RunFolder(tmp_path / "run")
    kept = folder.kept_epochs()
    assert list(kept) == [0, 2, 4]
    last = load_file(folder.last)
    assert all(torch.equal(tensor, last[name]) for name, tensor in load_file(kept[4]).items())
    assert any(not torch.equal(tensor, last[name]) for name, tensor in load_file(kept[0]).items())
    load_model(kept[0])


def test_the_average_is_what_is_kept(recipe, tmp_path):
    spied = []

    class Spy(pl.Callback):
        """Follows the average by its definition."""

        def on_train_start(self, trainer, pl_module):
            self.mean = [p.detach().clone() for p in pl_module.learner.network.parameters()]

        def on_train_batch_end(self, trainer, pl_module, *args):
            for mean, parameter in zip(self.mean, pl_module.learner.network.parameters(), strict=True):
                mean.mul_(0.9).add_(parameter.detach(), alpha=0.1)
            spied[:] = [self.mean, [p.detach().clone() for p in pl_module.learner.network.parameters()]]

    train(replace(recipe, ema=0.9), tmp_path / "run", progress=False, callbacks=[Spy()])
    mean, live = spied
    kept = load_model(tmp_path / "run" / "last.safetensors").parameters()
    for expected, other, parameter in zip(mean, live, kept, strict=True):
        torch.testing.assert_close(parameter.detach(), expected, rtol=1e-5, atol=1e-7)
        assert not torch.equal(parameter, other)


def test_a_run_starts_from_the_weights_of_another(recipe, tmp_path):
    train(replace(recipe, epochs=1), tmp_path / "first", progress=False)
    model = replace(recipe.model, start={"": str(tmp_path / "first")})
    train(replace(recipe, epochs=1, model=model, keep_every=1), tmp_path / "second", progress=False)
    first = load_file(tmp_path / "first" / "model.safetensors")
    started = load_file(tmp_path / "second" / "epochs" / "0000.safetensors")
    assert all(torch.equal(first[name], started[name]) for name in first)
    wider = replace(model, options={"width": [144, 7, 3]})
    with pytest.raises(CheckpointError, match="holds another network"):
        train(replace(recipe, model=wider), tmp_path / "third", progress=False)
    assert not (tmp_path / "third" / "config.json").exists()


def test_more_processes_than_cores_are_refused_before_any_starts(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(loop.os, "cpu_count", lambda: 2)
    machine = replace(recipe.machine, accelerator="cpu", devices=3)
    with pytest.raises(ConfigError, match=r"machine\.devices is 3 and each is a process on one of 2 cores"):
        train(replace(recipe, machine=machine), tmp_path / "run", progress=False)


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("strategy", "fsdp", "machine.strategy is 'fsdp' and must be one of auto, ddp, ddp_find_unused_parameters_true"),
        ("strategy", "ddpp", "machine.strategy is 'ddpp' and must be one of"),
        ("devices", 0, "machine.devices is 0 and must be a number above 0"),
        ("devices", "two", "machine.devices is 'two' and must be"),
        ("devices", "-1", "machine.devices is '-1' and must be"),
    ],
)
def test_a_machine_that_cannot_be_is_refused(recipe, setting, value, words):
    with pytest.raises(ConfigError, match=words):
        replace(recipe.machine, **{setting: value})


def test_accelerators_that_are_not_there_are_refused(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    machine = replace(recipe.machine, accelerator="gpu", devices="0,7")
    with pytest.raises(ConfigError, match=r"cannot train as the recipe says .*: change machine in it"):
        train(replace(recipe, machine=machine), tmp_path / "run", progress=False)


def test_batches_are_pinned_where_a_gpu_fetches_them(recipe, monkeypatch):
    for there in (False, True):
        monkeypatch.setattr("torch.cuda.is_available", lambda there=there: there)
        assert [replace(recipe.machine, accelerator=kind).pins for kind in ("auto", "gpu", "cpu")] == [there, there, False]


def test_pictures_lie_on_gpus_as_convolutions_want_them():
    pictures, scans = torch.zeros(2, 3, 4, 5), torch.zeros(2, 3, 4, 5, 6)
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert loop.in_order_of(pictures, cuda).is_contiguous(memory_format=torch.channels_last)
    assert loop.in_order_of(pictures, cpu) is pictures
    assert loop.in_order_of(scans, cuda) is scans


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one(recipe, tmp_path):
    """In doubles, so that another order of the same sums is all that can differ."""
    recipe = replace(recipe, epochs=2, augment=Augment(crop="pad", flip=True), keep_every=1)
    machine = replace(recipe.machine, precision="64-true", devices=1)
    train(replace(recipe, machine=machine), tmp_path / "one", progress=False)
    words = ["train", "mnist", "--run", str(tmp_path / "two")]
    values = replace(recipe, machine=replace(machine, devices=2, strategy="ddp")).to_dict()
    words += _words({key: value for key, value in values.items() if key not in ("task", "model")})
    words += ["--model.name", "kan", "--model.options", json.dumps(recipe.model.options)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"}
    command = [sys.executable, "-m", "edgewise", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("best epoch") == 1
    for name in ("last.safetensors", "model.safetensors", "epochs/0002.safetensors"):
        one, two = load_file(tmp_path / "one" / name), load_file(tmp_path / "two" / name)
        for key in one:
            torch.testing.assert_close(one[key], two[key], rtol=1e-10, atol=1e-12)
    for first, second in zip(*(RunFolder(tmp_path / run).read_metrics() for run in ("one", "two")), strict=True):
        for key in ("val_accuracy", "val_loss", "val_ece", "train_loss"):
            assert first[key] == pytest.approx(second[key], rel=1e-5), key


def _words(values: dict, prefix: str = "--") -> list[str]:
    """Settings as words of the command line."""
    words = []
    for name, value in values.items():
        option = f"{prefix}{name.replace('_', '-')}"
        if name == "options":
            words += [option, json.dumps(value)]
        elif isinstance(value, dict):
            words += _words(value, f"{option}.")
        elif isinstance(value, bool):
            words.append(option if value else f"{prefix}no-{name.replace('_', '-')}")
        else:
            words += [
                option,
                *("None" if item is None else str(item) for item in (value if isinstance(value, list) else [value])),
            ]
    return words


def test_a_number_that_is_not_finite_stops_it_and_names_the_picture(recipe, tmp_path, monkeypatch):
    real = torch.nn.functional.cross_entropy
    monkeypatch.setattr("torch.nn.functional.cross_entropy", lambda *args, **options: real(*args, **options) * float("nan"))
    with pytest.raises(NonFiniteError, match="the loss is not finite in epoch 0, step 0: first made by the loss"):
        train(recipe, tmp_path / "run", progress=False)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"data": {"classes": 4}}, ConfigError, "has 3 classes and data.classes is 4"),
        ({"data": {"name": "folder", "options": {}}}, DataError, "has no layout of dataset 'folder'"),
        ({"data": {"root": "/nowhere"}}, DataError, "/nowhere is not a folder"),
        ({"model": {"options": {"width": [144, 4]}}}, ConfigError, r"makes \(2, 4\) of 2 pictures, and 3 classes need"),
        ({"model": {"options": {"width": [7, 3]}}}, ConfigError, "144 numbers in a row"),
        ({"model": {"options": {"widht": [144, 3]}}}, ConfigError, "did you mean 'width'"),
        ({"batch_size": 50, "mix": Mix(mixup=1.0)}, DataError, "lower batch_size"),
    ],
)
def test_what_cannot_work_is_refused_and_leaves_no_run(recipe, tmp_path, change, error, message):
    changed = {
        key: replace(getattr(recipe, key), **value) if isinstance(value, dict) else value for key, value in change.items()
    }
    with pytest.raises(error, match=message):
        train(replace(recipe, **changed), tmp_path / "run", progress=False)
    with contextlib.suppress(FileNotFoundError):
        assert not (tmp_path / "run" / "config.json").exists()


def test_a_model_of_pictures_gets_what_the_data_says(recipe, tmp_path):
    recipe = replace(recipe, epochs=1, model=Model(name="cnn", options={"width": 4, "stages": 2}))
    result = train(recipe, tmp_path / "run", progress=False)
    options = load_model(tmp_path / "run" / "model.safetensors").config["options"]
    assert options == {"num_classes": 3, "in_channels": 1, "width": 4, "stages": 2}
    assert result.parameters == count_parameters(create_model("cnn", **options))


def test_neither_scored_nor_resumed_on_other_pictures(recipe, shapes, tmp_path):
    root = shutil.copytree(shapes, tmp_path / "mine")
    recipe = replace(recipe, data=replace(recipe.data, root=str(root)), epochs=2)
    train(recipe, tmp_path / "run", progress=False)
    with pytest.raises(InterruptedError):
        train(recipe, tmp_path / "stopped", progress=False, callbacks=[StopAfter(0)])
    (root / "train" / "dot" / "07.png").unlink()
    told = "1 of 84 pictures is missing, 0 are new and 0 changed, the first is 'train/dot/07.png'"
    for ask in (
        lambda: evaluate(tmp_path / "run"),
        lambda: train(recipe, tmp_path / "stopped", resume=True, progress=False),
        lambda: write_report([tmp_path / "run"], tmp_path / "report.html"),
    ):
        with pytest.raises(DataError, match=told):
            ask()
