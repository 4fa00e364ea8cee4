"""Training, scoring and predicting of scans slice by slice, from files to files."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest
from torch import nn

from edgewise import DataError
from edgewise.models import Pictures
from edgewise.models.registry import MODELS
from edgewise.vision import (
    Adam,
    EnsembleFolder,
    Inference,
    Intensity,
    Machine,
    Members,
    Model,
    RunFolder,
    SliceData,
    SliceRecipe,
    create_recipe,
    deploy,
    evaluate,
    predict,
    train,
    train_ensemble,
    write_report,
)
from edgewise.vision.data import create_dataset
from edgewise.vision.volumes.sliced.images import SliceImages


class Tiny(nn.Module):
    """A network of pictures that trains in a second."""

    def __init__(self, in_channels=1, num_classes=1):
        super().__init__()
        self.config = {"name": "tiny2d", "options": {"in_channels": in_channels, "num_classes": num_classes}}
        self.body = nn.Sequential(nn.Conv2d(in_channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Conv2d(8, num_classes, 1)

    def forward(self, x):
        return self.head(self.body(x))


@pytest.fixture(scope="module")
def recipe(scans):
    MODELS.register("tiny2d", takes=Pictures(dense=True))(Tiny)
    yield SliceRecipe(
        data=SliceData(root=str(scans), size=(20, 20), classes=3),
        model=Model(name="tiny2d"),
        optimiser=Adam(learning_rate=0.05),
        machine=Machine(accelerator="cpu"),
        epochs=2,
    )
    MODELS.unregister("tiny2d")


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    path = tmp_path_factory.mktemp("sliced") / "run"
    train(recipe, path, progress=False)
    return path


def test_all_slices_of_a_scan_are_on_its_side(recipe, scans):
    images = SliceImages(recipe)
    depths = {path.name.split(".")[0]: nibabel.load(path).shape[2] for path in (scans / "labelsTr").iterdir()}
    for side, part in (("train", images.train), ("validation", images.validation)):
        ids = [part[index]["id"].split("/") for index in range(len(part))]
        assert {scan for scan, _ in ids} == set(images.inventory.sides[side])
        for scan in images.inventory.sides[side]:
            assert [int(number) for name, number in ids if name == scan] == list(range(depths[scan]))


def test_a_scan_becomes_a_mask_on_its_own_grid_and_scores_are_those_of_whole_scans(run, scans, tmp_path):
    found = evaluate(run)
    ids = [case.id for case in found.cases]
    done = predict(run, [scans / "imagesTr" / f"{id}_0000.nii.gz" for id in ids], tmp_path / "out")
    assert ids == list(RunFolder(run).read_inventory().sides["test"])
    counts = np.zeros((2, 3))
    for id, path in zip(ids, done.masks, strict=True):
        written, truth = nibabel.load(path), nibabel.load(scans / "labelsTr" / f"{id}.nii.gz")
        np.testing.assert_allclose(written.affine, truth.affine, atol=1e-5)
        one, other = np.asanyarray(written.dataobj), np.asanyarray(truth.dataobj)
        counts += [[((one == k) & (other == k)).sum(), (one == k).sum(), (other == k).sum()] for k in (1, 2)]
    for scores, (hit, predicted, true) in zip(found.classes, counts, strict=True):
        assert scores.iou == pytest.approx(hit / (predicted + true - hit))
    assert found.unit == "mm"
    assert found.scores["iou"] > 0.1, "it has learned something"


def test_slices_are_mirrored_where_asked(run, scans, tmp_path):
    """The mean of what is made of a scan and of its mirror."""
    path = scans / "imagesTr" / "case0_0000.nii.gz"
    image = nibabel.load(path)
    nibabel.save(nibabel.Nifti1Image(np.asanyarray(image.dataobj)[::-1], image.affine), tmp_path / "mirror.nii.gz")
    one, other, mean = (
        nibabel.load(tmp_path / name / f"{stem}_probability.nii.gz").get_fdata()
        for name, stem, file, turned in (
            ("one", "case0_0000", path, False),
            ("other", "mirror", tmp_path / "mirror.nii.gz", False),
            ("mean", "case0_0000", path, True),
        )
        if predict(run, [file], tmp_path / name, inference=Inference(turned=turned, probabilities=True))
    )
    np.testing.assert_allclose(mean, (one + other[::-1]) / 2, atol=1e-6)


def test_a_report_and_a_deployment(run, tmp_path):
    assert "large" in write_report([run], tmp_path / "report.html").html.read_text()
    known = deploy(run)
    assert known.metadata["task"] == "slices"
    assert known.metadata["input"]["slices"]["plane"] == "axial"
    assert known.example.shape == (2, 1, 20, 20)


def test_a_folder_of_scans_is_told_what_takes_it(scans):
    with pytest.raises(DataError, match=r"holds scans such as .*nii\.gz and no pictures; train the recipe `slices`"):
        create_dataset("folder", scans)
    assert create_recipe("slices").task == "slices"


def test_folds_are_of_scans_and_all_members_see_a_scan_in_one_way(recipe, tmp_path):
    short = replace(recipe, epochs=1, data=replace(recipe.data, intensity=Intensity()))  # from the smallest of the set
    scores = train_ensemble(short, tmp_path / "run", Members(folds=2), progress=False)
    first, second = EnsembleFolder(tmp_path / "run").members()
    assert RunFolder(first).read_facts()["window"] == RunFolder(second).read_facts()["window"]
    one, two = (set(RunFolder(run).read_inventory().sides["test"]) for run in (first, second))
    assert not one & two
    assert {case.id for case in scores.out_of_fold.cases} == one | two
    assert len(one | two) + len(scores.test.cases) == 10
