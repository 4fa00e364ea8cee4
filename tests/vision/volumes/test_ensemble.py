"""Folds of volumes: all members see a scan in one way, and the mean is that of what each says."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest

from edgewise.vision import EnsembleFolder, Inference, Members, RunFolder, evaluate, predict, train_ensemble
from edgewise.vision.data.intensity import Intensity
from edgewise.vision.volumes.images import open_run
from edgewise.vision.volumes.sample import scans_of


def voxels(path):
    return np.asarray(nibabel.load(path).dataobj, np.float64).T


def test_members_see_scans_in_one_way_and_the_mean_is_that_of_their_probabilities(recipe, scans, tmp_path):
    percentiles = Intensity(scale="percentiles", low=2, high=98)  # of the set, which differ from fold to fold
    path, short = tmp_path / "run", replace(recipe, epochs=1, data=replace(recipe.data, intensity=percentiles))
    scores = train_ensemble(short, path, Members(folds=2), progress=False)
    folder = EnsembleFolder(path)
    facts, test = folder.read_facts(), scans_of(open_run(folder).test)
    for member in folder.members():
        own = RunFolder(member).read_facts()
        assert (own["window"], own["spacing"]) == (facts["window"], facts["spacing"])
    learned = {id for fold in folder.read_folds() for id in fold.sides["test"]}
    assert learned | {scan.id for scan in test} == {f"case{index}" for index in range(10)}
    raw = np.concatenate([voxels(scans / "imagesTr" / f"{id}_0000.nii.gz").ravel() for id in learned])
    assert facts["window"] == pytest.approx(np.percentile(raw, [2, 98]).tolist(), rel=1e-6)

    files = [scan.image for scan in test]
    done, *alone = (
        predict(run, files, tmp_path / run.name, inference=Inference(probabilities=True)).masks
        for run in (path, *folder.members())
    )
    overlaps = np.zeros((3, 2))
    for number, scan in enumerate(test):
        mean = np.mean([voxels(str(masks[number]).replace("mask", "probability")) for masks in alone], axis=0)
        np.testing.assert_allclose(voxels(str(done[number]).replace("mask", "probability")), mean, atol=1e-6)
        found, truth = voxels(done[number]), scan.read()[1]
        assert (found == mean.argmax(0)).mean() > 0.999  # but for ties
        for label in range(3):
            both, either = (found == label) & (truth == label), (found == label) | (truth == label)
            overlaps[label] += both.sum(), either.sum()
    assert scores.test.scores["iou"] == pytest.approx((overlaps[1:, 0] / overlaps[1:, 1]).mean())
    assert scores.test.unit == "mm"
    assert {case.id for case in scores.out_of_fold.cases} == learned
    assert evaluate(path).scores == scores.test.scores
