import numpy as np
import pytest

from edgewise._ground.errors import ConfigError
from edgewise.estimators import KANClassifier, KANRegressor
from edgewise.kan import discover

X = np.linspace(-1, 1, 40).reshape(20, 2)
Y = X[:, 0] > 0
WRONG = [
    ({"hidden": 5}, r"hidden lists the nodes of each hidden layer, such as \(5,\) or \(\), got 5"),
    ({"hidden": "5"}, r"hidden lists .* got '5'"),
    ({"grid": 2.5}, "grid is a whole number of at least 1, got 2.5"),
    ({"grid": None}, "grid is a whole number of at least 1, got None"),
    ({"k": "3"}, "k is a whole number of at least 0, got '3'"),
    ({"steps": 0}, "steps is a whole number of at least 1, got 0"),
    ({"starts": True}, "starts is a whole number of at least 1, got True"),
    ({"max_time": "a"}, "max_time is a positive number of seconds, got 'a'"),
    ({"max_time": float("nan")}, "max_time is a positive number of seconds, got nan"),
    ({"optimizer": "sgd"}, "unknown optimizer 'sgd'; known: adam, lbfgs, lm"),
    ({"penalty": "a"}, "the factors of a penalty must be finite and not negative"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_settings_that_cannot_be(settings, message):
    for make in (KANRegressor, KANClassifier):
        with pytest.raises(ConfigError, match=message):
            make(**settings).fit(X, Y.astype(float))
    with pytest.raises(ConfigError, match=message):
        discover(X, X[:, 0], hidden=settings.get("hidden", ()), **{k: v for k, v in settings.items() if k != "hidden"})


def test_settings_without_effect():
    with pytest.raises(ConfigError, match="takes its own steps: give penalty= too for a single network by 'adam'"):
        KANRegressor(optimizer="adam").fit(X, X[:, 0])
    with pytest.raises(ConfigError, match="functions= says what formulas may have: give symbolic=True too"):
        KANRegressor(functions=["x"]).fit(X, X[:, 0])
    with pytest.raises(ConfigError, match="steps is a whole number of at least 1, got 0"):
        KANRegressor(steps=0).partial_fit(X, X[:, 0])
