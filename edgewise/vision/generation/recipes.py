"""Recipes of generation by name, to be used as they are or changed setting by setting."""

from edgewise.vision.generation.recipe import GenerationRecipe, PictureData
from edgewise.vision.training.recipes import RECIPES


@RECIPES.register("generation")
def generation(root: str | None = None) -> GenerationRecipe:
    """Pictures like those of a folder, 64 x 64, by Diffusion U-KAN.

    As in its paper's code (arXiv:2406.02918): 1,000 steps of noise, gradients clipped to 1, pictures mirrored, weights
    averaged. Not as there: the cosine schedule in place of the line, U-KAN's own frame (see
    :mod:`edgewise.models.diffusion_ukan`), and a side of pictures on which the best epoch is chosen.
    """
    return GenerationRecipe(data=PictureData(root=root))
