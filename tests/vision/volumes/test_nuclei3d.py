"""The stack of nuclei as a volume, where it can be fetched."""

from dataclasses import replace

import nibabel
import numpy as np
import pytest
import tifffile

from edgewise import DataError
from edgewise.vision import Machine, Model, create_recipe, evaluate, predict, train
from edgewise.vision.data import create_dataset
from edgewise.vision.volumes.nifti import write_nifti


@pytest.fixture(scope="module")
def stack():
    try:
        return create_dataset("nuclei3d")
    except DataError as error:
        pytest.skip(str(error))


def test_blocks_of_slices_are_those_of_the_files(stack):
    split = stack.split()
    assert [side.ids for side in (split.train, split.validation, split.test)] == [("z20-41",), ("z54-59",), ("z44-51",)]
    pixels, labels = (tifffile.imread(path)[44:52] for path in split.test[0].files)
    image, mask = split.test[0].read()
    np.testing.assert_array_equal(mask, labels > 0)
    np.testing.assert_allclose(image.array[0], ((pixels - 2608.0) / (25986 - 2608)).clip(0, 1), atol=1e-6)


@pytest.mark.slow
def test_scores_of_a_run_are_an_independent_count(stack, tmp_path):
    recipe = create_recipe("nuclei3d")
    data = replace(recipe.data, size=(16, 64, 64), patches=4)
    model = Model(name="unet3d", options={"widths": [4, 4, 8, 8, 8, 4]})
    train(
        replace(recipe, data=data, model=model, machine=Machine(accelerator="cpu"), epochs=1),
        tmp_path / "run",
        progress=False,
    )
    found = evaluate(tmp_path / "run")
    sample = stack.split().test[0]
    pixels, labels = (tifffile.imread(path)[44:52] for path in sample.files)
    write_nifti(tmp_path / "block.nii.gz", pixels, np.diag([-1.0, -1.0, 1.0, 1.0]))
    done = predict(tmp_path / "run", [tmp_path / "block.nii.gz"], tmp_path / "out")
    mask = np.asanyarray(nibabel.load(done.masks[0]).dataobj).T > 0
    truth = labels > 0
    assert found.scores["iou"] == pytest.approx((mask & truth).sum() / (mask | truth).sum())
    assert found.scores["iou"] > 0
    assert found.unit == "px"
