import numpy as np
import pytest
from PIL import Image

from edgewise.vision import AdamW, Augment, ClassificationRecipe, LabelledData, Machine, Model

SIDE = 12
CLASSES = ("bar", "dot", "stripe")


def draw(kind: int, seed: int) -> np.ndarray:
    """A noisy picture of a horizontal bar, a dot or vertical stripes, at a random place."""
    rng = np.random.default_rng((kind, seed))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    y, x = rng.integers(3, SIDE - 3, 2)
    shapes = (abs(rows - y) < 2, (rows - y) ** 2 + (columns - x) ** 2 < 6, (columns + x) % 4 < 2)
    return (60 + 120 * shapes[kind] + rng.normal(0, 20, (SIDE, SIDE))).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    """A folder of pictures by class: 20 of each to train on, 8 of each in ``val``."""
    root = tmp_path_factory.mktemp("shapes")
    for side, count, start in (("train", 20, 0), ("val", 8, 100)):
        for kind, name in enumerate(CLASSES):
            folder = root / side / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(draw(kind, start + number)).save(folder / f"{number:02d}.png")
    return root


@pytest.fixture
def recipe(shapes):
    """Of a KAN of rows, a few seconds long."""
    return ClassificationRecipe(
        data=LabelledData(
            name="imagefolder",
            root=str(shapes),
            options={"channels": 1},
            size=(SIDE, SIDE),
            channels=1,
            classes=3,
            validation=0.2,
        ),
        model=Model(name="kan", options={"width": [SIDE * SIDE, 6, 3]}),
        optimiser=AdamW(learning_rate=1e-2),
        augment=Augment(crop="pad", flip=True),
        machine=Machine(accelerator="cpu"),
        epochs=3,
        batch_size=12,
    )
