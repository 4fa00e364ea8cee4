"""The small networks of the field on MNIST, beside plain ones of equal size: ``python -m benchmarks.vision.mnist``.

efficient-KAN's network, ChebyKAN's, and a convolutional KAN of under 100 thousand parameters, by our recipes: pictures move
by a pixel (two for convolutions), the rate falls along a cosine. Test images are scored once a run.
"""

from dataclasses import replace
from pathlib import Path

import tyro

from benchmarks.vision.race import Entry, race
from edgewise.vision import Augment, Model, create_recipe

CONVOLUTIONS = {
    "widths": [12, 24, 48],
    "padding": 1,
    "basis": {"name": "squashed", "basis": {"name": "gram", "degree": 3}},
    "norm": "batch",
}


def main(out: Path = Path("runs/mnist"), seeds: int = 3, epochs: int | None = None):
    """Train what is missing, then print the table.

    Args:
        out: Folder of the runs.
        seeds: Runs of each network.
        epochs: Passes over the training images; 20, and 8 of convolutions, by default.
    """
    base = create_recipe("mnist")
    optimiser = replace(base.optimiser, learning_rate=3e-3)
    conv = replace(
        base,
        model=Model(name="conv_kan", options=CONVOLUTIONS),
        optimiser=optimiser,
        augment=Augment(crop="pad", pad=0.08),
        epochs=8,
    )
    recipes = {
        "KAN [784, 64, 10]": base,
        "ChebyKAN [784, 32, 16, 10]": replace(base, model=Model(name="cheby_kan", options={})),
        "conv KAN": conv,
    }
    recipes = {title: replace(recipe, epochs=epochs or recipe.epochs) for title, recipe in recipes.items()}
    race([Entry(title, recipe, plain=True) for title, recipe in recipes.items()], out, range(seeds), "MNIST")


if __name__ == "__main__":
    tyro.cli(main)
