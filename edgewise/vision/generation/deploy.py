"""A run of generation for use elsewhere: its network, and what samplers must know of it."""

from pathlib import Path

import torch

from edgewise._ground.errors import ConfigError
from edgewise.models.deployment import Deployment, deployment_of
from edgewise.vision.generation.recipe import GenerationRecipe
from edgewise.vision.generation.sample import PictureMaker
from edgewise.vision.training.folder import RunFolder


def deploy_generator(run_dir: str | Path) -> Deployment:
    """The best epoch of a run: from noisy pictures and steps to noise, with the schedule that it was trained on.

    Raises:
        CheckpointError: There is no run, or its model is corrupted.
        ConfigError: It makes pictures for masks.
    """
    maker = PictureMaker.from_run(run_dir)
    data = RunFolder(run_dir).read_recipe(GenerationRecipe).data
    if maker.masked:
        raise ConfigError(f"{run_dir} makes pictures for masks, which an export has no place for: sample from it here")
    known = deployment_of(maker.network)
    shape = (2, *maker.shape)
    noisy = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    picture = {"layout": "NCHW", "channels": data.channels, "size": list(data.size), "range": [-1, 1]}
    return Deployment(
        network=maker.network,
        example=(noisy, torch.tensor([0, len(maker.schedule) - 1])),
        inputs=("image", "step"),
        outputs=("noise",),
        metadata={
            **known.metadata,
            "task": GenerationRecipe.task,
            "dataset": data.name,
            "input": {"name": "image", **picture},
            "output": {"name": "noise", **picture, "range": None},
            "schedule": {"betas": maker.schedule.betas.tolist()},
        },
    )
