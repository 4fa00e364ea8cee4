"""Models: whole networks by name. One file an architecture; to add one, write its file and its line here."""

from edgewise.models.all_ukan import all_ukan, ukan_vanilla
from edgewise.models.kan import KAN
from edgewise.models.registry import create_model, list_models, register_model
from edgewise.models.ukan import Layers, UShape, ukan
from edgewise.models.unet import unet

__all__ = [
    "KAN",
    "Layers",
    "UShape",
    "all_ukan",
    "create_model",
    "list_models",
    "register_model",
    "ukan",
    "ukan_vanilla",
    "unet",
]
