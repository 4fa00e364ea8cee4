"""A run of classification for use elsewhere: its network, and in words how pictures enter it and classes come of it."""

from pathlib import Path
from typing import Any

import torch

from edgewise.models.deployment import Deployment, deployment_of
from edgewise.vision.classification.predict import ClassPredictor
from edgewise.vision.classification.recipe import ClassificationRecipe
from edgewise.vision.data.preprocess import LUMINANCE
from edgewise.vision.training.deploy import network_in
from edgewise.vision.training.folder import RunFolder


def deploy_classifier(run_dir: str | Path) -> Deployment:
    """The best epoch of a run, with what its pictures go through and what its logits mean.

    Raises:
        CheckpointError: There is no run, or its model is corrupted.
    """
    folder = RunFolder(run_dir)
    data = folder.read_recipe(ClassificationRecipe).data
    predictor = ClassPredictor.from_run(run_dir)
    mean, std = predictor.view.normalisation
    given: dict[str, Any] = {
        "convert": {"grey_from_colour": list(LUMINANCE), "colour_from_grey": "repeat", "rounded": True},
        "scaling": {"uint8": [0, 255], "uint16": [0, 65535], "clip": True},
        "resize": {
            "size": list(data.size),
            "fit": "crop",
            "crop": data.crop,
            "method": "bicubic",
            "antialias": True,
            "clip": True,
        },
        "normalise": {"mean": list(mean), "std": list(std)},
        "order": ["convert", "scaling", "resize", "normalise"],
    }
    made = {"classes": folder.read_facts()["classes"], "activation": "softmax", "decision": "argmax"}
    known = deployment_of(predictor.network)
    example = torch.zeros(2, data.channels, *data.size)
    return network_in(known, example, ClassificationRecipe.task, data, given, made)
