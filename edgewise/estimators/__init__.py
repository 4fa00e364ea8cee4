"""Kolmogorov-Arnold networks as estimators of scikit-learn: fit, predict, and the formula that was found."""

from edgewise.estimators.classifier import KANClassifier
from edgewise.estimators.regressor import KANRegressor

__all__ = ["KANClassifier", "KANRegressor"]
