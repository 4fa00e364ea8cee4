"""An ensemble from its folds to its scores: what each member sees, and that it ends with the same bits if it was killed."""

import json
import multiprocessing
import random
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from edgewise._ground.errors import CheckpointError, ConfigError, DataError, EdgewiseWarning
from edgewise.io import load_model
from edgewise.vision import RunFolder, evaluate, predict
from edgewise.vision.data import create_dataset
from edgewise.vision.ensembles.folder import EnsembleFolder, Members
from edgewise.vision.ensembles.run import train_ensemble
from edgewise.vision.segmentation.images import open_run
from tests.vision.training.test_run import assert_same_run

MEMBERS = Members(folds=2, seeds=2)


@pytest.fixture
def short(recipe):
    return replace(recipe, epochs=2, optimiser=replace(recipe.optimiser, learning_rate=0.03))


@pytest.fixture
def whole(short, tmp_path):
    """An ensemble that was never stopped, with its scores."""
    return tmp_path / "whole", train_ensemble(short, tmp_path / "whole", MEMBERS, progress=False)


def assert_same_ensemble(one, other):
    """The same bits in every file, but for the seconds that were measured."""
    names = {str(path.relative_to(one)) for path in one.rglob("*") if path.is_file()}
    assert names == {str(path.relative_to(other)) for path in other.rglob("*") if path.is_file()}
    timed = ("metrics.jsonl", "result.json", "last.ckpt")
    for name in names:
        if not name.endswith(timed):
            assert (one / name).read_bytes() == (other / name).read_bytes(), name
    for name, _, _ in EnsembleFolder(one).read_members().names():
        assert_same_run(one / name, other / name)
        first, second = (RunFolder(path / name).read_result() for path in (one, other))
        assert replace(first, seconds=0) == replace(second, seconds=0)


def test_members_are_runs_that_see_other_folds_alone(whole, short, discs):
    path, scores = whole
    folder = EnsembleFolder(path)
    dataset = create_dataset("folder", discs)
    held = set(open_run(folder).test.ids)
    assert held == set(dataset.split(short.data.split_seed).test.ids)
    folds = {0: set(), 1: set()}
    for name, fold, seed in MEMBERS.names():
        member = folder.member(name)
        sides = member.read_inventory().sides
        assert member.read_recipe() == replace(short, seed=short.seed + seed)
        assert held <= set(sides["unused"])
        folds[fold] = set(sides["test"])
        assert len(sides["train"]) > len(sides["validation"]) > 0
    assert folds[0] | folds[1] | held == set(dataset.ids)
    assert not folds[0] & folds[1]
    weights = [load_model(folder.member(name).model).head.weight for name, _, _ in MEMBERS.names()]
    assert len({weight.detach().numpy().tobytes() for weight in weights}) == 4
    assert len(scores.out_of_fold.cases) == len(folds[0] | folds[1])
    assert json.loads(folder.scores.read_text()) == json.loads(json.dumps(scores.to_dict()))


def test_scores_are_those_of_the_mean_of_the_members_that_did_not_see_a_picture(whole, discs):
    path, scores = whole
    folder, dataset = EnsembleFolder(path), create_dataset("folder", discs)
    unseen = {name: set(folder.member(name).read_inventory().sides["test"]) for name, _, _ in MEMBERS.names()}
    networks = {name: load_model(folder.member(name).model).eval() for name in unseen}

    def iou(samples, asked):
        """Over all pixels, from networks called one by one."""
        both = either = 0
        for sample in samples:
            image, truth = sample.read()
            inputs = torch.from_numpy((image - 0.5) / 0.25)[None]
            with torch.no_grad():
                shares = [networks[name](inputs).sigmoid()[0, 0].double().numpy() for name in asked(sample.id)]
            found = np.mean(shares, 0) > 0.5
            both, either = both + (found & (truth > 0)).sum(), either + (found | (truth > 0)).sum()
        return both / either

    cases = [sample for sample in dataset if any(sample.id in ids for ids in unseen.values())]
    own = iou(cases, lambda id: [name for name, ids in unseen.items() if id in ids])
    assert scores.out_of_fold.scores["iou"] == pytest.approx(own, abs=1e-4)
    assert [case.id for case in scores.out_of_fold.cases] == [sample.id for sample in cases]
    test = iou(open_run(folder).test, lambda id: list(unseen))
    assert scores.test.scores["iou"] == pytest.approx(test, abs=1e-4)
    each = [fold.scores["iou"] for fold in scores.folds]
    spread = scores.spread()["iou"]
    assert (spread["mean"], spread["deviation"]) == pytest.approx((np.mean(each), np.std(each, ddof=1)))
    assert (spread["smallest"], spread["largest"]) == (min(each), max(each))
    assert evaluate(path).scores == scores.test.scores


def test_an_ensemble_predicts_as_a_run_does(whole, discs, tmp_path):
    path, _ = whole
    done = predict(path, [discs / "images" / "00.png"], tmp_path / "masks")
    image, _ = create_dataset("folder", discs)[0].read()
    inputs = torch.from_numpy((image - 0.5) / 0.25)[None]
    networks = [load_model(EnsembleFolder(path).member(name).model).eval() for name, _, _ in MEMBERS.names()]
    with torch.no_grad():
        mean = torch.stack([network(inputs).sigmoid() for network in networks]).mean(0)[0, 0]
    sure = abs(mean - 0.5) > 1e-5
    mask = np.array(Image.open(done.masks[0]))
    assert ((mask == 255) == (mean.numpy() > 0.5))[sure.numpy()].all()


class Stop(Exception):
    pass


@pytest.mark.parametrize("after", ["fold1-seed0"])
def test_stopped_between_members_it_goes_on(whole, short, discs, tmp_path, after):
    def stop(name, result):
        if name == after:
            raise Stop

    with pytest.raises(Stop):
        train_ensemble(short, tmp_path / "run", MEMBERS, progress=False, follow=stop)
    with pytest.warns(EdgewiseWarning, match="lacks 1 of 4 members, the first is fold1-seed1"):
        predict(tmp_path / "run", [discs / "images" / "00.png"], tmp_path / "masks")
    train_ensemble(short, tmp_path / "run", MEMBERS, resume=True, progress=False)
    assert_same_ensemble(whole[0], tmp_path / "run")


def test_more_seeds_and_more_epochs_are_added_to_what_is_there(whole, short, tmp_path):
    one = Members(folds=2, seeds=1)
    train_ensemble(short, tmp_path / "run", one, progress=False)
    before = (tmp_path / "run" / "fold0-seed0" / "model.safetensors").stat().st_mtime_ns
    train_ensemble(short, tmp_path / "run", MEMBERS, resume=True, progress=False)
    assert (tmp_path / "run" / "fold0-seed0" / "model.safetensors").stat().st_mtime_ns == before
    assert_same_ensemble(whole[0], tmp_path / "run")
    train_ensemble(replace(short, epochs=3), tmp_path / "run", MEMBERS, resume=True, progress=False)
    assert {RunFolder(tmp_path / "run" / name).read_result().epochs for name, _, _ in MEMBERS.names()} == {3}


def test_more_epochs_leave_members_that_patience_stopped_as_they_are(short, tmp_path):
    folds, patient = Members(folds=2), replace(short, epochs=12, patience=1)
    train_ensemble(patient, tmp_path / "run", folds, progress=False)
    names = [name for name, _, _ in folds.names()]
    before = {name: RunFolder(tmp_path / "run" / name).read_result().epochs for name in names}
    assert min(before.values()) < 12
    train_ensemble(replace(patient, epochs=14), tmp_path / "run", folds, resume=True, progress=False)
    for name, epochs in before.items():
        now = RunFolder(tmp_path / "run" / name).read_result().epochs
        assert now == epochs if epochs < 12 else now > 12


def test_another_ensemble_is_refused_by_what_differs(whole, short):
    path, _ = whole
    with pytest.raises(CheckpointError, match="already holds an ensemble: resume it, or choose another folder"):
        train_ensemble(short, path, MEMBERS, progress=False)
    with pytest.raises(CheckpointError, match=r"another ensemble \(it differs in batch_size, folds\)"):
        train_ensemble(replace(short, batch_size=3), path, Members(folds=3, seeds=2), resume=True, progress=False)
    with pytest.raises(CheckpointError, match=r"another ensemble \(it differs in seeds\)"):
        train_ensemble(short, path, Members(folds=2, seeds=1), resume=True, progress=False)
    with pytest.raises(CheckpointError, match=r"config\.json does not exist"):
        RunFolder(path).read_recipe()


def test_a_refused_start_leaves_no_folder(short, tmp_path):
    with pytest.raises(DataError, match=r"40 folds need 41 images beside the test side and dataset 'folder' has 24"):
        train_ensemble(short, tmp_path / "run", Members(folds=40), progress=False)
    assert not (tmp_path / "run").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("do not lose me")
    with pytest.raises(CheckpointError, match=r"is not empty and holds no ensemble \(thesis\.tex\)"):
        train_ensemble(short, tmp_path / "other", progress=False)
    with pytest.raises(ConfigError, match="folds is 1 and must be at least 2"):
        Members(folds=1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_at_ten_random_moments_it_ends_with_the_same_bits(whole, short, tmp_path):
    assert_same_if_killed(whole[0], short, MEMBERS, tmp_path)


def assert_same_if_killed(whole, recipe, members, tmp_path):
    """The same bits in every file, where it was killed ten times."""
    began, path = time.perf_counter(), tmp_path / "run"
    train_ensemble(recipe, tmp_path / "timed", members, progress=False)
    span, draw, context, kills = time.perf_counter() - began, random.Random(0), multiprocessing.get_context("fork"), 0
    options = {"resume": True, "progress": False}
    while kills < 10:
        child = context.Process(target=train_ensemble, args=(recipe, path, members), kwargs=options)
        child.start()
        child.join(draw.uniform(0.02, 0.25) * span)
        if child.is_alive():
            child.kill()
            child.join()
            assert child.exitcode == -signal.SIGKILL
            kills += 1
        else:  # done before the last moment: once more from the start
            assert child.exitcode == 0
            assert_same_ensemble(whole, path)
            path = path.with_name(f"{path.name}_")
    train_ensemble(recipe, path, members, **options)
    assert_same_ensemble(whole, path)
    assert not list(path.rglob(".*"))
