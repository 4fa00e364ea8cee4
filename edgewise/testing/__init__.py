"""Contract suites: inherit one in a test file, name what you wrote, and pytest checks all that edgewise promises of it.

They need pytest, which ``import edgewise`` never asks for.
"""

import pytest

pytest.register_assert_rewrite(
    *(f"edgewise.testing.{name}" for name in ("basis", "compare", "layer", "model", "noise_predictor"))
)

from edgewise.testing.basis import BasisContract  # noqa: E402
from edgewise.testing.compare import assert_same_everywhere, assert_within, gradients  # noqa: E402
from edgewise.testing.layer import LayerContract  # noqa: E402
from edgewise.testing.model import ModelContract  # noqa: E402
from edgewise.testing.noise_predictor import NoisePredictorContract  # noqa: E402

__all__ = [
    "BasisContract",
    "LayerContract",
    "ModelContract",
    "NoisePredictorContract",
    "assert_same_everywhere",
    "assert_within",
    "gradients",
]
