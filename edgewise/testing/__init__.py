"""Contract suites: inherit one in a test file, name what you wrote, and pytest checks all that edgewise promises of it.

They need pytest, which ``import edgewise`` never asks for.
"""

import pytest

pytest.register_assert_rewrite(
    *(f"edgewise.testing.{name}" for name in ("basis", "compare", "device", "layer", "model", "noise_predictor"))
)

from edgewise.testing.basis import BasisContract  # noqa: E402
from edgewise.testing.compare import (  # noqa: E402
    assert_runs_there,
    assert_same_everywhere,
    assert_same_there,
    assert_within,
    gradients,
)
from edgewise.testing.device import AWAY, OtherDevice  # noqa: E402
from edgewise.testing.layer import LayerContract  # noqa: E402
from edgewise.testing.model import ModelContract  # noqa: E402
from edgewise.testing.noise_predictor import NoisePredictorContract  # noqa: E402

__all__ = [
    "AWAY",
    "BasisContract",
    "LayerContract",
    "ModelContract",
    "NoisePredictorContract",
    "OtherDevice",
    "assert_runs_there",
    "assert_same_everywhere",
    "assert_same_there",
    "assert_within",
    "gradients",
]
