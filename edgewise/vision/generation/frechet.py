r"""How far two sets of pictures are from each other, by the means and covariances of features.

For :math:`N(\mu_1, \Sigma_1)` and :math:`N(\mu_2, \Sigma_2)` it is (Dowson and Landau, 1982; for pictures Heusel et al.,
arXiv:1706.08500)

.. math:: d^2 = |\mu_1 - \mu_2|^2 + \mathrm{Tr}(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})
"""

import numpy as np

from edgewise._ground.errors import DataError

PER_FEATURE = 10
"""With fewer pictures a feature than this the distance is told to be biased."""


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The squared Frechet distance of two sets of features, taken as drawn from Gaussians.

    The trace of the root is the sum of the roots of the eigenvalues of ``S1^(1/2) S2 S1^(1/2)``, which are those of
    ``S1 S2`` and, unlike these as computed, real. Few pictures make it too large: of two sets of N from one Gaussian it is
    above 0, falling like 1/N.

    Args:
        first: ``(N, features)``, two rows or more.
        second: ``(M, features)``.

    Raises:
        DataError: A set has fewer than two rows.

    Example:
        >>> square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        >>> round(frechet_distance(square, square + [3.0, 4.0]), 9)
        25.0
    """
    if min(len(first), len(second)) < 2:
        raise DataError(f"sets of {len(first)} and {len(second)} pictures have no covariance: give two or more of each")
    (mean1, cov1), (mean2, cov2) = (_moments(features) for features in (first, second))
    root = _root(cov1)
    roots = np.sqrt(np.linalg.eigvalsh(root @ cov2 @ root).clip(min=0)).sum()
    return float(((mean1 - mean2) ** 2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * roots)


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features = features.astype(np.float64)
    return features.mean(0), np.atleast_2d(np.cov(features, rowvar=False))


def _root(matrix: np.ndarray) -> np.ndarray:
    """Of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
