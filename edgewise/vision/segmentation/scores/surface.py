"""How far the outlines of two masks lie apart."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from edgewise._ground.optional import require
from edgewise._ground.quiet import quiet


class SurfaceDistances(NamedTuple):
    """HD95 and ASSD, in pixels or in the units of the spacing."""

    hd95: float
    assd: float


def surface_distances(
    prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float] | None = None
) -> SurfaceDistances:
    r"""HD95 and ASSD of two masks.

    Let :math:`D_{PT}` be the distances from each boundary pixel of the prediction to the nearest one of the truth, and
    :math:`D_{TP}` those the other way. Boundary pixels are those that have background, or the end of the picture, above,
    below or beside them.

    * HD95 is the larger of the 95th percentiles of :math:`D_{PT}` and of :math:`D_{TP}` (Taha and Hanbury, BMC Medical
      Imaging 15, 2015; both directions apart, as MONAI does).
    * ASSD, the average symmetric surface distance, is the mean of all of both (Heimann et al., IEEE TMI 28, 2009).

    Both masks empty: 0. Only one empty: both are the diagonal of the picture, the largest distance that there can be.

    Args:
        prediction: Which pixels are predicted, bool, of 2 or 3 dimensions.
        truth: Which pixels are so in truth, of the same shape.
        spacing: From one pixel to the next along each dimension, such as mm; None: 1.

    Example:
        >>> one, other = np.zeros((2, 20, 20), bool)
        >>> one[2, 3] = other[5, 7] = True
        >>> surface_distances(one, other), round(surface_distances(one, other, spacing=(2, 1)).hd95, 4)
        (SurfaceDistances(hd95=5.0, assd=5.0), 7.2111)
    """
    some, others = bool(prediction.any()), bool(truth.any())
    if not (some and others):
        steps = spacing or (1.0,) * truth.ndim
        diagonal = math.hypot(*(size * step for size, step in zip(truth.shape, steps, strict=True)))
        return SurfaceDistances(*(2 * [diagonal if some or others else 0.0]))
    between = require("monai.metrics.utils", extra="training").get_edge_surface_distance
    masks = torch.from_numpy(prediction), torch.from_numpy(truth)
    with quiet("always_return_as_numpy", category=FutureWarning):  # MONAI 1.6 warns of an argument that it passes itself
        _, distances, _ = between(*masks, spacing=spacing, symmetric=True)
    there, back = (part.double().numpy() for part in distances)
    hd95 = max(np.percentile(part, 95) for part in (there, back))
    return SurfaceDistances(float(hd95), float(np.concatenate([there, back]).mean()))
