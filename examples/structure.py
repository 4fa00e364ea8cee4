"""What a trained network has understood: its fit as a film, which inputs act together, and the function as a tree.

A network of splines learns sqrt(a^2 + b^2) / (1 + c d) from 2000 rows; that a and b enter through one number, c and d
through another, and that the two are multiplied, is then read off its derivatives. Run it with
``python examples/structure.py``; it takes half a minute and draws docs/images/film.gif and docs/images/tree.png.
"""

from pathlib import Path

import torch

from edgewise.kan import KAN
from edgewise.kan.interpret import Recorder, animate, plot_tree, separability, symmetric_groups, tree

IMAGES = Path(__file__).parents[1] / "docs" / "images"
NAMES = ("a", "b", "c", "d")
THRESHOLD = 0.02  # a trained network is not exact


def target(x):
    a, b, c, d = x.unbind(1)
    return (torch.hypot(a, b) / (1 + c * d)).unsqueeze(1)


def main(rows: int = 2000, steps: int = 60, frames: int = 15, grids=(5, 10), images=None):
    """The tree that is read off the network, and the network's error."""
    torch.manual_seed(0)
    x = torch.rand(rows, 4, dtype=torch.float64) + 0.5
    y = target(x)
    mean, deviation = y.mean(), y.std()
    network, film = KAN([4, 3, [2, 1], 1], grid=grids[0]).double(), Recorder(every=max(1, steps // frames))
    network.fit((x, (y - mean) / deviation), optimizer="lm", steps=steps, callback=film)
    if len(grids) > 1:
        network = network.refine(grids[-1])
        network.fit((x, (y - mean) / deviation), optimizer="lm", steps=steps)

    def learned(z):
        return mean + deviation * network(z)

    with torch.no_grad():
        error = ((learned(x) - y).square().mean().sqrt() / deviation).item()
    groups = symmetric_groups(learned, x[:500], THRESHOLD)
    root = tree(learned, x[:500], NAMES, THRESHOLD)
    print(f"error {error:.1e} of the deviation; act together: {[[NAMES[i] for i in group] for group in groups]}")
    print(f"factors: {separability(learned, x[:500], 'mul', THRESHOLD).groups}")
    print(root)
    if images is not None:
        animate(film.snapshots, x[:500], images / "film.gif", names=NAMES)
        plot_tree(root).savefig(images / "tree.png", dpi=110)
    return root, error


if __name__ == "__main__":
    main(images=IMAGES)
