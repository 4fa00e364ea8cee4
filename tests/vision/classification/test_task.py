from pathlib import Path

import pytest

from edgewise._ground.errors import ConfigError
from edgewise.vision import Classification, Inference


@pytest.mark.parametrize(
    ("runs", "inference", "message"),
    [(["a", "b"], None, "are not averaged: predict them one by one"), (["a"], Inference(turned=True), "makes no masks")],
)
def test_what_a_classification_cannot_do_is_refused(runs, inference, message):
    with pytest.raises(ConfigError, match=message):
        Classification().predict([Path(run) for run in runs], [], Path("out"), "cpu", inference)
