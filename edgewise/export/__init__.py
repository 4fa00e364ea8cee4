"""Networks for use without edgewise: graphs for other runtimes, functions in plain NumPy or C, shared folders."""

from edgewise.export.bake import Baked, bake
from edgewise.export.hub import from_pretrained, model_card, push_to_hub, save_pretrained
from edgewise.export.onnx import to_onnx
from edgewise.export.program import ExportError, to_program

__all__ = [
    "Baked",
    "ExportError",
    "bake",
    "from_pretrained",
    "model_card",
    "push_to_hub",
    "save_pretrained",
    "to_onnx",
    "to_program",
]
