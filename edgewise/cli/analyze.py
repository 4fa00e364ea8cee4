"""``edgewise analyze``: what training made of a network, as figures and the numbers behind them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from torch import Tensor
from tyro.conf import arg

from edgewise import analysis
from edgewise._ground.progress import track
from edgewise._ground.registry import unknown
from edgewise.analysis.write import Analysis
from edgewise.cli._parse import call, summary
from edgewise.cli._tables import print_table
from edgewise.vision.training.reopen import OpenRun, reopen

Run = Annotated[Path, arg(metavar="RUN")]
Components = Annotated[tuple[int, int], arg(metavar="I J")]


@dataclass(frozen=True)
class Pictures:
    """Validation pictures to look at, and where."""

    images: int
    """How many validation images; all, if there are fewer."""
    batch_size: int = 32
    """Images at a time."""
    seed: int = 0
    """Of the choice of images (and of random directions)."""
    device: str = "cpu"
    """Where to compute, such as cpu or cuda."""

    def of(self, run: OpenRun) -> list[tuple[Tensor, Tensor]]:
        """The batches."""
        return run.batches(self.images, self.batch_size, self.seed)


Look = Annotated[Pictures, arg(name="")]

_HELP = """\
usage: edgewise analyze ANALYSIS RUN [options]

Look at what training made of a network. A figure (.png), all its numbers (.csv)
and the few to read first (.json) are written into the folder analysis of the run.
`edgewise analyze ANALYSIS --help` lists the options.

examples:
  edgewise analyze landscape runs/vit
  edgewise analyze landscape runs/vit --directions random --points 31
  edgewise analyze path runs/vit --components 1 3
  edgewise analyze spectrum runs/vit --images 20

landscape, path and weights look at epochs that were kept: train with --keep-every 1.
"""


def landscape(
    run: Run,
    /,
    *,
    directions: Literal["pca", "random"] = "pca",
    components: Components = (1, 2),
    points: int = 25,
    margin: float = 0.25,
    radius: float = 1.0,
    look: Look = Pictures(images=512, batch_size=128),
) -> None:
    """The loss over a plane through the network's weights: contours and surface.

    examples:
      edgewise analyze landscape runs/vit --components 2 3
      edgewise analyze landscape runs/vit --directions random --radius 0.5

    Args:
        run: Folder made by `edgewise train`.
        directions: Principal ones of the kept epochs, around the last of them; or random ones, normalised by filters,
            around the best epoch, which need no kept epochs.
        components: Which two principal directions.
        points: Along each side of the grid.
        margin: How much wider than the path the plane is, as a part of its width (pca).
        radius: How far the plane reaches from its centre, in lengths of the filters (random).
        look: At which images the loss is taken.
    """
    opened = reopen(run)
    if directions == "random":
        name, network = "landscape-random", opened.network(look.device)
        plane = analysis.random_plane(network, look.seed, radius, points)
    else:
        name, network = "landscape", opened.last_kept(look.device)
        plane = analysis.principal_plane(opened.kept_weights(network, least=3), components, margin, points)
    _write(analysis.loss_landscape(network, plane, look.of(opened), opened.criterion(), _progress), run, name)


def path(run: Run, /, *, components: Components = (1, 2)) -> None:
    """Where the optimiser went, in two principal directions of its path.

    examples:
      edgewise analyze path runs/vit

    Args:
        run: Folder made by `edgewise train`, with kept epochs.
        components: Which two principal directions.
    """
    opened = reopen(run)
    _write(analysis.optimizer_path(opened.kept_weights(opened.last_kept(), least=3), components), run, "path")


def weights(run: Run, /, *, bins: int = 100) -> None:
    """How weights are spread, for each kind of parameters, over the epochs.

    examples:
      edgewise analyze weights runs/vit --bins 60

    Args:
        run: Folder made by `edgewise train`, with kept epochs.
        bins: Of the histograms.
    """
    opened = reopen(run)
    network = opened.last_kept()
    _write(analysis.weight_histograms(opened.kept_weights(network), analysis.weight_groups(network), bins), run, "weights")


def attention(run: Run, /, *, block: int = -1, maps: int = 4, look: Look = Pictures(images=64)) -> None:
    """Where a vision transformer looks: maps of the class token, and statistics of all heads.

    examples:
      edgewise analyze attention runs/vit --maps 6

    Args:
        run: Folder made by `edgewise train`; its best epoch is looked at.
        block: Whose maps, counted from 0, or from -1 backwards.
        maps: How many images are shown; 0 for none, where a network has no class token.
        look: At which images the statistics are taken.
    """
    opened = reopen(run)
    network = opened.network(look.device)
    batches = [images for images, _ in look.of(opened)]
    _write(analysis.attention_statistics(network, batches), run, "attention-statistics")
    if maps > 0:
        _write(analysis.attention_maps(network, torch.cat(batches)[:maps], block), run, "attention")


def spectrum(run: Run, /, *, block: int = -1, tolerance: float | None = None, look: Look = Pictures(images=5)) -> None:
    """Singular values of attention before and after its activation, with the numerical rank.

    examples:
      edgewise analyze spectrum runs/vit --block 0

    Args:
        run: Folder made by `edgewise train`; its best epoch is looked at.
        block: Which, counted from 0, or from -1 backwards.
        tolerance: Singular values count in the rank from this part of the largest on; N times the rounding of the model's
            numbers by default.
        look: At which images.
    """
    opened = reopen(run)
    batches = [images for images, _ in look.of(opened)]
    _write(analysis.attention_spectrum(opened.network(look.device), batches, block, tolerance), run, "spectrum")


ANALYSES: dict[str, Callable[..., None]] = {a.__name__: a for a in (landscape, path, weights, attention, spectrum)}


def main(words: list[str]) -> None:
    """Run the subcommand."""
    if not words or words[0] in ("-h", "--help"):
        print(_HELP)
        print_table(("analysis", ""), [(name, summary(command)) for name, command in ANALYSES.items()], left=(0, 1))
        raise SystemExit(0 if words else 2)
    name, *rest = words
    if name not in ANALYSES:
        raise unknown("analysis", name, ANALYSES)
    call(ANALYSES[name], rest, prog=f"edgewise analyze {name}")


def _progress(steps: Iterable) -> Iterable:
    return track(steps, "loss")


def _write(result: Analysis, run: Path, name: str) -> None:
    figure, *_ = analysis.write_analysis(result, run / "analysis", name)
    print_table(("", name), [line for key, value in result.summary().items() for line in _lines(key, value)], left=(0, 1))
    print(f"figure and numbers: {figure.with_suffix('')}.png, .csv, .json")


def _lines(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Numbers in a line; of what has numbers for each of many epochs, the first and the last."""
    if not isinstance(value, dict):
        yield name, _short(value)
    elif isinstance(next(iter(value.values())), dict):
        first, *_, last = [*value, *value]
        for key in dict.fromkeys((first, last)):
            yield from _lines(f"{name}, {key}", value[key])
    else:
        yield name, ", ".join(f"{key} {_short(number)}" for key, number in value.items())


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_short, value[:8])) + (" ..." if len(value) > 8 else "")
    return f"{value:.4g}" if isinstance(value, float) else str(value)
