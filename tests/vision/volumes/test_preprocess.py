import numpy as np
import pytest
import torch
from scipy import ndimage

from edgewise.vision.data.coding import VOID
from edgewise.vision.data.intensity import Intensity
from edgewise.vision.segmentation.augment import Augmentation, MaskedAugment
from edgewise.vision.volumes import Volume, VolumePreprocess, VolumeSample
from edgewise.vision.volumes.levels import find_levels
from edgewise.vision.volumes.nifti import write_nifti
from edgewise.vision.volumes.patches import Prepared, RandomPatches, _centres, varied

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def ramp(shape=(12, 10, 8)):
    z, y, x = np.indices(shape)
    return (0.02 * z + 0.03 * y + 0.01 * x).astype(np.float32)


def test_finer_voxels_are_interpolated_as_scipy_does():
    volume = Volume(ramp()[None], LPS @ np.diag([1.0, 1.0, 2.0, 1.0]))
    found = VolumePreprocess((1.0, 1.0, 0.5)).image(volume)[0].numpy() * 0.25 + 0.5
    assert found.shape == (24, 10, 16)
    expected = ndimage.zoom(ramp(), (2, 1, 2), order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_ramp_keeps_its_place_in_coarser_voxels():
    volume = Volume(ramp((24, 20, 16))[None], LPS)
    found = VolumePreprocess((2.0, 2.0, 2.0)).image(volume)[0].numpy() * 0.25 + 0.5
    expected = ramp((24, 20, 16)).reshape(12, 2, 10, 2, 8, 2).mean((1, 3, 5))
    np.testing.assert_allclose(found[2:-2, 2:-2, 2:-2], expected[2:-2, 2:-2, 2:-2], atol=1e-4)


def test_there_and_back_a_mask_is_the_same():
    """Whatever the axes of the file: turned, made finer, and back at its own voxels."""
    affine = np.array([[0, 0, -2.0, 7], [0.5, 0, 0, -3], [0, -1.0, 0, 11], [0, 0, 0, 1]])
    mask = np.zeros((6, 10, 12), np.uint8)
    mask[1:4, 2:7, 3:9] = 1
    volume, preprocess = Volume(mask[None].astype(np.float32), affine), VolumePreprocess((1.0, 0.25, 1.0))
    finer = preprocess.mask(mask, volume)
    assert finer.shape == (1, 10, 24, 12)
    assert finer.sum() * 0.25 == mask.sum()
    back = preprocess.restore(finer.float() * 2 - 1, volume)[0].numpy() > 0
    np.testing.assert_array_equal(back, mask > 0)


def prepared(tmp_path, shape=(9, 8, 7)):
    mask = np.zeros(shape, np.uint8)
    mask[0, 0, 0], mask[4:6, 3, 3] = 2, 1
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(1, *shape)
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "mask.npy", mask[None])
    scan = Prepared("a", tmp_path / "image.npy", tmp_path / "mask.npy", _centres(mask, 0))
    return image[0], mask, type("Scans", (), {"scans": [scan]})()


@pytest.mark.parametrize("size", [(4, 4, 4), (12, 4, 7), (16, 16, 16)])
def test_patches_are_cut_out_and_void_beyond_the_scan(tmp_path, size):
    image, mask, scans = prepared(tmp_path)
    patches = RandomPatches(scans, size, patches=20, foreground=0.5, seed=3)
    assert len(patches) == 20
    for index in range(20):
        item = patches[index]
        picture, truth = item["image"][0].numpy(), item["mask"][0].numpy()
        assert picture.shape == truth.shape == size
        known = truth != VOID
        assert known.sum() == np.prod([min(one, other) for one, other in zip(size, image.shape, strict=True)])
        assert not picture[~known].any()
        places = np.unravel_index(picture[known].astype(int), image.shape)
        np.testing.assert_array_equal(mask[places], truth[known])


def test_the_foreground_is_in_as_many_patches_as_asked_for(tmp_path):
    _, _, scans = prepared(tmp_path, (40, 40, 40))
    always = RandomPatches(scans, (4, 4, 4), patches=60, foreground=1.0)
    found = [set(np.unique(always[index]["mask"])) - {0.0} for index in range(60)]
    assert all(found)
    assert {label for labels in found for label in labels} == {1.0, 2.0}
    never = RandomPatches(scans, (4, 4, 4), patches=60, foreground=0.0)
    assert sum(bool(never[index]["mask"].any()) for index in range(60)) < 5


def test_patches_follow_from_seed_epoch_and_index_alone(tmp_path):
    _, _, scans = prepared(tmp_path)
    augment = Augmentation(MaskedAugment(preset="strong"), (4, 4))
    one, other = (RandomPatches(scans, (4, 4, 4), 6, 0.5, augment, seed=1) for _ in range(2))
    again = {index: other[index]["image"] for index in (5, 2, 0)}
    assert all(torch.equal(one[index]["image"], image) for index, image in again.items())
    before = one[0]["image"]
    one.set_epoch(1)
    assert not torch.equal(before, one[0]["image"])


def test_what_is_void_in_the_truth_is_seen_all_the_same(tmp_path):
    """As it is in predictions, which know of no truth."""
    image, _, scans = prepared(tmp_path, (4, 8, 8))
    mask = np.zeros((1, 4, 8, 8), np.uint8)
    mask[..., :6] = VOID
    np.save(scans.scans[0].mask, mask)
    augment = Augmentation(MaskedAugment(preset="none", symmetry="mirror"), (8, 8))
    patches = RandomPatches(scans, (6, 8, 8), 8, 0.0, augment)
    for item in map(patches.__getitem__, range(8)):
        picture = item["image"][0, 1:5].numpy()
        assert any(np.array_equal(picture, way) for way in (image, image[..., ::-1]))
        assert not item["image"][0, [0, 5]].any()
        assert (item["mask"][0, [0, 5]] == VOID).all()


def test_slices_are_varied_as_one_and_masks_with_them():
    """Of a patch whose slices and channels are alike; the mask is where the picture is bright."""
    one = torch.zeros(1, 1, 12, 12)
    one[..., 2:6, 3:10] = 1
    item = {"image": one.expand(2, 3, -1, -1).clone(), "mask": one.expand(1, 3, -1, -1).clone()}
    item["inside"] = torch.ones(1, 3, 12, 12)
    augment = Augmentation(MaskedAugment(preset="none", symmetry="turns"), (12, 12))
    found = [varied(augment, item, (0, index)) for index in range(12)]
    for new in found:
        assert new["image"].shape == (2, 3, 12, 12)
        assert torch.equal(new["image"], new["mask"].expand(2, -1, -1, -1))
        assert torch.equal(new["mask"][:, 0], new["mask"][:, 2])
    assert len({new["mask"].numpy().tobytes() for new in found}) > 3


def test_levels_of_a_set_are_numpys(tmp_path):
    arrays = [np.random.default_rng(index).normal(100 * index, 30, (4, 5, 6)).astype(np.float32) for index in range(3)]
    samples = []
    for index, array in enumerate(arrays):
        write_nifti(tmp_path / f"{index}.nii.gz", array, np.diag([1.0, 2.0, 3.0, 1.0]))
        samples.append(VolumeSample(str(index), tmp_path / f"{index}.nii.gz"))
    voxels = np.concatenate([array.ravel() for array in arrays]).astype(float)
    expected = {
        "range": (voxels.min(), voxels.max()),
        "percentiles": tuple(np.percentile(voxels, [0.5, 99.5])),
        "zscore": (voxels.mean() - 4 * voxels.std(), voxels.mean() + 4 * voxels.std()),
        "liver": (-45, 105),
    }
    for kind, ends in expected.items():
        window, scale = find_levels(samples, Intensity(scale=kind))
        assert scale is None
        np.testing.assert_allclose(window, ends, rtol=1e-5)
    window, scale = find_levels(samples, Intensity(scale="percentiles", low=10, high=90, over="picture"))
    assert window is None
    one = VolumeSample("1", tmp_path / "1.nii.gz", scale=scale).read_image().array[0]
    low, high = np.percentile(arrays[1], [10, 90])
    np.testing.assert_allclose(one, ((arrays[1] - low) / (high - low)).clip(0, 1), atol=1e-5)
