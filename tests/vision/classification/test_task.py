from pathlib import Path

import pytest

from edgewise._ground.errors import ConfigError
from edgewise.vision import Classification, Inference


def test_what_is_asked_of_masks_is_refused():
    with pytest.raises(ConfigError, match="makes no masks"):
        Classification().predict([Path("a")], [], Path("out"), "cpu", Inference(turned=True))
    with pytest.raises(ConfigError, match="names the likeliest class: no threshold is tuned"):
        Classification().tune_threshold(Path("a"), "cpu")
