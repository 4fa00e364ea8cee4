"""Folds and seeds of classification: scored by scikit-learn from networks that are called one by one."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import metrics

from edgewise._ground.errors import CheckpointError, ConfigError, EdgewiseWarning
from edgewise.io import load_model
from edgewise.vision import AdamW, ClassificationRecipe, LabelledData, Machine, Model, compare_runs, evaluate, predict
from edgewise.vision.classification.images import view_of
from edgewise.vision.classification.opening import open_classifier
from edgewise.vision.data import create_dataset
from edgewise.vision.data.pictures import read_bytes
from edgewise.vision.ensembles.folder import EnsembleFolder, Members
from edgewise.vision.ensembles.run import train_ensemble
from edgewise.vision.ensembles.scoring import score_ensemble
from tests.vision.classification.conftest import SIDE
from tests.vision.ensembles.test_run import assert_same_ensemble, assert_same_if_killed

MEMBERS = Members(folds=2, seeds=2)


@pytest.fixture(scope="module")
def short(shapes, tmp_path_factory):
    groups = tmp_path_factory.mktemp("groups") / "patients.csv"
    pictures = create_dataset("imagefolder", shapes)
    groups.write_text("".join(f"{id},{id[:-6]}{int(id[-6:-4]) // 2}\n" for id in map(pictures.id, range(len(pictures)))))
    return ClassificationRecipe(
        data=LabelledData(
            name="imagefolder",
            root=str(shapes),
            options={"channels": 1, "groups": str(groups)},
            size=(SIDE, SIDE),
            channels=1,
            classes=3,
        ),
        model=Model(name="mlp", options={"width": [SIDE * SIDE, 3]}),
        optimiser=AdamW(learning_rate=1e-2),
        machine=Machine(accelerator="cpu"),
        class_weights="balanced",
        epochs=1,
        batch_size=12,
    )


@pytest.fixture(scope="module")
def whole(short, tmp_path_factory):
    path = tmp_path_factory.mktemp("ensembles") / "whole"
    return path, train_ensemble(short, path, MEMBERS, progress=False)


def chances(path, short, names, pictures):
    """The mean of the probabilities of members, (pictures, classes)."""
    seen = view_of(short.data)(pictures).flatten(1)
    with torch.no_grad():
        each = [load_model(path / name / "model.safetensors").eval()(seen).double().softmax(1) for name in names]
    return torch.stack(each).mean(0).numpy()


def assert_scores(found, labels, probabilities):
    named = probabilities.argmax(1)
    expected = {
        "top1": metrics.accuracy_score(labels, named),
        "balanced": metrics.balanced_accuracy_score(labels, named),
        "auc": metrics.roc_auc_score(labels, probabilities, multi_class="ovr"),
        "log_loss": metrics.log_loss(labels, probabilities),
    }
    assert {name: found.scores[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_folds_hold_whole_groups_and_classes_alike(whole, short):
    path, _ = whole
    dataset = create_dataset("imagefolder", short.data.root, **short.data.options)
    group = {dataset.id(index): dataset.groups[index] for index in range(len(dataset))}
    learned = {id for id in group if id.startswith("train")}
    held = []
    for inventory in EnsembleFolder(path).read_folds():
        sides = [list(inventory.sides[side]) for side in ("train", "validation", "test")]
        owners = [{group[id] for id in side} for side in sides]
        assert not owners[0] & owners[1] | owners[1] & owners[2] | owners[0] & owners[2]
        assert {id for side in sides for id in side} == learned
        assert [sum(f"/{name}/" in id for id in sides[2]) for name in dataset.classes] == [10, 10, 10]
        held += sides[2]
    assert sorted(held) == sorted(learned)
    assert set(EnsembleFolder(path).read_inventory().sides["test"]) == group.keys() - learned


def test_scores_are_scikit_learns_of_the_members_that_did_not_see_a_picture(whole, short):
    path, scores = whole
    dataset = create_dataset("imagefolder", short.data.root, **short.data.options)
    names = {fold: [name for name, number, _ in MEMBERS.names() if number == fold] for fold in range(2)}
    fold_of = {id: fold for fold in range(2) for id in EnsembleFolder(path).read_folds()[fold].sides["test"]}
    pool = [index for index in range(len(dataset)) if dataset.id(index) in fold_of]
    asked = [chances(path, short, names[fold_of[dataset.id(i)]], [dataset.pictures[i]])[0] for i in pool]
    assert_scores(scores.out_of_fold, dataset.labels[pool], np.stack(asked))
    assert [case.id for case in scores.out_of_fold.cases] == [dataset.id(index) for index in pool]
    assert [case.group for case in scores.out_of_fold.cases] == [dataset.groups[index] for index in pool]
    for fold in range(2):
        own = [place for place, index in enumerate(pool) if fold_of[dataset.id(index)] == fold]
        assert_scores(scores.folds[fold], dataset.labels[pool][own], np.stack(asked)[own])
    rest = [index for index in range(len(dataset)) if dataset.id(index) not in fold_of]
    mean = chances(path, short, [*names[0], *names[1]], [dataset.pictures[index] for index in rest])
    assert_scores(scores.test, dataset.labels[rest], mean)
    assert evaluate(path).scores == scores.test.scores
    told = json.loads((path / "scores.json").read_text())
    assert told == json.loads(json.dumps(scores.to_dict()))
    assert told["folds"][1]["intervals"].keys() == scores.folds[1].scores.keys()


def test_an_ensemble_names_pictures_by_the_mean_of_its_members(whole, short, shapes, tmp_path):
    path, _ = whole
    pictures = sorted((shapes / "val" / "dot").iterdir())[:3]
    mean = chances(path, short, [name for name, _, _ in MEMBERS.names()], list(map(read_bytes, pictures)))
    done = predict(path, pictures, tmp_path / "named")
    with done.table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("bar", "dot", "stripe")
    assert [(row["class"], row["probability"]) for row in rows] == [(names[p.argmax()], f"{p.max():.4f}") for p in mean]


def test_it_is_compared_with_one_of_its_members_on_the_same_pictures(whole):
    path, scores = whole
    found = compare_runs(path, path)
    assert found.first.scores == scores.test.scores
    assert {one.value for one in found.differences.values()} == {0.0}


class Stop(Exception):
    pass


def test_stopped_and_resumed_it_ends_with_the_same_bits(whole, short, tmp_path):
    def stop(name, result):
        if name == "fold0-seed1":
            raise Stop

    with pytest.raises(Stop):
        train_ensemble(short, tmp_path / "run", MEMBERS, progress=False, follow=stop)
    with pytest.raises(CheckpointError, match=r"lacks 2 of 4 members, the first is fold1-seed0"):
        evaluate(tmp_path / "run")
    train_ensemble(short, tmp_path / "run", MEMBERS, resume=True, progress=False)
    assert_same_ensemble(whole[0], tmp_path / "run")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_at_ten_random_moments_it_ends_with_the_same_bits(whole, short, tmp_path):
    assert_same_if_killed(whole[0], short, MEMBERS, tmp_path)


def test_runs_of_other_classes_are_refused(whole, tmp_path):
    one = whole[0] / "fold0-seed0"
    other = tmp_path / "other"
    other.mkdir()
    config = json.loads((one / "config.json").read_text())
    config["facts"]["classes"] = ["bar", "dot", "line"]
    (other / "config.json").write_text(json.dumps(config))
    for name in ("model.safetensors", "result.json"):
        (other / name).write_bytes((one / name).read_bytes())
    with pytest.raises(ConfigError, match=r"other knows the classes bar, dot, line and .*seed0 knows bar, dot, stripe"):
        open_classifier([one, other])


def test_a_list_of_pictures_that_is_lost_is_told(whole, tmp_path):
    for name in ("ensemble.json", "folds.json"):
        (tmp_path / name).write_bytes((whole[0] / name).read_bytes())
    with pytest.raises(CheckpointError, match=r"pictures\.json is lost, which says what the test side is: restore it"):
        score_ensemble(tmp_path)


def test_a_picture_that_is_in_the_test_side_too_is_told(short, tmp_path, shapes):
    root = tmp_path / "shapes"
    for side, kind, count in (("train", "bar", 8), ("train", "dot", 8), ("val", "bar", 2), ("val", "dot", 2)):
        (root / side / kind).mkdir(parents=True)
        for number in range(count):
            source = shapes / side / kind / f"{number:02d}.png"
            (root / side / kind / source.name).write_bytes(source.read_bytes())
    (root / "val" / "bar" / "00.png").write_bytes((root / "train" / "dot" / "03.png").read_bytes())
    data = replace(short.data, root=str(root), options={"channels": 1}, classes=2)
    recipe = replace(short, data=data, model=Model(name="mlp", options={"width": [SIDE * SIDE, 2]}))
    with pytest.warns(EdgewiseWarning, match=r"1 pictures of dataset 'imagefolder' are on two sides .* 'val/bar/00\.png'"):
        train_ensemble(recipe, tmp_path / "run", Members(folds=2), progress=False)
