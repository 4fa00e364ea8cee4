"""Kolmogorov-Arnold networks: learnable functions on the edges, ``y_q = sum_p phi_qp(x_p)``."""

import importlib
from typing import TYPE_CHECKING

from edgewise._errors import EdgewiseError

if TYPE_CHECKING:
    from edgewise import bases, export, models, nn, ops
    from edgewise.analysis import kanify_plan
    from edgewise.bases import create_basis, list_bases
    from edgewise.models import create_model, kanify, list_models
    from edgewise.ops import backend_in_use, use_backend
    from edgewise.training import distill

__version__ = "0.1.0"

__all__ = [
    "EdgewiseError",
    "backend_in_use",
    "bases",
    "create_basis",
    "create_model",
    "distill",
    "export",
    "kanify",
    "kanify_plan",
    "list_bases",
    "list_models",
    "models",
    "nn",
    "ops",
    "use_backend",
]

# Imported when first asked for, so that `edgewise --help` does not wait for torch.
_HOMES = {
    "backend_in_use": "ops",
    "create_basis": "bases",
    "create_model": "models",
    "distill": "training",
    "kanify": "models",
    "kanify_plan": "analysis",
    "list_bases": "bases",
    "list_models": "models",
    "use_backend": "ops",
}


def __getattr__(name: str):
    if name not in __all__:
        raise AttributeError(f"module 'edgewise' has no attribute {name!r}")
    module = importlib.import_module(f"edgewise.{_HOMES.get(name, name)}")
    return getattr(module, name) if name in _HOMES else module


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
