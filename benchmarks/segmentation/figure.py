"""The scores of all networks on all sets, drawn: a point for each, and its 95 % interval."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

from benchmarks.segmentation.results import Scored
from edgewise._ground.figures import PALETTE, figure_of, style, to_bytes
from edgewise.io import atomic_write


def draw(sets: Mapping[str, Mapping[str, Scored]], path: Path) -> None:
    """IoU over all pixels, a panel for each set.

    Args:
        sets: What was scored, by set and network.
        path: The SVG file.
    """
    with style():
        figure = figure_of(figsize=(3.4 * len(sets), 0.9 + 0.4 * max(map(len, sets.values()))), layout="constrained")
        panels = figure.subplots(1, len(sets), squeeze=False)[0]
        for axes, (title, networks) in zip(panels, sets.items(), strict=True):
            for place, ((_, scored), colour) in enumerate(zip(networks.items(), cycle(PALETTE), strict=False)):
                pooled = scored.pooled
                axes.plot(*zip(*((end, place) for end in pooled.intervals["iou"]), strict=True), color=colour, linewidth=2)
                axes.plot([one.scores["iou"] for one in scored.seeds], [place] * len(scored.seeds), "o", color=colour)
            axes.set(title=title, xlabel="IoU", yticks=range(len(networks)), ylim=(len(networks) - 0.5, -0.5))
            axes.set_yticklabels(networks if axes is panels[0] else [])
    atomic_write(path, to_bytes(figure, "svg"))
