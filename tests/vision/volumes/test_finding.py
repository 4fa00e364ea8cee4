import nibabel
import numpy as np
import pytest

from edgewise import DataError
from edgewise.vision.volumes import read_volume
from edgewise.vision.volumes.finding import find_scans


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4)), path)
    return path


@pytest.fixture
def hospital(write_series, tmp_path):
    """Two patients, one with two series of a study, the other with slices right in the folder of the study."""
    array = np.zeros((2, 4, 6), int)
    for place in ("p1/ct/1.2.840.1", "p1/ct/1.2.840.2", "p2/ct"):
        write_series(tmp_path / "in" / place, array)
    (tmp_path / "in" / "p2" / "ct" / "report.txt").write_text("no scan")
    (tmp_path / "in" / "p1" / "notes").mkdir()
    (tmp_path / "in" / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    return tmp_path / "in"


def names(paths, out, channels=1):
    return [scan.name for scan in find_scans(paths, out, channels)]


def test_series_are_found_below_patients_and_studies(hospital, tmp_path):
    found = find_scans([hospital], tmp_path / "out")
    assert [scan.path for scan in found] == [hospital / part for part in ("p1/ct/1.2.840.1", "p1/ct/1.2.840.2", "p2/ct")]
    assert [scan.name for scan in found] == ["p1/ct/1.2.840.1", "p1/ct/1.2.840.2", "p2/ct"]
    assert names([hospital / "p2" / "ct"], tmp_path / "out") == ["ct"]
    assert names([hospital / "p1", hospital / "p2"], tmp_path) == ["p1/ct/1.2.840.1", "p1/ct/1.2.840.2", "p2/ct"]


def test_a_folder_of_several_series_is_several_scans(write_series, tmp_path):
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 100, (4 - number, 4, 6)) for number in range(2)]
    for number, array in enumerate(arrays):
        for path in write_series(tmp_path / f"series{number}", array):
            (tmp_path / "in" / "study").mkdir(parents=True, exist_ok=True)
            path.rename(tmp_path / "in" / "study" / f"{path.stem}{number}.dcm")
    found = find_scans([tmp_path / "in"], tmp_path / "out")
    assert [scan.name for scan in found] == ["study/IM0000", "study/IM0001"]
    for scan, array in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(read_volume(scan.path).array[0], 2 * array - 1024)
    (tmp_path / "in" / "study" / "IM000x.dcm").write_bytes(b"no")
    (scan,) = find_scans([tmp_path / "in"], tmp_path / "out")
    with pytest.raises(DataError, match=r"IM000x\.dcm is no DICOM file"):
        read_volume(scan.path)


def test_files_are_found_below_a_folder_by_all_their_endings(tmp_path):
    for name in ("b.nii.gz", "one/a.nii", "one/a.nii.gz", ".hidden.nii"):
        save(tmp_path / "in" / name)
    (tmp_path / "in" / "c.TIF").touch()
    assert names([tmp_path / "in"], tmp_path / "out") == ["b", "c", "one/a.nii", "one/a.nii.gz"]


def test_channels_of_a_scan_are_one(tmp_path):
    for name in ("a_0001.nii.gz", "a_0000.nii.gz", "two/a_0000.nii.gz", "two/a_0001.nii.gz", "whole.nii.gz"):
        save(tmp_path / name)
    found = find_scans([tmp_path], tmp_path / "out", channels=2)
    assert [(scan.name, scan.path.name, [path.name for path in scan.others]) for scan in found] == [
        ("a", "a_0000.nii.gz", ["a_0001.nii.gz"]),
        ("two/a", "a_0000.nii.gz", ["a_0001.nii.gz"]),
        ("whole", "whole.nii.gz", []),
    ]
    assert len(find_scans([tmp_path], tmp_path / "out")) == 5


def test_what_an_earlier_prediction_wrote_is_no_scan(tmp_path):
    for name in ("a.nii.gz", "a_mask.nii.gz", "one/b_probability.nii.gz", "one/b.nii.gz"):
        save(tmp_path / name)
    assert names([tmp_path], tmp_path) == ["a", "one/b"]
    assert "a_mask" in names([tmp_path], tmp_path / "one")


def test_no_scan_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"holds no scan; name a folder of files that end with \.nii, \.nii\.gz, \.tif"):
        find_scans([tmp_path], tmp_path)
