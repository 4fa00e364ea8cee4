"""What is measured of one case, so that it adds up over cases."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from edgewise.vision.data.coding import VOID
from edgewise.vision.segmentation.metrics import parts
from edgewise.vision.segmentation.scores.calibration import calibration
from edgewise.vision.segmentation.scores.instances import objects
from edgewise.vision.segmentation.scores.lesions import components, lesions
from edgewise.vision.segmentation.scores.surface import surface_distances


def measure(
    prediction: np.ndarray,
    truth: np.ndarray,
    classes: int = 1,
    spacing: Sequence[float] | None = None,
    probabilities: np.ndarray | None = None,
    instances: np.ndarray | None = None,
) -> dict[str, Tensor]:
    """Measure one case, a picture or a volume. What is void in the truth is background in the outlines, else nothing.

    Void pixels do not part a predicted lesion or object that reaches across them.

    Args:
        prediction: Class of each pixel, integers of 2 or 3 dimensions.
        truth: Class of each pixel, of the same shape, or 255 where none is known.
        classes: Classes with the background; 1 and 2 are one foreground.
        spacing: From one pixel to the next along each dimension, in mm; None: distances are in pixels.
        probabilities: Of each class, (classes, *shape); of one foreground, (1, *shape).
        instances: Of one foreground, the number of the true object that each pixel is of, 0 the background.

    Returns:
        By name, of each foreground class in float64: ``pixels`` (classes, 3), true positives, false positives and false
        negatives; ``rest`` (classes,), true negatives; ``there``, whether the class counts in this case; where it does,
        ``image_iou``, ``image_f1``, ``hd95`` and ``assd``, else 0; ``lesions`` (classes, 4). Of the case ``images``, always
        1, and with probabilities ``bins`` (15, 3), ``squares`` and ``known``, the pixels that are not void;
        with instances what :func:`~edgewise.vision.segmentation.scores.instances.objects` counts.
        :func:`~edgewise.vision.segmentation.scores.summary.by_class` makes scores of their sums.

    Example:
        >>> case = measure(np.array([[1, 1, 0]]), np.array([[0, 1, 255]]))
        >>> case["pixels"].tolist(), case["rest"].tolist(), case["hd95"].tolist()
        ([[1.0, 1.0, 0.0]], [0.0], [0.95])
    """
    known = truth != VOID
    pixels = _count(prediction[known], truth[known], max(classes, 2))
    maps = [(prediction == index, truth == index) for index in range(1, max(classes, 2))]
    case = {name: part[0] for name, part in parts(pixels[None]).items()}
    distances = [surface_distances(guess & known, true, spacing) for guess, true in maps]
    found = torch.tensor(distances, dtype=torch.float64) * case["there"][:, None]
    case["rest"] = int(known.sum()) - pixels.sum(-1)
    case["hd95"], case["assd"] = found.unbind(-1)
    case["lesions"] = torch.tensor([lesions(*pair, known) for pair in maps], dtype=torch.float64)
    if instances is not None:
        case |= objects(*(np.where(known, numbers, 0) for numbers in (components(maps[0][0])[0], instances)))
    if probabilities is not None:
        sums = calibration(probabilities, truth, known)
        squares = torch.tensor(sums.squares, dtype=torch.float64)
        case |= {"bins": torch.from_numpy(sums.bins), "squares": squares, "known": case["rest"].new_tensor(known.sum())}
    return case


def _count(prediction: np.ndarray, truth: np.ndarray, classes: int) -> Tensor:
    """True positives, false positives and false negatives of each foreground class, (classes - 1, 3), of known pixels."""
    pairs = np.bincount(truth.astype(np.int64) * classes + prediction, minlength=classes**2)
    confusion = torch.from_numpy(pairs.reshape(classes, classes)).double()  # truth by prediction
    hit = confusion.diagonal()
    return torch.stack([hit, confusion.sum(0) - hit, confusion.sum(1) - hit], dim=-1)[1:]
