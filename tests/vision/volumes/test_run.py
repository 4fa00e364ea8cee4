"""Training, scoring and predicting of volumes, from files to files."""

import json
import shutil
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from edgewise import ConfigError, DataError
from edgewise._ground.errors import EdgewiseWarning
from edgewise.vision import (
    Decision,
    Inference,
    Model,
    RunFolder,
    VolumeData,
    VolumeRecipe,
    create_recipe,
    deploy,
    evaluate,
    predict,
    train,
    write_report,
)
from edgewise.vision.data import create_dataset
from edgewise.vision.volumes.images import VolumeImages


@pytest.fixture
def run(recipe, tmp_path):
    train(recipe, tmp_path / "run", progress=False)
    return tmp_path / "run"


def counts(prediction, truth, label):
    """An independent count: hits, false and missed voxels."""
    one, other = prediction == label, truth == label
    return np.array([(one & other).sum(), (one & ~other).sum(), (~one & other).sum()])


def test_scores_of_each_class_are_an_independent_count(run, recipe, scans, tmp_path):
    """On scans of unequal spacing: the masks that are written, counted by numpy."""
    found = evaluate(run)
    ids = [case.id for case in found.cases]
    assert len(ids) == 2
    done = predict(run, [scans / "imagesTr" / f"{id}_0000.nii.gz" for id in ids], tmp_path / "out")
    sums = np.zeros((2, 3))
    for id, path in zip(ids, done.masks, strict=True):
        written, truth = nibabel.load(path), nibabel.load(scans / "labelsTr" / f"{id}.nii.gz")
        assert written.shape == truth.shape
        np.testing.assert_allclose(written.affine, truth.affine, atol=1e-5)
        assert written.get_data_dtype() == np.uint8
        sums += [counts(np.asanyarray(written.dataobj), np.asanyarray(truth.dataobj), label) for label in (1, 2)]
    for one, (hit, false, missed) in zip(found.classes, sums, strict=True):
        assert one.pixels == hit + missed
        assert one.predicted == hit + false
        assert one.iou == pytest.approx(hit / (hit + false + missed))
        assert one.scores["f1"] == pytest.approx(2 * hit / (2 * hit + false + missed))
    assert [one.name for one in found.classes] == ["small", "large"]
    assert found.unit == "mm"
    assert found.scores["iou"] > 0.2, "it has learned something"


def test_a_run_notes_how_it_reads_scans(run, recipe):
    facts = RunFolder(run).read_facts()
    train_ids = RunFolder(run).read_inventory().sides["train"]
    depths = [2.0 + int(id.removeprefix("case")) % 3 for id in train_ids]
    np.testing.assert_allclose(facts["spacing"], [np.median(depths), 0.8, 1.0])
    assert facts["scale"] == {"kind": "deviations", "count": 4.0}
    assert facts["legend"]["names"] == ["background", "small", "large"]


def test_a_folder_of_slices_gives_what_the_same_scan_in_nifti_gives(run, scans, write_series, tmp_path):
    """DICOM's rows run to the back and those of this file to the front: the network sees one thing."""
    image = nibabel.load(scans / "imagesTr" / "case3_0000.nii.gz")
    array = np.asanyarray(image.dataobj).T  # z, y, x; x to the right, y to the front
    x, y, z = nibabel.affines.voxel_sizes(image.affine)
    first = image.affine @ (array.shape[2] - 1, array.shape[1] - 1, 0, 1)
    write_series(tmp_path / "dicom", array[:, ::-1, ::-1], (z, y, x), origin=tuple(first[:3] * (-1, -1, 1)), change=plain)
    done = predict(run, [scans / "imagesTr" / "case3_0000.nii.gz", tmp_path / "dicom"], tmp_path / "out")
    one, other = (nibabel.load(path) for path in done.masks)
    assert [path.name for path in done.masks] == ["case3_0000_mask.nii.gz", "dicom_mask.nii.gz"]
    np.testing.assert_array_equal(np.asanyarray(one.dataobj), np.asanyarray(other.dataobj)[::-1, ::-1])
    np.testing.assert_allclose(
        one.affine @ (0, 0, 0, 1), other.affine @ (array.shape[2] - 1, array.shape[1] - 1, 0, 1), atol=1e-4
    )


def plain(index, one):
    one.RescaleSlope, one.RescaleIntercept = 1, 0


def test_several_runs_are_averaged(recipe, run, scans, tmp_path):
    train(replace(recipe, seed=5), tmp_path / "other", progress=False)
    scan, asked = scans / "imagesTr" / "case0_0000.nii.gz", Inference(probabilities=True)
    found = []
    for name, runs in {"one": [run], "two": [tmp_path / "other"], "both": [run, tmp_path / "other"]}.items():
        predict(runs, [scan], tmp_path / name, inference=asked)
        found.append(nibabel.load(tmp_path / name / "case0_0000_probability.nii.gz").get_fdata())
    np.testing.assert_allclose(found[2], (found[0] + found[1]) / 2, atol=1e-6)


def test_runs_of_other_channels_are_not_averaged(run, scans, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(run, other)
    config = json.loads((other / "config.json").read_text())
    config["recipe"]["data"]["channels"] = 2
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match=r"takes scans of 2 channels and .* of 1: predict one by one"):
        predict([run, other], [scans / "imagesTr" / "case0_0000.nii.gz"], tmp_path / "out")


def test_a_stopped_run_goes_on_with_the_same_bits(recipe, tmp_path):
    train(recipe, tmp_path / "whole", progress=False)
    train(replace(recipe, epochs=1), tmp_path / "part", progress=False)
    folder = RunFolder(tmp_path / "part")
    folder.result.unlink()
    config = json.loads(folder.config.read_text())
    train(replace(recipe, epochs=2), tmp_path / "part", resume=True, progress=False)
    assert config["facts"] == RunFolder(tmp_path / "part").read_facts()
    longer = RunFolder(tmp_path / "part").read_metrics()
    assert len(longer) == 2


def test_a_report_and_a_deployment(run, tmp_path):
    report = write_report([run], tmp_path / "report.html")
    page = report.html.read_text()
    assert "small" in page
    assert "large" in page
    assert report.overview.read_bytes()[:4] == b"\x89PNG"
    known = deploy(run)
    assert known.metadata["input"]["axes"] == "LPS"
    assert known.metadata["output"]["classes"] == ["background", "small", "large"]
    assert known.example.shape == (2, 1, 6, 16, 16)


def test_a_deployment_says_all_of_the_decision(run, recipe):
    folder, decision = RunFolder(run), Decision((0.4, 0.6), (5,), largest_component=True)
    folder.write_config(replace(recipe, decision=decision), folder.read_facts())
    made = deploy(run).metadata["output"]
    said = {"decision": "threshold", "threshold": [0.4, 0.6], "smallest": [5], "largest_component": True}
    assert {name: made[name] for name in said} == said


def test_scans_whose_classes_have_other_numbers_are_refused(run, scans, tmp_path):
    shutil.copytree(scans, tmp_path / "other")
    (tmp_path / "other" / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "large": 1, "small": 2}}))
    with pytest.raises(DataError, match=r"'large' as class 1 and the run as class 2: .* 0 background, 1 small, 2 large"):
        evaluate(run, create_dataset("volumes", tmp_path / "other"))


def test_the_scores_of_other_scans(run, scans):
    dataset = create_dataset("volumes", scans)
    with pytest.warns(UserWarning, match="are on the training or validation side"):
        found = evaluate(run, dataset)
    assert len(found.cases) == 10


def test_pictures_and_volumes_are_not_mixed_up(recipe, scans, tmp_path, run):
    pictures = create_recipe("folder")
    pictures = replace(pictures, data=replace(pictures.data, name="volumes", root=str(scans)))
    with pytest.raises(ConfigError, match="has volumes and no pictures: train a recipe of volumes"):
        train(pictures, tmp_path / "a")
    with pytest.raises(ConfigError, match=r"'unet' makes logits for each pixel of a picture, and .* each voxel"):
        train(replace(recipe, model=Model(name="unet")), tmp_path / "b", progress=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": 2}, "hold class 2 .* data.classes is 2: set"),
        ({"channels": 2}, r"case\d_0000.nii.gz has 1 channels and data.channels is 2"),
        ({"options": {"groups": "(nothing)"}}, "group"),
    ],
)
def test_what_does_not_fit_is_told_before_training(recipe, tmp_path, change, message):
    names = {"names": ("background", "ball")} if "classes" in change else {}
    with pytest.raises((DataError, ConfigError), match=message):
        train(replace(recipe, data=replace(recipe.data, **change, **names)), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_settings_that_cannot_be():
    with pytest.raises(ConfigError, match=r"oversample is 0\.5 and must be none for volumes"):
        VolumeRecipe(oversample=0.5)
    for name, value, message in [
        ("fit", "pad", "data.fit is 'pad' and must be tiles"),
        ("spacing", (1.0, 0.0, 1.0), "three positive numbers of mm"),
        ("foreground", 1.5, "from 0 to 1"),
        ("patches", 0, "at least 1"),
    ]:
        with pytest.raises(ConfigError, match=message):
            VolumeData(**{name: value})


def test_a_scan_that_was_learned_from_is_known_with_another_mask_and_in_another_file(recipe, scans, tmp_path):
    images = VolumeImages(recipe)
    root, names = tmp_path / "other", [next(iter(images.inventory.sides[side])) for side in ("train", "test")]
    for part, source, ending in (("images", "imagesTr", "_0000"), ("masks", "labelsTr", "")):
        (root / part).mkdir(parents=True)
        for name in names:
            image = nibabel.load(scans / source / f"{name}{ending}.nii.gz")
            array = np.asanyarray(image.dataobj)[::-1]  # as a conversion may mirror it
            other = array if part == "images" else 2 - array
            nibabel.save(nibabel.Nifti1Image(other, mirrored(image)), root / part / f"{name}.nii")
    with pytest.warns(EdgewiseWarning, match=f"1 of 2 pictures of .* the first is {names[0]!r}"):
        images.inventory.warn_of_learned(create_dataset("volumes", root))


def mirrored(image):
    affine = image.affine.copy()
    affine[:3, 3] += affine[:3, 0] * (image.shape[0] - 1)
    affine[:3, 0] *= -1
    return affine


def test_a_scan_on_two_sides_is_refused_whatever_its_masks(recipe, scans, tmp_path):
    root = tmp_path / "scans"
    shutil.copytree(scans, root)
    for part, ending in (("imagesT", "_0000"), ("labelsT", "")):
        (root / f"{part}s").mkdir()
        shutil.copy(root / f"{part}r" / f"case3{ending}.nii.gz", root / f"{part}s" / f"again{ending}.nii.gz")
    labels = nibabel.load(root / "labelsTr" / "case3.nii.gz")
    changed = nibabel.Nifti1Image(2 - np.asanyarray(labels.dataobj), labels.affine)
    nibabel.save(changed, root / "labelsTs" / "again.nii.gz")
    with pytest.raises(DataError, match=r"'case3' \(.*\) and 'again' \(test\) of 'volumes' are the same scan"):
        VolumeImages(replace(recipe, data=replace(recipe.data, root=str(root))))
