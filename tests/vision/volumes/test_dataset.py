import json
import shutil

import nibabel
import numpy as np
import pytest

from edgewise import ConfigError, DataError
from edgewise.cli import main
from edgewise.vision.data import create_dataset
from edgewise.vision.volumes import VolumeSample
from edgewise.vision.volumes.describe import describe_volumes


def write(path, array, affine=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, np.diag([1.0, 2, 3, 1]) if affine is None else affine), path)


def test_folders_of_nnunet(scans):
    dataset = create_dataset("volumes", scans)
    assert dataset.ids[0] == "case0"
    assert dataset.legend.names == ("background", "small", "large")
    truth = np.asanyarray(nibabel.load(scans / "labelsTr" / "case4.nii.gz").dataobj).T
    image, mask = dataset[4].read()
    np.testing.assert_array_equal(mask, truth)
    assert image.array.shape == (1, *truth.shape)
    assert dataset[4].measured().spacing == pytest.approx((3.0, 0.8, 1.0))
    split = dataset.split()
    assert (len(split.train), len(split.validation), len(split.test)) == (7, 1, 2)


def test_channels_in_files_and_a_test_side(tmp_path):
    rng = np.random.default_rng(0)
    parts = {name: rng.normal(size=(4, 5, 6)).astype(np.float32) for name in ("a_0000", "a_0001", "b_0000", "b_0001")}
    for name, array in parts.items():
        write(tmp_path / "imagesTr" / f"{name}.nii.gz", array)
    for name in ("a", "b"):
        write(tmp_path / "labelsTr" / f"{name}.nii.gz", (parts[f"{name}_0000"] > 0).astype(np.uint8))
    shutil.copytree(tmp_path / "imagesTr", tmp_path / "imagesTs")
    shutil.copytree(tmp_path / "labelsTr", tmp_path / "labelsTs")
    for path in (*(tmp_path / "imagesTs").iterdir(), *(tmp_path / "labelsTs").iterdir()):
        path.rename(path.with_name(f"t{path.name}"))
    dataset = create_dataset("volumes", tmp_path)
    assert dataset.channels == 2
    assert [(sample.id, sample.side) for sample in dataset] == [
        ("a", "train"),
        ("b", "train"),
        ("ta", "test"),
        ("tb", "test"),
    ]
    np.testing.assert_array_equal(dataset[1].read_image().array, np.stack([parts["b_0000"].T, parts["b_0001"].T]))


def test_patients_by_the_names_of_scans_or_a_table(scans, tmp_path):
    """Of files called ``case3_0000.nii.gz``, whose own stem says nothing of patients."""
    assert [sample.group for sample in create_dataset("volumes", scans, groups=r"case(\d)")] == list("0123456789")
    lines = [f"case{i}_0000.nii.gz,p{i // 2}" if i % 2 else f"case{i},p{i // 2}" for i in range(10)]
    (tmp_path / "groups.csv").write_text("\n".join(lines))
    found = create_dataset("volumes", scans, groups=str(tmp_path / "groups.csv"))
    assert [sample.group for sample in found] == [f"p{i // 2}" for i in range(10)]
    with pytest.raises(DataError, match=r"'case0' does not fit .* give a pattern that every name fits as a whole"):
        create_dataset("volumes", scans, groups="(case)")


def test_folders_of_slices_with_masks_in_nifti(tmp_path, write_series):
    pixels = np.random.default_rng(0).integers(0, 100, (3, 4, 5))
    write_series(tmp_path / "images" / "p1", pixels, spacing=(3.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0))
    write(tmp_path / "masks" / "p1.nii.gz", (pixels.T > 50).astype(np.uint8) * 255, np.diag([-1.0, -1, 3, 1]))
    with pytest.raises(ConfigError, match="mask_values 'binary' has no void and void is 2"):
        create_dataset("volumes", tmp_path, mask_values="binary", void=2)
    (sample,) = create_dataset("volumes", tmp_path, mask_values="binary")
    np.testing.assert_array_equal(sample.read()[1], pixels > 50)
    assert len(sample.files) == 4
    with pytest.raises(DataError, match=r"holds the label 255\.0 and classes are whole numbers") as caught:
        create_dataset("volumes", tmp_path)[0].read()
    assert "p1.nii.gz" in str(caught.value)


def test_what_is_amiss_is_told(tmp_path, scans):
    with pytest.raises(ConfigError, match="dataset 'volumes' needs its folder"):
        create_dataset("volumes")
    with pytest.raises(DataError, match="has no folder of scans; put them into imagesTr or images"):
        create_dataset("volumes", tmp_path)
    with pytest.raises(ConfigError, match="mask_values='soft' of volumes must be"):
        create_dataset("volumes", scans, mask_values="soft")
    write(tmp_path / "images" / "a.nii.gz", np.zeros((4, 5, 6), np.int16))
    with pytest.raises(DataError, match=r"has no masks beside it; put them into .*masks, named as their scans"):
        create_dataset("volumes", tmp_path)
    write(tmp_path / "masks" / "b.nii.gz", np.zeros((4, 5, 6), np.uint8))
    with pytest.raises(DataError, match=r"a\.nii\.gz has no mask; put .*masks.a\.nii\.gz there"):
        create_dataset("volumes", tmp_path)
    write(tmp_path / "masks" / "a.nii.gz", np.zeros((4, 5, 7), np.uint8))
    with pytest.raises(DataError, match=r"a\.nii\.gz has 7 x 5 x 4 voxels and .* 6 x 5 x 4; resample it to the same grid"):
        create_dataset("volumes", tmp_path)[0].read()
    write(tmp_path / "masks" / "a.nii.gz", np.zeros((4, 5, 6), np.uint8), np.diag([1.0, 2, 4, 1]))
    with pytest.raises(DataError, match="lie 6 mm apart; resample it"):
        create_dataset("volumes", tmp_path)[0].read()
    with pytest.raises(DataError, match="has no mask; give it one"):
        VolumeSample("a", tmp_path / "images" / "a.nii.gz").read()
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "whole": [1, 2]}}))
    with pytest.raises(DataError, match="regions of several labels are not read"):
        create_dataset("volumes", tmp_path)


def test_spacing_is_told_along_the_body_however_a_scan_was_cut(tmp_path):
    sagittal = np.array([[0, 0.5, 0, 0], [0, 0, 0.7, 0], [3.0, 0, 0, 0], [0, 0, 0, 1]])  # first axis: upwards
    for number in range(10):
        scan = np.random.default_rng(number).normal(size=(4, 5, 6)).astype(np.float32)
        write(tmp_path / "images" / f"{number}.nii.gz", scan, sagittal)
        write(tmp_path / "masks" / f"{number}.nii.gz", (scan > 0).astype(np.uint8), sagittal)
    found = describe_volumes(create_dataset("volumes", tmp_path), 0)
    assert dict(found.rows)["mm along the body, to its back, its side"] == "3 to 3, 0.7 to 0.7, 0.5 to 0.5"


def test_all_that_is_wrong_is_told_at_once(scans, tmp_path, capsys):
    shutil.copytree(scans, tmp_path / "scans")
    (tmp_path / "scans" / "imagesTr" / "case1_0000.nii.gz").write_bytes(b"no")
    write(tmp_path / "scans" / "labelsTr" / "case4.nii.gz", np.zeros((2, 3, 4), np.uint8))
    assert main(["data", "volumes", "--root", str(tmp_path / "scans")]) == 1
    told = capsys.readouterr()
    one, other = told.err.splitlines()
    assert "case1_0000.nii.gz cannot be read as NIfTI" in one
    assert "case4.nii.gz has 4 x 3 x 2 voxels" in other
    assert "10, 2 of them unusable" in told.out
    truths = [
        np.asanyarray(nibabel.load(scans / "labelsTr" / f"case{n}.nii.gz").dataobj) for n in range(10) if n not in (1, 4)
    ]
    for label, name in ((1, "small"), (2, "large")):
        voxels = sum(int((truth == label).sum()) for truth in truths)
        assert f"{label} {name}: {voxels:,} voxels in 8 masks" in told.out
