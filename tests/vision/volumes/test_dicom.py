from pathlib import Path

import numpy as np
import pydicom
import pytest
from monai.data import PydicomReader

from edgewise import DataError, EdgewiseWarning
from edgewise._ground.quiet import quiet
from edgewise.vision.volumes import read_series, read_volume
from edgewise.vision.volumes.dicom import affine_of_series, is_series
from edgewise.vision.volumes.slices import pixels_of, slices_of

OBLIQUE = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)  # coronal, turned
PIXELS = np.random.default_rng(0).integers(-500, 3000, (5, 4, 6))


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), OBLIQUE], ids=["axial", "oblique"])
def test_numbers_and_places_are_monais(write_series, tmp_path, orientation):
    write_series(tmp_path / "scan", PIXELS, orientation=orientation)
    found = read_series(tmp_path / "scan")
    np.testing.assert_array_equal(found.array[0], PIXELS * 2.0 - 1024)
    reader = PydicomReader(swap_ij=True)
    expected, facts = reader.get_data(reader.read(str(tmp_path / "scan")))
    np.testing.assert_array_equal(found.array[0].T, expected)
    np.testing.assert_allclose(found.affine, np.diag([-1, -1, 1, 1]) @ _ras(facts), atol=1e-6)
    np.testing.assert_allclose(found.spacing, (3.0, 0.8, 0.7))


def _ras(facts):
    """MONAI's affine in the frame that it says it has, turned to DICOM's."""
    affine = np.asarray(facts["affine"], float)
    return np.diag([-1, -1, 1, 1]) @ affine if facts["space"] == "RAS" else affine


def test_each_slice_is_where_nibabel_says(write_series, tmp_path):
    with quiet("The DICOM readers are highly experimental"):
        from nibabel.nicom.dicomwrappers import wrapper_from_data
    paths = write_series(tmp_path / "scan", PIXELS, orientation=OBLIQUE)
    found = read_series(tmp_path / "scan")
    for index, path in enumerate(paths):
        own = wrapper_from_data(pydicom.dcmread(path)).affine  # of (row, column), in DICOM's mm
        for row, column in [(0, 0), (3, 0), (0, 5), (2, 4)]:
            place = found.affine @ (column, row, index, 1)
            np.testing.assert_allclose(place * (-1, -1, 1, 1), own @ (row, column, 0, 1), atol=1e-5)


def test_a_file_of_pydicoms_own():
    """Its pixels and its slope are those that pydicom reads."""
    path = pydicom.data.get_testdata_file("CT_small.dcm")
    own = pydicom.dcmread(path)
    expected = own.pixel_array * float(own.RescaleSlope) + float(own.RescaleIntercept)
    (found,) = pixels_of(Path(path), slices_of(Path(path)))
    np.testing.assert_array_equal(found, expected)


def test_files_beside_the_slices_are_passed_over(write_series, tmp_path):
    write_series(tmp_path / "scan", PIXELS)
    (tmp_path / "scan" / "README.txt").write_text("x" * 200)
    (tmp_path / "scan" / ".hidden").write_bytes(b"")
    assert read_series(tmp_path / "scan").array.shape == (1, 5, 4, 6)
    assert is_series(tmp_path / "scan")
    assert not is_series(tmp_path)


def test_a_single_slice_is_as_thick_as_it_says(write_series, tmp_path):
    write_series(tmp_path / "scan", PIXELS[:1])
    assert read_series(tmp_path / "scan").spacing == pytest.approx((3.0, 0.8, 0.7))


def test_frames_of_one_file_are_slices(write_frames, tmp_path):
    """Their numbers and places are those that nibabel finds, which puts frames in an order of its own."""
    with quiet("The DICOM readers are highly experimental"):
        from nibabel.nicom.dicomwrappers import MultiframeWrapper
    path = write_frames(tmp_path / "ct.dcm", PIXELS, orientation=OBLIQUE)
    for found in (read_volume(path), read_series(tmp_path)):
        slopes = np.arange(1, 6)[:, None, None]
        np.testing.assert_allclose(found.array[0], PIXELS * slopes - 1024)
        own = MultiframeWrapper(pydicom.dcmread(path))
        stored = own.get_unscaled_data()
        for place in [(0, 0, 0), (4, 3, 5), (2, 1, 4)]:
            (there,) = np.argwhere(stored == PIXELS[place])
            mm = found.affine @ (*place[::-1], 1)
            np.testing.assert_allclose(mm * (-1, -1, 1, 1), own.affine @ (*there, 1), atol=1e-5)
    np.testing.assert_array_equal(affine_of_series(path), found.affine)
    np.testing.assert_allclose(found.spacing, (3.0, 0.8, 0.7))


def test_what_is_amiss_with_frames_is_told_with_their_number(write_frames, tmp_path):
    def again(index, groups):
        groups.PlanePositionSequence[0].ImagePositionPatient = [-10, 5, 40 + 3 * (index % 3)]

    path = write_frames(tmp_path / "twice.dcm", np.zeros((6, 4, 6), int), change=again)
    with pytest.raises(DataError, match=r"frame 3 of .*dcm and frame 6 of .*dcm lie at the same place; keep one time"):
        read_volume(path)
    path = write_frames(
        tmp_path / "lost.dcm", PIXELS, change=lambda index, groups: delattr(groups, "PlanePositionSequence")
    )
    with pytest.raises(DataError, match=r"frame 1 of .*lost\.dcm has no ImagePositionPatient"):
        read_volume(path)


def remove(name):
    return lambda index, one: delattr(one, name) if index == 2 else None


def put(at, **values):
    return lambda index, one: [setattr(one, name, value) for name, value in values.items()] if index == at else None


SMALLER = {"Rows": 2, "PixelData": np.zeros((2, 6), "<i2").tobytes()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("PixelData"), r"IM\d+\.dcm has no pixels; leave it out"),
        (remove("Rows"), r"IM\d+\.dcm has no pixels; leave it out"),
        (
            remove("PixelSpacing"),
            r"IM\d+\.dcm has no PixelSpacing, so its place and size in mm are unknown; fetch",
        ),
        (remove("ImagePositionPatient"), "has no ImagePositionPatient"),
        (put(2, **SMALLER), r"IM\d+\.dcm has \d x 6 pixels and .*dcm \d x 6; slices of a volume have one size"),
        (put(2, PixelSpacing=[0.8, 0.75]), r"PixelSpacing \[0\.8, 0\.7"),
        (put(2, ImageOrientationPatient=[0, 1, 0, 1, 0, 0]), "ImageOrientationPatient"),
        (put(2, SeriesInstanceUID="1.2.3"), r"holds slices of 2 series \(4 like IM\d+\.dcm, 1 like IM\d+\.dcm\)"),
        (put(2, ImagePositionPatient=[-10, 5, 43]), "lie at the same place; keep one time or echo"),
        (put(2, ImagePositionPatient=[-10, 5, 47]), "slices are uneven: .* are 4 mm apart and others 3 mm"),
        (put(2, ImagePositionPatient=[-4, 5, 46]), r"IM\d+\.dcm lies beside the line of the other slices; leave it out"),
        (put(2, NumberOfFrames=7), "holds 7 frames and says of 0 of them where they lie; convert it to NIfTI"),
        (put(2, ImagePositionPatient=[1, 2]), r"has ImagePositionPatient \[1\.0, 2\.0\], which is not 3 numbers"),
        (put(2, PixelSpacing=[0.8, 0]), r"has PixelSpacing \[0\.8, 0\.0\] and pixels are above 0 mm"),
        (put(2, PixelData=b"\0" * 6), r"the pixels of .*dcm cannot be decoded \("),
    ],
)
def test_what_is_amiss_is_told_in_one_sentence(write_series, tmp_path, change, message):
    write_series(tmp_path / "scan", PIXELS, change=change)
    with pytest.raises(DataError, match=message) as caught:
        read_series(tmp_path / "scan")
    assert "\n" not in str(caught.value)


def test_a_missing_slice_is_told_with_its_neighbours(write_series, tmp_path):
    paths = write_series(tmp_path / "scan", np.zeros((7, 4, 6), int))
    paths[3].unlink()
    with pytest.raises(DataError, match=f"1 slice is missing: .*{paths[2].name} and .*{paths[4].name} are 6 mm apart and"):
        read_series(tmp_path / "scan")


@pytest.mark.parametrize("limit", [None, -1999])
def test_what_a_scanner_did_not_measure_is_its_smallest_value(write_series, tmp_path, limit):
    array = np.random.default_rng(3).integers(0, 500, (3, 6, 5))
    array[:, 0, 0], array[:, 0, 1] = -2000, -2000 if limit is None else limit

    def change(index, slice_):
        slice_.add_new("PixelPaddingValue", "SS", -2000)
        if limit is not None:
            slice_.add_new("PixelPaddingRangeLimit", "SS", limit)

    write_series(tmp_path / "ct", array, change=change)
    for read, stored in zip(read_series(tmp_path / "ct").array[0], array, strict=True):
        real = stored[stored >= 0]
        np.testing.assert_array_equal(read, 2 * np.where(stored < 0, real.min(), stored) - 1024)


def test_a_tilted_gantry_is_worth_a_warning(write_series, tmp_path):
    def lean(index, one):
        one.ImagePositionPatient = [-10, 5 + index, 40 + 3 * index]

    write_series(tmp_path / "scan", PIXELS, change=lean)
    with pytest.warns(EdgewiseWarning, match=r"lean by 18\.4 degrees"):
        found = read_series(tmp_path / "scan")
    np.testing.assert_allclose(found.affine[:3, 2], (0, -1, 3))


def test_what_is_no_series(tmp_path):
    with pytest.raises(DataError, match="holds no DICOM slices"):
        read_series(tmp_path)
    (tmp_path / "a.dcm").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"a\.dcm is no DICOM file; replace it or leave it out"):
        read_series(tmp_path)
