"""Masks, pictures and probabilities of scans as files, by a predictor whose answers are known."""

import resource

import nibabel
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from edgewise import CheckpointError, ConfigError
from edgewise.vision import Inference
from edgewise.vision.segmentation.inference.predicting import MaskPredictor
from edgewise.vision.volumes import Volume, files, predict_volumes
from edgewise.vision.volumes.drawn import draw_planes
from edgewise.vision.volumes.mirrored import Mirrored
from edgewise.vision.volumes.opened import OpenedVolumes

ORANGE, BLUE = (230, 159, 0), (0, 114, 178)
SAGITTAL = np.array(
    [[0, 0, 3.0, 7], [0.5, 0, 0, -3], [0, 0.75, 0, 11], [0, 0, 0, 1]]
)  # x to the front, y up, z to the right


class Greys(MaskPredictor):
    """The grey level says how likely the foreground is."""

    def probabilities(self, image):
        return torch.from_numpy(image.array[:1])


@pytest.fixture
def opened(monkeypatch):
    found = OpenedVolumes(Greys(symmetry="mirror"), {"window": (0, 100), "given": (2.0, 1.0, 1.0)}, 1, (ORANGE,))
    monkeypatch.setattr(files, "open_volume_predictor", lambda *_: found)
    return found


def save(path, shape=(4, 5, 6), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.random.default_rng(seed).integers(0, 101, shape).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(array, SAGITTAL), path)
    return array


def test_masks_and_probabilities_are_on_the_grid_of_the_scan(opened, tmp_path):
    array = save(tmp_path / "in" / "one" / "a.nii.gz")
    stack = np.random.default_rng(1).integers(0, 101, (3, 4, 5)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in" / "b.tif", stack, photometric="minisblack")
    done = predict_volumes("run", [tmp_path / "in"], tmp_path / "out", inference=Inference(probabilities=True))
    assert done.masks == [tmp_path / "out" / name for name in ("b_mask.nii.gz", "one/a_mask.nii.gz")]
    mask, chances = (nibabel.load(tmp_path / "out" / "one" / f"a_{name}.nii.gz") for name in ("mask", "probability"))
    np.testing.assert_array_equal(mask.dataobj, array > 50)
    np.testing.assert_allclose(chances.dataobj, array / 100, atol=1e-6)
    for image in (mask, chances):
        np.testing.assert_allclose(image.affine, SAGITTAL, atol=1e-6)
    np.testing.assert_array_equal(nibabel.load(done.masks[0]).dataobj, stack.T > 50)
    with Image.open(tmp_path / "out" / "one" / "a_overlay.png") as drawn:
        assert drawn.mode == "RGB"


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(opened, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("edgewise._ground.progress._Lines.every", 0.0)
    save(tmp_path / "a.nii.gz")
    save(tmp_path / "again" / "a.nii.gz")
    (tmp_path / "broken.nii.gz").write_bytes(b"no")
    save(tmp_path / "two.nii.gz", (4, 5, 6, 2))
    inputs = [tmp_path / name for name in ("broken.nii.gz", "two.nii.gz", "a.nii.gz", "again/a.nii.gz")]
    done = predict_volumes("run", inputs, tmp_path / "out")
    assert done.masks == [tmp_path / "out" / "a_mask.nii.gz"]
    broken, two, again = done.failures.values()
    assert "broken.nii.gz cannot be read as NIfTI" in broken
    assert "two.nii.gz has 2 channels and the run was trained on 1; give as many" in two
    assert f"would overwrite {done.masks[0]}, which is of another of this name: rename it" in again
    assert capsys.readouterr().err.splitlines() == [f"masks  {part}%" for part in (25, 50, 75, 100)]


def test_a_full_disk_ends_it_and_says_how_far_it_came(opened, tmp_path):
    save(tmp_path / "a.nii.gz")
    save(tmp_path / "b.nii.gz", (90, 90, 90))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, before[1]))  # no file may be larger: as on a disk that is full
    try:
        with pytest.raises(CheckpointError, match=r"cannot write .*b_mask\.nii\.gz .*; 1 of 1 masks written before"):
            predict_volumes("run", [tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"], tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Uneven(MaskPredictor):
    """Its answer is another one for each voxel of what lies as the body does."""

    def probabilities(self, image):
        turned = image.turned()
        ramp = np.linspace(0, 1, turned.array.size, dtype=np.float32).reshape(turned.array.shape)
        return torch.from_numpy(image.turned_back(turned.array * ramp))


@pytest.mark.parametrize(("symmetry", "axes"), [("mirror", "x"), ("flips", "xy"), ("turns", "xy")])
def test_mirrors_are_along_the_body_whatever_the_order_of_voxels(symmetry, axes):
    """So what is made of a mirrored scan is the mirror of what is made of it; the first axis of this scan is the body's y,
    the last is its x."""
    array = np.random.default_rng(0).random((1, 6, 5, 4), np.float32)  # (C, x, z, y) of the body
    predictor = Mirrored(Uneven(symmetry=symmetry))
    found = predictor.probabilities(Volume(array, SAGITTAL)).numpy()
    for axis, place in {"x": 1, "y": 3}.items():
        mirrored = predictor.probabilities(Volume(np.flip(array, place).copy(), SAGITTAL)).numpy()
        assert np.allclose(np.flip(mirrored, place), found, atol=1e-6) == (axis in axes)


def test_scans_that_were_not_mirrored_in_training_are_not_now():
    with pytest.raises(ConfigError, match=r"not mirrored in training \(augment\.symmetry is none\)"):
        Mirrored(Uneven(symmetry="none"))


def test_three_slices_are_drawn_through_what_was_found():
    """Of a box in a scan of 3 mm slices: each at its place in millimetres, head up, the left of the body on the right."""
    array, labels = np.full((1, 10, 20, 30), 0.5, np.float32), np.zeros((10, 20, 30), np.uint8)
    array[:, 9] = 1  # the head
    labels[6:8, 3:6, 20:28] = 1
    drawn = draw_planes(Volume(array, np.diag([-1.0, -1.0, 3.0, 1.0])), labels, [ORANGE])
    assert drawn.shape == (30, 30 + 4 + 30 + 4 + 20, 3)
    found = (drawn == ORANGE).all(-1)
    for first, last, *box in [(0, 30, 3, 6, 20, 28), (34, 64, 6, 12, 20, 28), (68, 88, 6, 12, 3, 6)]:
        rows, columns = np.nonzero(found[:, first:last])
        assert [rows.min(), rows.max() + 1, columns.min(), columns.max() + 1] == box
    assert (drawn[:2, 34:64] == 255).all()
    assert (drawn[20:, :30] == 0).all()


def test_without_a_finding_the_middle_is_drawn():
    array = np.zeros((1, 5, 6, 7), np.float32)
    array[:, 2] = 1
    drawn = draw_planes(Volume(array, np.diag([-1.0, -1.0, 1.0, 1.0])), np.zeros((5, 6, 7), np.uint8), [ORANGE, BLUE])
    assert (drawn[:6, :7] == 255).all()
