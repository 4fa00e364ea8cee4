"""Whether samples are copies: the training picture that is nearest to each."""

import numpy as np


def nearest(pictures: np.ndarray, others: np.ndarray, mirror: bool) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of other pictures to each, by the root of the mean square difference of grey levels.

    Args:
        pictures: uint8 ``(N, H, W, C)``.
        others: uint8 ``(M, H, W, C)``.
        mirror: Look at the mirrored others too.

    Returns:
        Distances in grey levels of 255, ``(N,)``, and the places of the nearest, ``(N,)``.

    Example:
        >>> flat = np.zeros((2, 4, 4, 1), np.uint8) + np.array([10, 90], np.uint8)[:, None, None, None]
        >>> [part.tolist() for part in nearest(flat[:1] + 5, flat, mirror=True)]
        [[5.0], [0]]
    """
    found = _squares(pictures, others)
    if mirror:
        found = np.minimum(found, _squares(pictures, others[:, :, ::-1]))
    places = found.argmin(1)
    return np.sqrt(found[np.arange(len(found)), places]), places


def _squares(pictures: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mean square differences ``(N, M)``."""
    first, second = (part.reshape(len(part), -1).astype(np.float64) for part in (pictures, others))
    products = first @ second.T
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * products
    return squares.clip(min=0) / first.shape[1]
