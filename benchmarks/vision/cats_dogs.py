"""VGG16 with a KAN for its head and with a plain one, CIFAR-10's cats and dogs: ``python -m benchmarks.vision.cats_dogs``.

Features of ``vgg16_bn`` from scratch at 32 x 32, a head 512 -> 64 -> 2 behind layer norms. Each run is tested once.
"""

from dataclasses import replace
from pathlib import Path

import tyro

from benchmarks.vision.race import Entry, race
from edgewise.vision import Model, create_recipe

HEADS = {"VGG16, KAN head": "kan", "VGG16, plain head": "linear"}


def main(out: Path = Path("runs/cats_dogs"), seeds: int = 1, epochs: int = 15):
    """Train what is missing, then print the table.

    Args:
        out: Folder of the runs.
        seeds: Runs of each network.
        epochs: Passes over the training images.
    """
    base = create_recipe("cats_vs_dogs")
    base = replace(base, optimiser=replace(base.optimiser, learning_rate=1e-3), epochs=epochs, batch_size=64)
    options = {"image_size": 32, "hidden": [64], "norm": True}
    entries = [
        Entry(title, replace(base, model=Model(name="vgg16_kan", options=options | {"head": head})))
        for title, head in HEADS.items()
    ]
    race(entries, out, range(seeds), "CIFAR-10's cats and dogs")


if __name__ == "__main__":
    tyro.cli(main)
