"""The memory and the time that `edgewise predict` takes for a picture of 4000 x 3000 pixels.

    python benchmarks/predict_memory.py

A network with fresh weights costs what a trained one costs. Each line is a process of its own; its resident memory at the
peak is what the system counted (`ru_maxrss`), Python and PyTorch included.
"""

import argparse
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


def make_run(path: Path, model: str, classes: int, fit: str) -> None:
    """A run folder as training leaves it, of a network that learned nothing."""
    data = MaskedData(name="folder", size=(256, 256), classes=classes, fit=fit)
    recipe = SegmentationRecipe(data=data, model=Model(name=model))
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
    width, height = parser.parse_args().size
    model = parser.parse_args().model
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "picture.png")
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)).save(picture)
        for fit, classes, more in (("pad", 1, []), ("tiles", 1, []), ("tiles", 4, ["--probabilities"])):
            run = Path(folder, f"{fit}{classes}")
            make_run(run, model, classes, fit)
            peak, seconds = measure(["predict", str(run), str(picture), "--out", str(Path(folder, "out")), *more])
            print(f"{model:>9} {fit:>6} {classes} classes {' '.join(more):>16} {peak:6.0f} MB {seconds:6.0f} s", flush=True)


if __name__ == "__main__":
    main()
