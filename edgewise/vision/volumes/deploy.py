"""A run of volumes for use elsewhere: its network, and in words how scans enter it and masks come of it."""

from dataclasses import replace
from pathlib import Path

import torch

from edgewise.models.deployment import Deployment, deployment_of, dtype_of
from edgewise.vision.data.intensity import scale_from
from edgewise.vision.data.legend import Legend
from edgewise.vision.data.preprocess import GREY
from edgewise.vision.segmentation.inference.tiles import OVERLAP
from edgewise.vision.training.folder import RunFolder
from edgewise.vision.volumes.predict import VolumePredictor
from edgewise.vision.volumes.recipe import VolumeRecipe
from edgewise.vision.volumes.volume import AXES


def deploy_volumes(run_dir: str | Path) -> Deployment:
    """The best epoch of a run, with what its scans go through and what its logits mean.

    Raises:
        CheckpointError: There is no run, or its model is corrupted.
    """
    folder = RunFolder(run_dir)
    data, facts = folder.read_recipe(VolumeRecipe).data, folder.read_facts()
    predictor = VolumePredictor.from_run(run_dir)
    scale, one, decision = scale_from(facts["scale"]), data.classes == 1, predictor.decision
    legend = Legend.noted(facts, data.classes)
    example = torch.randn(2, data.channels, *data.size, generator=torch.Generator().manual_seed(0))
    volume = {
        "name": "volume",
        "layout": "NCDHW",
        "dtype": dtype_of(predictor.network),
        "channels": data.channels,
        "size": list(data.size),
        "scaling": {**(scale.to_dict() if scale else {"kind": "window", "any": facts["window"]}), "clip": True},
        "axes": AXES,
        "resample": {"spacing_mm": facts["spacing"], "method": "trilinear"},
        "normalise": {"mean": list(GREY[0]), "std": list(GREY[1])},
        "windows": {"overlap": OVERLAP, "weights": "gaussian", "padding": 0},
        "symmetry": predictor.symmetry,
        "order": ["scaling", "axes", "resample", "normalise", "windows"],
    }
    logits = {
        "name": "logits",
        "layout": "NCDHW",
        "classes": list(legend.names),
        "colours": list(legend.colours),
        "activation": "sigmoid" if one else "softmax",
        "decision": "threshold" if one or decision.threshold else "argmax",
        "threshold": (decision.threshold or (0.5,))[0] if one else list(decision.threshold or ()) or None,
        "smallest": list(decision.smallest or ()),
        "largest_component": decision.largest_component,
        "resample": {"to": "scan", "method": "trilinear", "before": "decision"},
    }
    known = deployment_of(predictor.network)
    metadata = {**known.metadata, "task": VolumeRecipe.task, "dataset": data.name, "input": volume, "output": logits}
    like = next(predictor.network.parameters())
    return replace(known, example=example.to(like), inputs=("volume",), outputs=("logits",), metadata=metadata)
