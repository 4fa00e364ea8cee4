"""The memory and the time that `edgewise predict` takes for a picture of 4000 x 3000 pixels.

    python benchmarks/predict_memory.py
    python benchmarks/predict_memory.py --lines 4 5        # a picture seen turned, and by three runs

A network with fresh weights costs what a trained one costs. Each line is a process of its own; its resident memory at the
peak is what the system counted (`ru_maxrss`), Python and PyTorch included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from edgewise.io import save_model
from edgewise.vision import MaskedData, Model, Result, RunFolder, Segmentation, SegmentationRecipe

LINES = (
    ("pad", 1, 1),
    ("tiles", 1, 1),
    ("tiles", 4, 1, "--probabilities"),
    ("tiles", 1, 1, "--tta"),
    ("tiles", 4, 1, "--tta", "--probabilities"),
    ("tiles", 4, 3, "--probabilities"),
    ("tiles", 4, 3, "--threshold", "0.3", "--smallest", "50", "--probabilities"),
)
"""How pictures come to the network, its classes, how many runs, and what is asked for."""


def make_run(path: Path, model: Model, classes: int, fit: str) -> None:
    """A run folder as training leaves it, of a network that learned nothing."""
    data = MaskedData(name="folder", size=(256, 256), classes=classes, fit=fit)
    recipe = SegmentationRecipe(data=data, model=model)
    network, folder = Segmentation().network(recipe), RunFolder(path)
    path.mkdir()
    folder.write_config(recipe, {"masks": None, "window": None})
    save_model(network, folder.model)
    count = sum(parameter.numel() for parameter in network.parameters())
    folder.write_result(Result(epochs=1, best_epoch=0, score="val_iou", best=0.0, seconds=0.0, parameters=count))


def measure(words: list[str]) -> tuple[float, float]:
    """Peak resident megabytes and seconds of a command."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "edgewise", *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"edgewise {' '.join(words)} failed")
    return usage.ru_maxrss / 1024, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=2, default=(4000, 3000), help="width and height of the picture")
    parser.add_argument("--model", default="all_ukan")
    parser.add_argument("--lines", type=int, nargs="+", default=range(len(LINES)), help=f"from 0 to {len(LINES) - 1}")
    parser.add_argument("--options", type=json.loads, default={}, help="of the model, as JSON")
    given = parser.parse_args()
    (width, height), model = given.size, Model(name=given.model, options=given.options)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "picture.png")
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)).save(picture)
        for line in given.lines:
            fit, classes, members, *more = LINES[line]
            runs = [Path(folder, f"{line}-{member}") for member in range(members)]
            for run in runs:
                make_run(run, model, classes, fit)
            peak, seconds = measure(["predict", *map(str, runs), str(picture), "--out", str(Path(folder, "out")), *more])
            what = f"{model.name} {fit}, {members} x {classes} classes {' '.join(more)}"
            print(f"{what:60} {peak:6.0f} MB {seconds:6.0f} s", flush=True)


if __name__ == "__main__":
    main()
