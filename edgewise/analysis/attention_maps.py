"""Where the class token of a vision transformer looks, head by head."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from edgewise._ground.errors import ConfigError
from edgewise.analysis.attention_record import read_attention, token_grid
from edgewise.models.written_out import attention_blocks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class AttentionMaps:
    """The row of the class token in one block, over the patches of each picture."""

    block: int
    images: np.ndarray
    """(pictures, C, H, W), as the network sees them."""
    before: np.ndarray
    """(pictures, heads, rows, columns): scores, before the activation."""
    after: np.ndarray
    """The same, what multiplies the values; entries of learnable attention may be negative."""

    def rows(self) -> list[dict]:
        """A line for each picture, head and patch."""
        return [
            {"image": place[0], "head": place[1], "row": place[2], "column": place[3]}
            | {"before": float(score), "after": float(self.after[place])}
            for place, score in np.ndenumerate(self.before)
        ]

    def dominant(self) -> np.ndarray:
        """For each picture the head whose positive scores are most concentrated, by their entropy; the first of equals.

        The paper shows a "dominant head" and does not say how it is found; this is ours.
        """
        positive = torch.from_numpy(self.before).clamp_min(0).flatten(2)
        sums = positive.sum(-1, keepdim=True)
        entropy = torch.special.entr(positive / sums.clamp_min(torch.finfo(positive.dtype).tiny)).sum(-1)
        return torch.where(sums[..., 0] > 0, entropy, torch.inf).argmin(1).numpy()

    def summary(self) -> dict:
        """Which block, of what size, and which head dominates each picture."""
        pictures, heads, rows, columns = self.before.shape
        sizes = {"block": self.block, "pictures": pictures, "heads": heads, "patches": [rows, columns]}
        return sizes | {"dominant head": self.dominant().tolist()}

    def plot(self) -> "Figure":
        """Two lines a picture: scores (negative ones count as 0, as in the paper) and activated rows, head by head.

        The first column holds the picture, and below it what the dominant head's scores let through.
        """
        from edgewise._ground.figures import constrained, figure_of, show, style

        pictures, heads = self.before.shape[:2]
        with style():
            figure = figure_of((1.3 * (heads + 1), 2.8 * pictures), constrained(w_pad=0.02, h_pad=0.02))
            grid = figure.subplots(2 * pictures, heads + 1, squeeze=False)
            for picture, head in enumerate(self.dominant()):
                scores, activated = grid[2 * picture], grid[2 * picture + 1]
                image = _to_unit(self.images[picture])
                show(scores[0], image)
                show(activated[0], image * _enlarge(_to_unit(self.before[picture, head].clip(0)), image.shape[1:]))
                activated[0].set_xlabel(f"seen by head {head}", fontsize=7)
                scores[1].set_ylabel("before", fontsize=8)
                activated[1].set_ylabel("after", fontsize=8)
                for index in range(heads):
                    _show_map(scores[index + 1], self.before[picture, index].clip(0))
                    _show_map(activated[index + 1], self.after[picture, index])
                    if picture == 0:
                        scores[index + 1].set_title(f"head {index}", fontsize=9, loc="center")
        return figure


def attention_maps(model: nn.Module, images: Tensor, block: int = -1) -> AttentionMaps:
    """The class token's row of a block's attention, before the activation and after it.

    As in DINO and, before the activation, in "Kolmogorov-Arnold Attention" (arXiv:2503.10632, section 5.2), where learnable
    attention is shown by its scores because what comes out of it is not in [0, 1].

    Args:
        model: A vision transformer with a class token.
        images: Pictures as it sees them, ``(b, C, H, W)``.
        block: Which attention, counted from 0, or from -1 backwards.

    Raises:
        ConfigError: The network has no attention, no class token, or no such block.

    Example:
        >>> from edgewise.models import create_model
        >>> attention_maps(create_model("vit_micro_karat"), torch.randn(3, 3, 32, 32)).after.shape
        (3, 2, 8, 8)
    """
    count = len(attention_blocks(model))
    matrices = read_attention(model, images, block)
    before, rows, columns = token_grid(model, matrices.scores.shape[-1])
    if not before or getattr(model, "cls_token", None) is None:
        raise ConfigError(
            f"{type(model).__name__} has no class token in block {block}, whose row would be the map: take a network with "
            "one, such as ViT, or look at the statistics and the spectrum of its attention"
        )
    patches = slice(before, None)
    maps = [m[:, :, 0, patches].unflatten(-1, (rows, columns)).cpu().numpy() for m in (matrices.scores, matrices.rows)]
    return AttentionMaps(block % count, images.cpu().numpy(), *maps)


def _to_unit(values: np.ndarray) -> np.ndarray:
    """Scaled to [0, 1]; zeros where all are the same."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _enlarge(patches: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear, to the size of a picture."""
    enlarged = nn.functional.interpolate(torch.from_numpy(patches)[None, None], size, mode="bilinear")
    return enlarged[0, 0].numpy()


def _show_map(axes, patches: np.ndarray) -> None:
    """A heat map; where there are negative numbers, blue is negative and red positive."""
    size = np.abs(patches).max() or 1.0
    signed = {"cmap": "RdBu_r", "vmin": -size, "vmax": size} if patches.min() < 0 else {"cmap": "inferno", "vmin": 0}
    axes.imshow(patches, interpolation="bilinear", **signed)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
