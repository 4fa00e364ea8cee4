"""Masks for the tests of scores."""

import numpy as np
from scipy import ndimage


def blob(seed, shape=(24, 30), level=0.05):
    """A mask of a few smooth parts."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2.5 if len(shape) == 2 else 1.5)
    return noise > level * noise.std()


def labels(seed, classes=3, shape=(24, 30), void=0.0):
    """Classes in smooth parts, of which a share is void."""
    rng = np.random.default_rng(seed)
    noise = [ndimage.gaussian_filter(rng.normal(size=shape), 2) for _ in range(classes)]
    found = np.argmax(noise, axis=0).astype(np.uint8)
    found[rng.random(shape) < void] = 255
    return found
