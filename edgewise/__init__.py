"""Kolmogorov-Arnold networks: learnable functions on the edges, ``y_q = sum_p phi_qp(x_p)``."""

import importlib
from typing import TYPE_CHECKING

from edgewise._ground.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    EdgewiseError,
    EdgewiseWarning,
    ExtrapolationWarning,
    MissingPackageError,
    NonFiniteError,
)
from edgewise._ground.registry import HOMES
from edgewise._ground.version import __version__

if TYPE_CHECKING:
    from edgewise import analysis, bases, estimators, export, io, kan, models, nn, ops, physics, testing, vision
    from edgewise.analysis import kanify_plan
    from edgewise.bases import create_basis, list_bases
    from edgewise.kan import KAN
    from edgewise.models import create_model, kanify, list_models
    from edgewise.ops import backend_in_use, use_backend
    from edgewise.vision import distill

__all__ = [
    "KAN",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "EdgewiseError",
    "EdgewiseWarning",
    "ExtrapolationWarning",
    "MissingPackageError",
    "NonFiniteError",
    "__version__",
    "analysis",
    "backend_in_use",
    "bases",
    "create_basis",
    "create_model",
    "distill",
    "estimators",
    "export",
    "io",
    "kan",
    "kanify",
    "kanify_plan",
    "list_bases",
    "list_models",
    "models",
    "nn",
    "ops",
    "physics",
    "testing",
    "use_backend",
    "vision",
]

# Imported when first asked for, so that `edgewise --help` does not wait for torch.
_ROOMS = {
    "KAN": "kan",
    "backend_in_use": "ops",
    "create_basis": "bases",
    "create_model": "models",
    "distill": "vision",
    "kanify": "models",
    "kanify_plan": "analysis",
    "list_bases": "bases",
    "list_models": "models",
    "use_backend": "ops",
}
# The packages that register datasets and models when they are imported.
HOMES["dataset"] = ("edgewise.vision",)
HOMES["model"] = ("edgewise.models", "edgewise.kan")


def __getattr__(name: str):
    if name not in __all__:
        raise AttributeError(f"module 'edgewise' has no attribute {name!r}")
    module = importlib.import_module(f"edgewise.{_ROOMS.get(name, name)}")
    return getattr(module, name) if name in _ROOMS else module


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
