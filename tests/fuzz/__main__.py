"""``python -m tests.fuzz``: so many random command lines, files and calls; it ends at the first that goes wrong.

Each is drawn by hypothesis, which says the smallest example it finds. ``--seed`` draws others.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.fuzz import calls, commands, files

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example]


def draw(check: Callable[..., None], *drawn: st.SearchStrategy, count: int, seed: int) -> None:
    """Carry out a check on so many draws."""
    settings = hypothesis.settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=QUIET, print_blob=False
    )
    hypothesis.seed(seed)(settings(given(*drawn)(check)))()


def checks(root: Path) -> dict[str, tuple[float, Callable[..., None], tuple[Any, ...]]]:
    """By name: the share of all draws, the check, and what it takes."""
    scene = commands.Scene(root)
    quick = [name for name in calls.RULES if name not in calls.COSTLY]
    shares = {name: 0.25 / len(quick) if name in quick else 0.01 for name in calls.RULES}
    return {
        "command lines": (0.4, lambda words: commands.check_line(words, root), (scene.lines(),)),
        "tables": (0.12, lambda drawn: files.check_table(drawn, root), (files.TABLES,)),
        "weights": (0.06, lambda changes, share: files.check_weights(changes, share, root), files.CHANGES),
        "recipes": (0.07, files.check_recipe, (files.RECIPES,)),
        "pictures": (0.07, lambda drawn: files.check_picture(drawn, root), (files.PICTURES,)),
        **{
            name: (shares[name], rule.check, (st.fixed_dictionaries(rule.arguments),)) for name, rule in calls.RULES.items()
        },
    }


def main() -> None:
    """Draw them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of the name of a check")
    options = parser.parse_args()
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, (share, check, drawn) in checks(Path(folder)).items():
            if options.only not in name:
                continue
            count, start = max(1, round(share * options.count)), time.perf_counter()
            draw(check, *drawn, count=count, seed=options.seed)
            total += count
            print(f"{name}: {count} draws, none wrong ({time.perf_counter() - start:.0f} s)", flush=True)
    print(f"{total} draws, none wrong")


if __name__ == "__main__":
    main()
