"""How much memory and time the prediction of one scan takes: ``python -m benchmarks.volumes [MODEL] [D H W]``.

The network is not trained: what it costs does not depend on that. The scan is read from a file and the mask written to one,
in a process of its own, whose largest resident memory is printed.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from edgewise.io import save_model
from edgewise.models import create_model
from edgewise.vision import Model, RunFolder, VolumeData, VolumeRecipe, predict
from edgewise.vision.training.files import Result
from edgewise.vision.volumes import write_nifti

SPACING = (2.0, 0.8, 0.8)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("model", nargs="?", default="all_ukan3d")
    words.add_argument("shape", nargs="*", type=int, default=[128, 256, 256])
    words.add_argument("--classes", type=int, default=3)
    words.add_argument("--members", type=int, default=1, help="of an ensemble")
    given = words.parse_args()
    torch.manual_seed(0)
    options = {} if given.model == "unet3d" else {"flat": 2}
    model = create_model(given.model, num_classes=given.classes, **options)
    recipe = VolumeRecipe(data=VolumeData(classes=given.classes), model=Model(name=given.model, options=options), epochs=1)
    facts = {"masks": None, "window": (0.0, 1000.0), "scale": None, "legend": None, "spacing": SPACING}
    with tempfile.TemporaryDirectory() as at:
        folder = RunFolder(Path(at, "run"))
        folder.path.mkdir()
        folder.write_config(recipe, facts)
        save_model(model, folder.model)
        folder.write_result(Result(epochs=1, best_epoch=0, score="val_iou", best=0.0, seconds=0.0, parameters=0))
        scan = np.random.default_rng(0).integers(0, 1000, given.shape, dtype=np.int16)
        write_nifti(Path(at, "scan.nii.gz"), scan, np.diag([*SPACING[::-1], 1.0]))
        start = time.perf_counter()
        done = predict([folder.path] * given.members, [Path(at, "scan.nii.gz")], Path(at, "out"))
        seconds = time.perf_counter() - start
    assert not done.failures, done.failures
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    what = f"{given.model}, {' x '.join(map(str, given.shape))} voxels, {given.classes} classes, {given.members} members"
    print(f"{what}: {peak:.2f} GiB resident at most, {seconds:.0f} s")


if __name__ == "__main__":
    main()
