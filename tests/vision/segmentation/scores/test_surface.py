import math

import numpy as np
import pytest
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance
from scipy import ndimage

from edgewise._ground.quiet import quiet
from edgewise.vision.segmentation.scores.surface import surface_distances
from tests.vision.segmentation.scores.cases import blob

SHAPES = [((24, 30), None), ((24, 30), (0.5, 2.0)), ((9, 14, 11), None), ((9, 14, 11), (3.0, 0.7, 0.7))]


def boundary(mask):
    """Pixels that touch background, or the picture's frame."""
    return np.argwhere(mask & ~ndimage.binary_erosion(mask))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("shape", "spacing"), SHAPES)
def test_distances_are_the_definition(seed, shape, spacing):
    prediction, truth = blob(seed, shape), blob(seed + 100, shape)
    scale = np.array(spacing or [1] * len(shape))
    between = np.linalg.norm((boundary(prediction)[:, None] - boundary(truth)) * scale, axis=-1)
    there, back = between.min(1), between.min(0)
    found = surface_distances(prediction, truth, spacing)
    assert found.hd95 == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), rel=1e-5)
    assert found.assd == pytest.approx(np.concatenate([there, back]).mean(), rel=1e-5)


@pytest.mark.parametrize(("shape", "spacing"), SHAPES)
def test_distances_are_monais(shape, spacing):
    prediction, truth = blob(5, shape), blob(6, shape)
    maps = [torch.from_numpy(mask)[None, None].float() for mask in (prediction, truth)]
    options = {"include_background": True, "spacing": spacing}
    with quiet("always_return_as_numpy", category=FutureWarning):
        hd95 = compute_hausdorff_distance(*maps, percentile=95, **options).item()
        assd = compute_average_surface_distance(*maps, symmetric=True, **options).item()
    assert surface_distances(prediction, truth, spacing) == pytest.approx((hd95, assd), rel=1e-5)


def test_two_points():
    prediction, truth = np.zeros((2, 20, 20), bool)
    prediction[2, 3] = truth[5, 7] = True
    assert surface_distances(prediction, truth) == (5, 5)
    assert surface_distances(prediction, truth, (2, 1)).hd95 == pytest.approx(math.hypot(6, 4))


@pytest.mark.parametrize(("shape", "spacing", "diagonal"), [((30, 40), None, 50), ((2, 3, 6), (1, 1, 0.5), math.sqrt(22))])
def test_empty_masks(shape, spacing, diagonal):
    empty, full = np.zeros(shape, bool), np.ones(shape, bool)
    assert surface_distances(empty, empty, spacing) == (0, 0)
    assert surface_distances(full, full, spacing) == (0, 0)
    assert surface_distances(empty, full, spacing) == pytest.approx((diagonal, diagonal))
    assert surface_distances(full, empty, spacing) == pytest.approx((diagonal, diagonal))
