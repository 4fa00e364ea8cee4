"""The contract of models, for every registered one that segments images."""

import json

import pytest

from edgewise.models import create_model, list_models
from edgewise.testing import ModelContract

SMALL = {"widths": (8, 8, 8)}
FRAME = {"options": SMALL, "sizes": ((32, 32), (64, 32)), "refused": {(33, 70): "32 x 64", (16, 47): "32 x 32"}}
SETTINGS = {
    "all_ukan": FRAME,
    "ukan": FRAME,
    "ukan_vanilla": FRAME,
    "unet": {"options": {"widths": (4, 4, 8, 8, 16, 4)}, "sizes": ((32, 32), (48, 33))},
}
NO_IMAGES = {"kan", "rows", "mlp"}
CLASSIFIERS = {"cnn"} | {  # tests/models/test_vit.py, test_plain.py
    name for name in list_models() if name.startswith(("vit_", "kat_", "convit_", "swin_"))
}

for model_name, settings in SETTINGS.items():
    globals()[f"Test_{model_name}"] = type(f"Test_{model_name}", (ModelContract,), {"name": model_name, **settings})
Test_unet = pytest.mark.slow(globals()["Test_unet"])  # imports MONAI


def test_every_registered_model_is_tested():
    assert set(SETTINGS) | NO_IMAGES | CLASSIFIERS == set(list_models())


def test_configs_are_plain_json():
    for name in SETTINGS:
        config = create_model(name, **SETTINGS[name]["options"]).config
        assert json.loads(json.dumps(config)) == config
