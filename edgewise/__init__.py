"""Kolmogorov-Arnold networks: learnable functions on the edges, ``y_q = sum_p phi_qp(x_p)``."""

from edgewise import bases, models, nn, ops
from edgewise._errors import EdgewiseError
from edgewise.bases import create_basis, list_bases
from edgewise.models import create_model, list_models
from edgewise.ops import backend_in_use, use_backend

__version__ = "0.1.0"

__all__ = [
    "EdgewiseError",
    "backend_in_use",
    "bases",
    "create_basis",
    "create_model",
    "list_bases",
    "list_models",
    "models",
    "nn",
    "ops",
    "use_backend",
]
