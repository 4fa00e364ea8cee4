"""``edgewise sample``: new pictures from a trained run."""

from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from edgewise.cli._parse import call


def main(words: list[str]) -> None:
    """Run the subcommand."""
    call(command, words, prog="edgewise sample")


def command(
    run: Annotated[Path, arg(metavar="RUN")],
    /,
    *,
    out: Annotated[Path, arg(metavar="DIR")],
    count: int | None = None,
    seed: int = 0,
    steps: int | None = None,
    eta: float | None = None,
    device: str = "cpu",
    masks: Annotated[tuple[Path, ...], arg(metavar="MASK...")] = (),
) -> None:
    """Make pictures by the best epoch of a run of generation: a PNG file for each, and
    sheet.png with all of them. The same seed gives the same pictures, and the first ones do
    not depend on the count.

    examples:
      edgewise sample runs/gen --out samples
      edgewise sample runs/gen --count 64 --seed 7 --steps 1000 --eta 1 --out samples
      edgewise sample runs/masked --masks drawn/ --count 4 --out samples

    Args:
        run: Folder made by `edgewise train generation`.
        out: Folder for SEED_NUMBER.png, or for each mask MASK_SEED_NUMBER.png, and sheet.png; made if needed.
        count: How many pictures, and for each mask how many. None: 16, and one for each mask.
        seed: Other seeds give other pictures.
        steps: Steps from noise to a picture; more are slower. None: as the run's recipe says.
        eta: Noise drawn on the way, from 0 (DDIM) to 1 (DDPM). None: as the run's recipe says.
        device: Where to compute, such as cpu or cuda.
        masks: Files, and folders of them, for which pictures are made, of a run with --data.classes.
    """
    from edgewise.vision.generation.sample import sample

    made = sample(run, out, count, seed, steps, eta, device, masks)
    print(f"{len(made.pictures)} pictures: {out}; all of them: {made.sheet}")
