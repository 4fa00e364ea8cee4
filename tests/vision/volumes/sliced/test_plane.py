import numpy as np
import pytest
import torch

from edgewise.vision.volumes import Volume
from edgewise.vision.volumes.sliced.plane import Plane

SAGITTAL = np.array(
    [[0, 0, 2.0, 7], [2.0, 0, 0, -3], [0, 2.0, 0, 11], [0, 0, 0, 1]]
)  # x to the front, y up, z to the right
PLANES = {"axial": "S", "coronal": "P", "sagittal": "L"}


@pytest.mark.parametrize("name", PLANES)
def test_slices_are_those_of_the_body_and_lead_back(name):
    """The scan counts its voxels along the body, in an order of its own: each slice is one number of its own axis."""
    place = dict(zip("LSP", np.indices((4, 5, 6)), strict=True))  # z, y, x of the file; each grows as x, y, z of the body
    array = place[PLANES[name]][None].astype(np.float32)
    volume = Volume(array, SAGITTAL)
    pictures = Plane(name).pictures(volume)
    assert len(pictures) == {"axial": 5, "coronal": 6, "sagittal": 4}[name]
    assert all(len(picture.unique()) == 1 for picture in pictures)
    assert len({float(picture.max()) for picture in pictures}) == len(pictures)
    np.testing.assert_array_equal(Plane(name).restore(list(pictures), volume).numpy(), array)
    np.testing.assert_array_equal(Plane(name).masks(array[0].astype(np.uint8), volume), pictures[:, 0])


def test_pixels_are_square_and_as_large_as_asked_for():
    volume = Volume(np.zeros((2, 6, 40, 30), np.float32), np.diag([-1.0, -0.5, 5.0, 1.0]))
    assert Plane("axial").pictures(volume).shape == (6, 2, 40, 60)
    assert Plane("coronal").pictures(volume).shape == (40, 2, 30, 30)
    assert Plane("sagittal", 2.0).pictures(volume).shape == (30, 2, 15, 10)
    found = [torch.rand(3, 15, 10) for _ in range(30)]
    assert Plane("sagittal", 2.0).restore(found, volume).shape == (3, 6, 40, 30)


def test_a_ramp_is_the_same_after_the_way_there_and_back():
    z, y, x = np.indices((4, 30, 20)).astype(np.float32)
    volume = Volume((x + 2 * y + 5 * z)[None], np.diag([-1.0, -0.5, 5.0, 1.0]))
    found = Plane("axial").restore(list(Plane("axial").pictures(volume)), volume).numpy()
    np.testing.assert_allclose(found[..., 2:-2, 2:-2], volume.array[..., 2:-2, 2:-2], atol=1e-3)
