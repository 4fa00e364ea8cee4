"""A run of segmentation for use elsewhere: its network, and in words how pictures enter it and masks come of it."""

from pathlib import Path
from typing import Any

import torch

from edgewise.models.deployment import Deployment, deployment_of
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.preprocess import LUMINANCE
from edgewise.vision.data.reading import Levels
from edgewise.vision.segmentation.inference.tiles import OVERLAP
from edgewise.vision.segmentation.predict import Predictor
from edgewise.vision.segmentation.recipe import SegmentationRecipe
from edgewise.vision.training.deploy import network_in
from edgewise.vision.training.folder import RunFolder


def deploy_segmenter(run_dir: str | Path) -> Deployment:
    """The best epoch of a run, with what its pictures go through and what its logits mean.

    Raises:
        CheckpointError: There is no run, or its model is corrupted.
    """
    folder = RunFolder(run_dir)
    data, facts = folder.read_recipe(SegmentationRecipe).data, folder.read_facts()
    predictor = Predictor.from_run(run_dir)
    mean, std = predictor.preprocess.normalisation
    given: dict[str, Any] = {
        "scaling": Levels.noted(facts).scaling(),
        "resize": {"size": list(data.size), "fit": data.fit, "method": "bilinear", "antialias": True},
        "convert": {"grey_from_colour": list(LUMINANCE), "colour_from_grey": "repeat"},
        "normalise": {"mean": list(mean), "std": list(std)},
        "pad": {"size": list(data.size), "where": "centre", "value": 0},
        "symmetry": predictor.symmetry,
        "order": ["scaling", "resize", "convert", "normalise", "pad"],
    }
    if data.fit == "tiles":
        given["resize"] |= {"overlap": OVERLAP, "weights": "gaussian"}
    one, decision = data.classes == 1, predictor.decision
    legend = Legend.noted(facts, data.classes).to_dict()
    made: dict[str, Any] = {
        "classes": legend["names"],
        "colours": legend["colours"],
        "activation": "sigmoid" if one else "softmax",
        "decision": "threshold" if one or decision.threshold else "argmax",
        "threshold": (decision.threshold or (0.5,))[0] if one else list(decision.threshold or ()) or None,
        "smallest": list(decision.smallest or ()),
        "largest_component": decision.largest_component,
        "resize": {"to": "picture", "method": "bilinear", "antialias": False, "before": "decision", "crop": "pad"},
        "masks": facts.get("masks"),
    }
    known = deployment_of(predictor.network)
    example = torch.zeros(2, data.channels, *data.size)
    return network_in(known, example, SegmentationRecipe.task, data, given, made)
