import nibabel
import numpy as np
import pytest

from edgewise import ConfigError, DataError
from edgewise.vision.volumes import Volume, read_nifti, read_volume, write_nifti

AFFINE = np.array([[0, 0, -2.5, 7], [0.5, 0, 0, -3], [0, -0.75, 0, 11], [0, 0, 0, 1]])  # x up the front, y down, z left


def save(path, array, affine=AFFINE, **header):
    image = nibabel.Nifti1Image(array, affine)
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


def test_numbers_and_spacing_are_nibabels(tmp_path):
    array = np.random.default_rng(0).integers(-1000, 1000, (4, 5, 6)).astype(np.int16)
    found = read_nifti(save(tmp_path / "a.nii.gz", array))
    np.testing.assert_array_equal(found.array[0], array.T)
    assert found.array.dtype == np.float32
    np.testing.assert_allclose(found.affine, AFFINE)
    np.testing.assert_allclose(found.spacing[::-1], nibabel.affines.voxel_sizes(AFFINE))


def test_numbers_are_scaled_and_a_fourth_axis_are_channels(tmp_path):
    array = np.random.default_rng(0).normal(size=(4, 5, 6, 2)).astype(np.float32)
    image = nibabel.Nifti1Image(array, AFFINE)
    image.set_data_dtype(np.int16)  # which nibabel scales for
    nibabel.save(image, tmp_path / "a.nii")
    found = read_nifti(tmp_path / "a.nii")
    assert found.array.shape == (2, 6, 5, 4)
    np.testing.assert_allclose(found.array, array.T, atol=2e-4)


def test_other_units_become_millimetres(tmp_path):
    image = nibabel.Nifti1Image(np.zeros((2, 3, 4), np.uint8), np.diag([200.0, 250, 500, 1]))
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "a.nii")
    assert read_nifti(tmp_path / "a.nii").spacing == pytest.approx((0.5, 0.25, 0.2))


def test_written_and_read_by_nibabel_it_is_the_same(tmp_path):
    array = np.random.default_rng(0).integers(0, 4, (6, 5, 4)).astype(np.uint8)
    write_nifti(tmp_path / "a.nii.gz", array, AFFINE)
    written = nibabel.load(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(written.dataobj), array.T)
    np.testing.assert_allclose(written.affine, AFFINE)
    assert written.get_data_dtype() == np.uint8
    assert written.header.get_xyzt_units()[0] == "mm"


def test_turned_it_lies_as_nibabel_turns_it(tmp_path):
    array = np.random.default_rng(0).normal(size=(6, 5, 4)).astype(np.float32)
    volume = Volume(array[None], AFFINE)
    turned = volume.turned()
    ras = nibabel.as_closest_canonical(nibabel.Nifti1Image(array.T, AFFINE))
    np.testing.assert_array_equal(turned.array[0], np.asanyarray(ras.dataobj)[::-1, ::-1].T)  # x and y grow the other way
    assert nibabel.aff2axcodes(turned.affine) == ("L", "P", "S")
    np.testing.assert_allclose(turned.spacing, (0.75, 0.5, 2.5))
    np.testing.assert_array_equal(volume.turned_back(turned.array), volume.array)


def test_a_voxel_keeps_its_place_when_turned():
    volume = Volume(np.arange(6 * 5 * 4, dtype=float).reshape(1, 6, 5, 4), AFFINE)
    turned = volume.turned()
    for value in (0, 17, 63, 119):
        places = []
        for part in (volume, turned):
            (z, y, x) = np.argwhere(part.array[0] == value)[0]
            places.append(part.affine @ (x, y, z, 1))
        np.testing.assert_allclose(*places)


def test_a_file_without_spacing_is_given_one(tmp_path):
    path = tmp_path / "a.nii"
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 3, 4), np.uint8), None), path)
    with pytest.raises(DataError, match=r"a\.nii does not say how large its voxels are .* spacing=\[SLICES, ROWS, COL"):
        read_volume(path)
    assert read_volume(path, (5, 2, 1)).spacing == (5, 2, 1)
    with pytest.raises(ConfigError, match="must be three positive numbers of mm"):
        read_volume(path, (5, 0, 1))


def test_what_is_amiss_is_told_in_one_sentence(tmp_path):
    whole = save(tmp_path / "whole.nii.gz", np.zeros((9, 9, 9), np.int16)).read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.nii").write_text("no scan")
    (tmp_path / "scan.png").write_bytes(b"")
    save(tmp_path / "nan.nii", np.full((2, 2, 2), np.nan, np.float32))
    save(tmp_path / "flat.nii", np.zeros((5, 5), np.uint8), np.eye(4))
    save(tmp_path / "complex.nii", np.zeros((2, 2, 2), np.complex64))
    two = save(tmp_path / "two.nii", np.zeros((2, 2, 2), np.uint8))
    bytes_ = bytearray(two.read_bytes())
    bytes_[80:84] = np.float32(9).tobytes()  # pixdim[1]
    two.write_bytes(bytes_)
    for name, message in {
        "cut.nii.gz": r"cut\.nii\.gz cannot be read as NIfTI \(.*replace the file",
        "text.nii": r"text\.nii cannot be read as NIfTI",
        "none.nii": r"none\.nii does not exist",
        "scan.png": r"scan\.png is no volume; give a DICOM file, a folder of DICOM slices, or a file that ends with \.nii",
        "nan.nii": "values that are NaN or infinite",
        "flat.nii": r"flat\.nii has the shape \(5, 5\) and a volume",
        "complex.nii": "holds complex64",
        "two.nii": r"voxels are 9 x 0\.75 x 2\.5 mm \(pixdim\) and 0\.5 x 0\.75 x 2\.5 mm \(affine\)",
    }.items():
        with pytest.raises(DataError, match=message) as caught:
            read_volume(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_damage_to_a_packed_file_is_found_wherever_it_is(tmp_path):
    """Also where it can be unpacked, into other numbers."""
    array = np.random.default_rng(0).integers(0, 2000, (30, 20, 20)).astype(np.int16)
    whole = save(tmp_path / "whole.nii.gz", array).read_bytes()
    np.testing.assert_array_equal(read_nifti(tmp_path / "whole.nii.gz").array[0], array.T)
    for place in (*range(500, len(whole), 1500), len(whole) - 6):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (tmp_path / "damaged.nii.gz").write_bytes(damaged)
        with pytest.raises(DataError, match=r"damaged\.nii\.gz cannot be read as NIfTI"):
            read_nifti(tmp_path / "damaged.nii.gz")


def test_a_stack_of_pages_needs_its_spacing(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    array = np.random.default_rng(0).integers(0, 60000, (3, 4, 5)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack")
    with pytest.raises(DataError, match="does not say how large its voxels are"):
        read_volume(tmp_path / "a.tif")
    found = read_volume(tmp_path / "a.tif", (2.0, 1.0, 0.5))
    np.testing.assert_array_equal(found.array[0], array)
    assert found.spacing == (2.0, 1.0, 0.5)
    np.testing.assert_array_equal(found.turned().array, found.array)
