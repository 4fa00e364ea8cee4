"""Learned attention on CIFAR-10, beside softmax: ``python -m benchmarks.vision.attention``.

ViT-Micro (64 wide, 6 blocks, 2 heads, patches of 4 x 4 of 32 x 32 pixels) with softmax, with functions of scores learned
by each block, by all blocks together, or by one head of the two, and with rational functions in its perceptrons. A few
epochs: it shows how they start, not where they end. All networks are kept after each epoch for ``edgewise analyze``.
"""

import time
from dataclasses import replace
from pathlib import Path

import torch
import tyro

from benchmarks.vision.race import Entry, race
from edgewise.analysis import compare_times, training_step
from edgewise.cli._allocator import keep_freed_memory
from edgewise.models import create_model
from edgewise.vision import Model, create_recipe

NETWORKS = {
    "softmax": Model(name="vit_micro", options={}),
    "KArAt, blockwise": Model(name="vit_micro_karat", options={"sharing": "blockwise"}),
    "KArAt, universal": Model(name="vit_micro_karat", options={"sharing": "universal"}),
    "KArAt, one head of two": Model(name="vit_micro_karat", options={"softmax_heads": 1}),
    "GR-KAN": Model(name="kat_micro", options={}),
}


def steps(rounds: int = 7, pictures: int = 128) -> None:
    """Print what a step costs each network, forward and backward: seconds of the processor, in interleaved rounds."""
    torch.set_num_threads(1)
    keep_freed_memory()
    networks = {title: create_model(model.name, num_classes=10, **model.options) for title, model in NETWORKS.items()}
    x = torch.randn(pictures, 3, 32, 32)
    times = compare_times({title: training_step(net, x) for title, net in networks.items()}, rounds, time.process_time)
    for title, step in times.items():
        print(f"{title}: {1e3 * step.median:.0f} ms a step, {step.median / times['softmax'].median:.2f} times softmax's")


def main(out: Path = Path("runs/attention"), seeds: int = 2, epochs: int = 4, data: str = "cifar10"):
    """Train what is missing, then print the table.

    Args:
        out: Folder of the runs.
        seeds: Runs of each network.
        epochs: Passes over the training images.
        data: Recipe whose images and settings to use.
    """
    steps()
    base = create_recipe(data)
    optimiser = replace(base.optimiser, learning_rate=1e-3, warmup_epochs=1)
    base = replace(base, optimiser=optimiser, epochs=epochs, keep_every=1)
    entries = [Entry(title, replace(base, model=model)) for title, model in NETWORKS.items()]
    race(entries, out, range(seeds), f"{data}, {epochs} epochs")


if __name__ == "__main__":
    tyro.cli(main)
