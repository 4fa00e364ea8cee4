"""Whether the tests notice: small changes to the package, one at a time, each against the tests nearest to it.

``python -m tests.mutation`` writes what it has found to ``.mutants.json`` as it goes, and goes on from there when started
again. It changes a copy of the repository. Own code, since of the tools that exist mutmut rewrites each function into
one that calls its mutants, which changes what ``torch.compile`` and ``inspect`` see and leaves constants of modules out,
and cosmic-ray changes files in place, drops no statements and has one command of tests for all.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tests.mutation.mutate import Mutant, chosen, mutants
from tests.mutation.named import named

ROOT = Path(__file__).parents[2]
AREAS = {"ops": ("tests/nn", "tests/contract"), "nn": ("tests/contract",), "kan": (), "vision": ("tests/cli",)}
RESULTS = ROOT / ".mutants.json"
SPARE = 3, 60  # times as long as without a mutant, and so many seconds more: then it hangs
PASSED, FAILED, NO_TESTS = 0, {1, 2}, 5


def steps(path: str, root: Path) -> Iterator[tuple[str, ...]]:
    """What to give to pytest for a file, from the nearest tests to those of its part of the package; the slow ones last.

    Example:
        >>> next(steps("edgewise/nn/conv.py", ROOT))
        ('tests/nn/test_conv.py', 'edgewise/nn/conv.py')
    """
    names = Path(path).with_suffix("").parts[1:]
    near = [Path("tests", *names[: i - 1], f"test_{names[i - 1].strip('_')}.py") for i in range(len(names), 0, -1)]
    near = [str(file) for file in near if (root / file).exists()]
    if near:  # a file that registers something cannot be the first that pytest imports
        yield *near, path
    folders = [str(Path("tests", *names[:i])) for i in range(len(names) - 1, 0, -1)] + [*AREAS.get(names[0], ())]
    folders = [folder for folder in folders if (root / folder).exists()]
    for speed in ("not slow", "slow and not inductor"):
        for place, folder in enumerate(folders):
            yield folder, "-m", speed, *(f"--ignore={done}" for done in (*near, *folders[:place]))
        folders = folders[:1]  # of the slow ones the nearest


class Bench:
    """A copy of the repository, in which tests are run."""

    def __init__(self, root: Path, seconds: dict[str, float]):
        self.root, self.seconds, self.stamp = root, seconds, time.time() // 1
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)

    def killer(self, mutant: Mutant, count: int | None) -> str | None:
        """The test that notices, of the nearest so many steps, or None."""
        path = self.root / mutant.path
        original = path.read_text()
        for step in islice(steps(mutant.path, self.root), count):
            limit = SPARE[0] * self.unchanged(step) + SPARE[1]
            try:
                self.write(path, mutant.applied(original))
                code, output = self.run(step, limit)
            finally:
                self.write(path, original)
            if code in FAILED:
                return next(iter(re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", output, re.M)), "no import")
            if code is None:
                return f"no end after {limit:.0f} s"
        return None

    def unchanged(self, step: tuple[str, ...]) -> float:
        """How long a step takes without a mutant, after which it must have passed."""
        name = " ".join(step)
        if name not in self.seconds:
            start = time.perf_counter()
            code, output = self.run(step, None)
            if code not in (PASSED, NO_TESTS):
                sys.exit(f"{output[-3000:]}\nthese tests fail without any mutant: mend them first")
            self.seconds[name] = time.perf_counter() - start
        return self.seconds[name]

    def run(self, step: tuple[str, ...], limit: float | None) -> tuple[int | None, str]:
        """Exit status, None after the limit, and output of pytest."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *step]
        environment = os.environ | {"PYTHONPATH": str(self.root), "OMP_NUM_THREADS": "1"}
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(command, cwd=self.root, env=environment, stdout=log, stderr=log)
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                process.kill()
            log.seek(0)
            return code, log.read()

    def write(self, path: Path, text: str) -> None:
        """Write a file, with a time of its own: Python tells compiled files apart by seconds and size."""
        path.write_text(text)
        self.stamp += 2
        os.utime(path, (self.stamp, self.stamp))


def digest(*folders: str) -> str:
    """Of all Python files in some folders."""
    files = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def picked(count: int, seed: int) -> list[Mutant]:
    """The named ones, and so many others, spread evenly over the parts of the package."""
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "edgewise").rglob("*.py"))}
    found = [*named(sources).values()]
    for area in AREAS:
        own = [m for path, source in sources.items() if path.startswith(f"edgewise/{area}/") for m in mutants(path, source)]
        found += chosen(own, count // len(AREAS), seed)
    return found


def main() -> None:
    """Try the mutants, and say which nobody noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=60, help="beside the named ones")
    parser.add_argument("--only", default="", help="part of the path of a file or of the name of a mutant")
    parser.add_argument("--steps", type=int, help="run the nearest tests alone, 1, or so many of the steps; all by default")
    options = parser.parse_args()
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"killed": {}, "survived": {}, "seconds": {}}
    now, survivors = digest("tests", "edgewise"), []
    todo = [m for m in picked(options.count, options.seed) if options.only in m.path or options.only in m.kind]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), kept["seconds"])
        for number, mutant in enumerate(todo, 1):
            key = mutant.rank(0)
            if key not in kept["killed"] and kept["survived"].get(key) != now:
                if (killer := bench.killer(mutant, options.steps)) is not None:
                    kept["killed"][key] = killer
                elif options.steps is None:
                    kept["survived"][key] = now
                RESULTS.write_text(json.dumps(kept, indent=1))
            line = f"{mutant.path}:{mutant.line} {mutant.kind}: {mutant.before} -> {mutant.after}"
            print(f"{number}/{len(todo)} {line}: {kept['killed'].get(key, 'SURVIVED')}", flush=True)
            if key not in kept["killed"]:
                survivors.append(f"{line}\n    {mutant.code}")
    print(f"\n{len(todo) - len(survivors)} of {len(todo)} mutants were noticed; these were not:", *survivors, sep="\n")


if __name__ == "__main__":
    main()
