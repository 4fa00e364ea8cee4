"""Recipes by name: functions that return a :class:`Recipe`, to be used as they are or changed setting by setting.

Example:
    >>> from dataclasses import replace
    >>> replace(create_recipe("nuclei"), epochs=3).epochs
    3
"""

from collections.abc import Callable

from edgewise._registry import Registry
from edgewise.vision.training.recipe import Data, Model, Optimiser, Recipe

RECIPES: Registry[Callable[[], Recipe]] = Registry("recipe")


def list_recipes() -> list[str]:
    """Names of the recipes there are."""
    return list(RECIPES)


def create_recipe(name: str) -> Recipe:
    """The recipe registered under ``name``.

    Raises:
        ConfigError: There is none; the message names the nearest.
    """
    return RECIPES.create(name)


@RECIPES.register("nuclei")
def nuclei() -> Recipe:
    """Nuclei in a confocal stack, on two processor cores in minutes: the demo's."""
    return Recipe(data=Data(name="nuclei", size=(64, 64)), epochs=60, batch_size=4)


@RECIPES.register("busi")
def busi(root: str | None = None) -> Recipe:
    """Tumours in breast ultrasound (BUSI) on a small machine."""
    return Recipe(data=Data(name="busi", root=root, size=(128, 128)), epochs=15, batch_size=8)


@RECIPES.register("glas")
def glas(root: str | None = None) -> Recipe:
    """Glands in histology (GlaS) on a small machine."""
    return Recipe(data=Data(name="glas", root=root, size=(128, 128)), epochs=40, batch_size=8)


@RECIPES.register("cvc")
def cvc(root: str | None = None) -> Recipe:
    """Polyps in colonoscopy (CVC-ClinicDB) on a small machine."""
    return Recipe(data=Data(name="cvc", root=root, size=(128, 128)), epochs=15, batch_size=8)


@RECIPES.register("folder")
def folder(root: str | None = None) -> Recipe:
    """Any folder with ``images/`` and ``masks/`` in it."""
    return Recipe(data=Data(name="folder", root=root, size=(256, 256)), epochs=100, batch_size=8, patience=20)


@RECIPES.register("ukan_published")
def ukan_published(dataset: str = "busi", root: str | None = None) -> Recipe:
    """U-KAN's published recipe (Li et al., AAAI 2025, arXiv 2406.02918), with the bugs of its code out.

    As published: Adam, 1e-4 and 1e-2 for the KAN layers, weight decay 1e-4, a cosine to 1e-5 over 400 epochs, batch
    8, half binary cross-entropy plus Dice, quarter turns and flips, 256 x 256 (GlaS 512 x 512), splits by seed 2981,
    6142, 1187.

    Not as in the released code, on purpose:

    * The rate 1e-2 is for what a layer declares to be coefficients of edge functions; there, for names with "layer" and
      "fc" in them.
    * The best epoch is chosen on validation images cut from the training part; there, on the test images it reports.
    * Images are scaled once; there, they are standardised and then divided by 255 again, so that the network sees
      values below 0.011, and colours are in the order BGR while the mean and deviation are for RGB.
    * All masks of an image are merged; there, only the first of BUSI is read.
    * Scores are over the dataset and per image, with empty masks defined; there, see the ``metrics`` beside this file.

    Args:
        dataset: ``busi``, ``glas`` or ``cvc``.
        root: Folder that holds it.
    """
    size = (512, 512) if dataset == "glas" else (256, 256)
    optimiser = Optimiser(learning_rate=1e-4, coefficient_learning_rate=1e-2, weight_decay=1e-4, final_learning_rate=1e-5)
    data = Data(name=dataset, root=root, size=size)
    return Recipe(data=data, model=Model(name="ukan"), optimiser=optimiser, epochs=400, batch_size=8)
