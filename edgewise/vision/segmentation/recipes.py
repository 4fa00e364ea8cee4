"""Recipes of segmentation by name, to be used as they are or changed setting by setting."""

from edgewise.vision.segmentation.recipe import Adam, MaskedData, SegmentationRecipe
from edgewise.vision.training.recipe import Model
from edgewise.vision.training.recipes import RECIPES


@RECIPES.register("nuclei")
def nuclei() -> SegmentationRecipe:
    """Nuclei in a confocal stack, on two processor cores in minutes: the demo's."""
    return SegmentationRecipe(data=MaskedData(name="nuclei", size=(64, 64)), epochs=60, batch_size=4)


@RECIPES.register("busi")
def busi(root: str | None = None) -> SegmentationRecipe:
    """Tumours in breast ultrasound (BUSI) on a small machine."""
    return SegmentationRecipe(data=MaskedData(name="busi", root=root, size=(128, 128)), epochs=15, batch_size=8)


@RECIPES.register("glas")
def glas(root: str | None = None) -> SegmentationRecipe:
    """Glands in histology (GlaS) on a small machine."""
    return SegmentationRecipe(data=MaskedData(name="glas", root=root, size=(128, 128)), epochs=40, batch_size=8)


@RECIPES.register("cvc")
def cvc(root: str | None = None) -> SegmentationRecipe:
    """Polyps in colonoscopy (CVC-ClinicDB) on a small machine."""
    return SegmentationRecipe(data=MaskedData(name="cvc", root=root, size=(128, 128)), epochs=15, batch_size=8)


@RECIPES.register("kvasir")
def kvasir(root: str | None = None) -> SegmentationRecipe:
    """Polyps in colonoscopy (Kvasir-SEG) on a small machine."""
    return SegmentationRecipe(data=MaskedData(name="kvasir", root=root, size=(128, 128)), epochs=15, batch_size=8)


@RECIPES.register("dsb2018")
def dsb2018(root: str | None = None) -> SegmentationRecipe:
    """Nuclei in microscopy (2018 Data Science Bowl) on a small machine."""
    return SegmentationRecipe(data=MaskedData(name="dsb2018", root=root, size=(128, 128)), epochs=15, batch_size=8)


@RECIPES.register("drive")
def drive(root: str | None = None) -> SegmentationRecipe:
    """Vessels of the retina (DRIVE) on a small machine, in tiles at their own resolution."""
    data = MaskedData(name="drive", root=root, size=(128, 128), fit="tiles")
    return SegmentationRecipe(data=data, epochs=30, batch_size=8)


@RECIPES.register("chase")
def chase(root: str | None = None) -> SegmentationRecipe:
    """Vessels of the retina (CHASE_DB1) on a small machine, in tiles at their own resolution."""
    data = MaskedData(name="chase", root=root, size=(128, 128), fit="tiles")
    return SegmentationRecipe(data=data, epochs=15, batch_size=8)


@RECIPES.register("folder")
def folder(root: str | None = None) -> SegmentationRecipe:
    """Any folder with ``images/`` and ``masks/`` in it."""
    return SegmentationRecipe(
        data=MaskedData(name="folder", root=root, size=(256, 256)), epochs=100, batch_size=8, patience=20
    )


@RECIPES.register("ukan_published")
def ukan_published(dataset: str = "busi", root: str | None = None) -> SegmentationRecipe:
    """U-KAN's published recipe (Li et al., AAAI 2025, arXiv 2406.02918), with the bugs of its code out.

    As published: Adam, 1e-4 and 1e-2 for the KAN layers, weight decay 1e-4, a cosine to 1e-5 over 400 epochs, batch
    8, half binary cross-entropy plus Dice, quarter turns and flips, pictures stretched to 256 x 256 (GlaS 512 x 512),
    splits by seed 2981, 6142, 1187.

    Not as in the released code, on purpose:

    * The rate 1e-2 is for what a layer declares to be coefficients of edge functions; there, for names with "layer" and
      "fc" in them.
    * The best epoch is chosen on validation images cut from the training part; there, on the test images it reports.
    * Images are scaled once; there, they are standardised and then divided by 255 again, so that the network sees
      values below 0.011, and colours are in the order BGR while the mean and deviation are for RGB.
    * The split is the literature's, ``published``: in ``glas`` and ``cvc`` it shares patients and videos between sides.
    * All masks of an image are merged; there, only the first of BUSI is read.
    * Scores are over the dataset and per image, with empty masks defined; there, see the ``metrics`` beside this file.

    Args:
        dataset: ``busi``, ``glas`` or ``cvc``.
        root: Folder that holds it.
    """
    size = (512, 512) if dataset == "glas" else (256, 256)
    optimiser = Adam(learning_rate=1e-4, coefficient_learning_rate=1e-2, weight_decay=1e-4, final_learning_rate=1e-5)
    data = MaskedData(name=dataset, root=root, options={"split_by": "published"}, size=size, fit="stretch")
    return SegmentationRecipe(data=data, model=Model(name="ukan"), optimiser=optimiser, epochs=400, batch_size=8)
