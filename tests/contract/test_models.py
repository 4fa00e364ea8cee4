"""The contract of models, for every registered one."""

from itertools import count

import pytest
import torch
from torch import nn

from edgewise.models import create_model, list_models
from edgewise.models.registry import takes_of
from edgewise.models.takes import NoisyPictures
from edgewise.testing import ModelContract, NoisePredictorContract

TINY = {"widths": (8, 8, 8)}
FRAME = {
    "options": TINY,
    "sizes": ((32, 32), (64, 32)),
    "refused": {(33, 70): "32 x 64", (16, 47): "32 x 32"},
}
FRAME_3D = {
    "options": TINY | {"flat": 4},
    "sizes": ((2, 32, 32), (4, 64, 32)),
    "refused": {(3, 33, 70): "multiples of 2 x 32 x 32, got 3 x 33 x 70; the nearest size is 4 x 32 x 64"},
}
TRANSFORMER = {
    "options": {"num_classes": 3, "image_size": 16, "patch_size": 8},
    "refused": {(24, 16): "got shape", (8, 8): "got shape"},
}
LEARNED = TRANSFORMER | {"options": TRANSFORMER["options"] | {"rank": 2, "base": "silu"}}  # base "zero" has no gradient
WINDOWED = {"options": {"num_classes": 3, "image_size": 32, "patch_size": 4}}
SMALLER = {
    "vit": {"embed_dim": 48, "depth": 1, "num_heads": 3},
    "convit": {"embed_dim": 16, "depth": 3, "num_heads": 3, "local_up_to_layer": 1},
    "swin": {"embed_dim": 24, "depths": (1, 1), "num_heads": (1, 2)},
}
ROWS = {"options": {"width": [6, 4, 2]}}
TOO_SMALL = "with sides of at least 4, got shape"
SETTINGS = {
    "all_ukan": FRAME,
    "all_ukan3d": FRAME_3D,
    "all_ukan_diffusion": FRAME,
    "cheby_kan": ROWS,
    "cnn": {"options": {"width": 4, "stages": 2}, "sizes": ((2, 2), (9, 16))},
    "conv_kan": {
        "options": {"widths": (2, 3), "image_size": 12, "norm": "batch"},
        "sizes": ((12, 12),),
        "refused": {(9, 12): "with sides of 12, got shape", (16, 12): "with sides of 12, got shape"},
    },
    "convit_tiny": TRANSFORMER,
    "convit_tiny_karat": LEARNED,
    "encoder_unet": {
        "options": {"encoder": "test_efficientnet", "widths": (4, 4, 4, 4)},
        "sizes": ((32, 32), (48, 33)),
        "refused": {(31, 32): "with sides of at least 32, got shape"},
    },
    "fast_kan": ROWS,
    "fourier_kan": ROWS,
    "gated_kan": {"options": {"width": [6, 4, 2], "blocks": 2, "alpha": 0.5}},  # closed blocks have no gradient
    "gram_unet": {
        "options": {"widths": (4, 6, 8)},
        "sizes": ((4, 4), (16, 24), (13, 7)),
        "refused": {(3, 8): TOO_SMALL},
    },
    "kan": ROWS,
    "kat_base": TRANSFORMER,
    "kat_micro": TRANSFORMER,
    "kat_small": TRANSFORMER,
    "kat_tiny": TRANSFORMER,
    "mlp": ROWS,
    "resnet_kan": {"options": {"widths": (4, 6), "depths": (1, 1)}, "sizes": ((1, 1), (8, 8), (9, 6))},
    "swin_tiny": WINDOWED,
    "swin_tiny_karat": WINDOWED | {"options": WINDOWED["options"] | {"rank": 2, "base": "silu"}},
    "ukan": FRAME,
    "ukan3d": FRAME_3D,
    "ukan_diffusion": FRAME,
    "ukan_vanilla": FRAME,
    "unet": {"options": {"widths": (4, 4, 8, 8, 16, 4)}, "sizes": ((32, 32), (48, 33))},
    "unet3d": {"options": {"widths": (4, 4, 8, 8, 16, 4)}, "sizes": ((16, 16, 16), (17, 16, 33))},
    "vgg16_kan": {
        "options": {"image_size": 32, "hidden": (8,)},
        "sizes": ((32, 32), (40, 64)),
        "refused": {(31, 32): "with sides of at least 32, got shape"},
    },
    "vgg_kan": {
        "options": {"widths": (4, 6), "depths": (1, 2)},
        "sizes": ((4, 4), (8, 8), (9, 6)),
        "refused": {(3, 8): TOO_SMALL},
    },
    "vit_base": TRANSFORMER,
    "vit_base_karat": LEARNED,
    "vit_micro": TRANSFORMER,
    "vit_micro_karat": LEARNED,
    "vit_small": TRANSFORMER,
    "vit_small_karat": LEARNED,
    "vit_tiny": TRANSFORMER,
    "vit_tiny_karat": LEARNED,
}
TWINS = {
    "kat_base": "kat_micro",
    "kat_small": "kat_micro",
    "kat_tiny": "kat_micro",
    "vit_base": "vit_micro",
    "vit_small": "vit_micro",
    "vit_tiny": "vit_micro",
    "vit_small_karat": "vit_micro_karat",
    "vit_tiny_karat": "vit_micro_karat",
}
"""Models that the settings above make into the same network; it is compiled and exported once."""
LONG = {"all_ukan3d": "ukan3d", "all_ukan_diffusion": "ukan_diffusion"}
"""Models that are compiled and exported in minutes: beside each, one of the same frame that is not."""


for model_name, settings in SETTINGS.items():
    contract = NoisePredictorContract if isinstance(takes_of(model_name), NoisyPictures) else ModelContract
    globals()[f"Test_{model_name}"] = type(f"Test_{model_name}", (contract,), {"name": model_name, **settings})


@pytest.fixture(autouse=True)
def _smaller_parts_of_others(request, monkeypatch):
    if request.cls is not None:
        make_parts_smaller(getattr(request.cls, "name", ""), monkeypatch)
        if request.cls.name in TWINS and request.node.originalname in COMPILED:
            pytest.skip(f"is the same network as {TWINS[request.cls.name]} in the size of the tests")
        if request.cls.name in LONG and request.node.originalname in COMPILED:
            pytest.skip(f"takes minutes; {LONG[request.cls.name]} has this frame, and layers have contracts")


def make_parts_smaller(name: str, monkeypatch) -> None:
    """Have timm and torchvision make the parts of a model small; tests/models builds them whole."""
    if name.startswith(("convit", "kat", "swin", "vit")):
        timm = pytest.importorskip("timm")
        make = timm.create_model
        monkeypatch.setattr(
            timm, "create_model", lambda name, **options: make(name, **options | SMALLER[name.split("_")[0]])
        )
    elif name == "vgg16_kan":
        vgg = pytest.importorskip("torchvision.models.vgg")
        layers = [4, "M", 4, "M", 4, "M", 4, "M", 4, 512, "M"]
        monkeypatch.setattr("torchvision.models.vgg16_bn", lambda weights: vgg.VGG(vgg.make_layers(layers, True)))


def test_every_registered_model_is_tested():
    assert set(SETTINGS) == set(list_models())


@pytest.mark.parametrize("name", TWINS)
def test_twins_are_the_same_network(name, monkeypatch):
    made = []
    for one in (name, TWINS[name]):
        with monkeypatch.context() as patch:
            make_parts_smaller(one, patch)
            made.append(create_model(one, **SETTINGS[one]["options"]))
    assert str(made[0]) == str(made[1])
    shapes = [{key: value.shape for key, value in model.state_dict().items()} for model in made]
    assert shapes[0] == shapes[1]


COMPILED = {"test_compiled_equals_eager", "test_exported_equals_eager_for_any_batch"}
CALLS = count()
FAULTS = {
    "meets its neighbours": (lambda y: y + 0.01 * y.mean(0), "test_samples_do_not_meet_in_evaluation"),
    "hides NaN": (lambda y: y.where(~y.isnan(), 0.0), "test_nan_stays_in_its_sample"),
    "is never the same": (lambda y: y + 1e-3 * next(CALLS), "test_same_seed_same_model_and_same_training"),
    "does not learn": (lambda y: y.detach().requires_grad_(), "test_gradients_reach_all_parameters"),
    "loses a class": (lambda y: y[:, 1:], "test_the_example_is_an_input_and_the_same_each_time"),
    "breaks the graph": (lambda y: (torch._dynamo.graph_break(), y)[1], "test_compiled_equals_eager"),
    "has a batch built in": (lambda y: y * (2 if len(y) == 2 else 1), "test_exported_equals_eager_for_any_batch"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_model_is_found(fault):
    spoil, name = FAULTS[fault]

    class Contract(ModelContract):
        name, options = "mlp", ROWS["options"]

        def _model(self, *arguments, **options):
            model = super()._model(*arguments, **options)
            if spoilt:
                model.append(Spoilt(spoil))
            return model

    test = getattr(Contract(), name)
    arguments = (False,) if "reach" in name else ()
    spoilt = False
    test(*arguments)
    spoilt = True
    with pytest.raises((AssertionError, torch._dynamo.exc.Unsupported, torch._dynamo.exc.UserError)):
        test(*arguments)


class Spoilt(nn.Module):
    def __init__(self, spoil):
        super().__init__()
        self.spoil = spoil

    def forward(self, y):
        return self.spoil(y)
