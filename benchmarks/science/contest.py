"""One function, equal rows and equal time for all contenders; a file of results a function, so that processes can share."""

from argparse import Namespace
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from benchmarks.science import common
from benchmarks.science.common import Samples, read, write
from benchmarks.science.mlp import race_mlp, race_mlp_marquardt
from benchmarks.science.pykan import race_pykan
from benchmarks.science.search import race_ours

CONTENDERS = ("ours", "pykan", "MLP", "MLP, LM")


def contest(
    folder: Path,
    name: str,
    train: Samples,
    test: Samples,
    seconds: float,
    shapes: Iterable[Sequence[int]],
    shape: Sequence[int],
    only: Iterable[str] | None = None,
) -> None:
    """Let contenders fit, one after the other; what others found before stays where they are not asked for.

    Args:
        folder: Where ``name.csv`` is written.
        shapes: Of which ours may choose.
        shape: Pykan's.
        only: Who is asked; all without it.
    """
    races = {
        "ours": lambda: race_ours(train, test, list(shapes), seconds),
        "pykan": lambda: race_pykan(train, test, shape, seconds),
        "MLP": lambda: race_mlp(train, test, seconds),
        "MLP, LM": lambda: race_mlp_marquardt(train, test, seconds),
    }
    rows = {row["contender"]: row for row in measured(folder, [name])}
    for contender in only or CONTENDERS:
        result = races[contender]()
        about = {"function": name, "deviation": test.y.std().item(), "budget": seconds}
        rows[contender] = about | result.row()
        print(f"{name}, {contender}: {result.rmse:.2e} with {result.shape} in {result.seconds:.0f} s", flush=True)
        write(folder / f"{name}.csv", rows.values())


def arguments(description: str, names: Collection[str], seconds: float) -> Namespace:
    """The options of a contest over these functions."""

    def add(parser):
        parser.add_argument("--seconds", type=float, default=seconds, help="for each function and contender")
        parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
        parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, help="all by default")
        parser.add_argument("--table", action="store_true", help="only print the table of what was measured")

    return common.arguments(description, add)


def measured(folder: Path, names: Iterable[str]) -> list[dict[str, str]]:
    """All rows that there are of these functions."""
    paths = [folder / f"{name}.csv" for name in names]
    return [row for path in paths if path.exists() for row in read(path)]
