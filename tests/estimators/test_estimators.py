import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgewise.estimators import KANClassifier, KANRegressor

QUICK = {"hidden": (3,), "penalty": 1e-2, "steps": 5, "starts": 1}


@pytest.fixture(autouse=True)
def array_api(monkeypatch):
    """Without it, scikit-learn skips a check."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")


@parametrize_with_checks([KANRegressor(**QUICK), KANClassifier(**QUICK)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([KANRegressor(), KANClassifier()])
def test_scikit_learn_checks_as_they_come(estimator, check):
    check(estimator)
