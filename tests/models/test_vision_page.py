"""The page on vision says what is so."""

import re
from pathlib import Path

import pytest
import torch

from edgewise.analysis import count_parameters
from edgewise.models import create_model

PAGE = (Path(__file__).parents[2] / "docs" / "vision.md").read_text(encoding="utf-8")
MODELS = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", PAGE, flags=re.MULTILINE)


def test_its_code_runs():
    pytest.importorskip("torchvision")
    found = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "vision.md", "exec"), found)
    assert count_parameters(create_model(**_without_name(found["model"], num_classes=10))) == 88_046


def _without_name(model, **options):
    return {"name": model.config["name"]} | model.config["options"] | options


@pytest.mark.parametrize(("name", "parameters"), MODELS)
def test_its_parameters_are_those_of_the_models(name, parameters):
    pytest.importorskip({"vgg16_kan": "torchvision", "unet": "monai", "encoder_unet": "timm"}.get(name, "torch"))
    with torch.device("meta"):
        assert f"{count_parameters(create_model(name)):,}" == parameters


def test_it_names_all_models_of_vision():
    assert {name for name, _ in MODELS} >= {"cheby_kan", "conv_kan", "vgg16_kan", "vgg_kan", "resnet_kan", "gram_unet"}
