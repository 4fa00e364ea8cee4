"""Command lines nobody would write on purpose: each must end in a result or in one clear sentence."""

import contextlib
import io
import re
import warnings
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from edgewise.cli import COMMANDS, main

GARBAGE = ["", " ", "0", "-1", "1", "2", "3", "0.5", "-0.0", "nan", "inf", "-inf", "1e999", "1e-320", "None", "none",
           "True", "{}", "[]", "{", '{"a": 1}', '{"name": 3}', "null", "ü", "a b", "--", "-", "~", "/", ".", "..",
           "\t", "%s", "{0}", "9" * 30, "0x10", "1_000", "1,5", "y", "x", "a=b", "' or 1"]  # fmt: skip
COSTLY = {
    "machine",
    "epochs",
    "trials",
    "rounds",
    "points",
    "batch-size",
    "batch",
    "size",
    "images",
    "keep-every",
    "hidden",
}
"""Options whose large values are allowed and take hours, memory or devices: they get small values or wrong ones."""
BOUNDED = ["", "0", "-1", "a", "nan", "1.5", "None", "1"]
FETCHING = {"nuclei", "cifar10", "cifar100", "mnist", "fashion_mnist"}


class Scene:
    """A folder with a table, pictures and damaged files, for command lines to name."""

    def __init__(self, root: Path):
        self.root = root
        random = np.random.default_rng(0)
        x = random.uniform(-1, 1, (30, 2))
        rows = "\n".join(f"{a:.6f},{b:.6f},{a * a + b:.6f}" for a, b in x)
        self.table = self._file("table.csv", f"a,b,y\n{rows}\n".encode())
        self._file("words.csv", b"a,y\nred,1\nblue,2\n")
        self._file("noise.csv", random.bytes(200))
        self._file("nothing.csv", b"")
        self._file("cut.png", b"\x89PNG\r\n\x1a\n" + random.bytes(30))
        self._file("model.safetensors", random.bytes(64))
        self._pictures("pictures", 12, random)
        self._pictures("lonely", 1, random)  # too few to learn from, so that a line that is right ends here too
        self._file("run/config.json", b'{"recipe": {"task": "segmentation", "epochs": "many"}}')
        self._options: dict[str, list[str]] = {}

    def _pictures(self, name: str, count: int, random: np.random.Generator) -> None:
        folder = self.root / name
        (folder / "images").mkdir(parents=True)
        (folder / "masks").mkdir()
        for index in range(count):
            pixels = np.kron(random.integers(0, 256, (4, 4, 3), dtype=np.uint8), np.ones((4, 4, 1), np.uint8))
            Image.fromarray(pixels).save(folder / "images" / f"p{index:02d}.png")
            mask = np.where(pixels[..., 0] > 127, 255, 0).astype(np.uint8)
            Image.fromarray(mask).save(folder / "masks" / f"p{index:02d}.png")

    def _file(self, name: str, data: bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    @property
    def places(self) -> list[str]:
        """What a path may name: files that are right, damaged or absent, and folders."""
        names = ("table.csv", "words.csv", "noise.csv", "nothing.csv", "cut.png", "model.safetensors", "pictures", "run",
                 "pictures/images/p00.png", "absent", "absent/below.csv")  # fmt: skip
        return [str(self.root / name) for name in names]

    def options(self, *words: str) -> list[str]:
        """The options of a command, as its own help tells them."""
        key = " ".join(words)
        if key not in self._options:
            text = run([*words, "--help"])[1]
            found = sorted(set(re.findall(r"(?<![\w-])--[a-z][\w.-]*", text)))
            self._options[key] = [name for name in found if name not in ("--help", "--baseline")]
        return self._options[key]

    def lines(self) -> st.SearchStrategy[list[str]]:
        """Command lines: a beginning that is often right, and options with values that are often not."""
        return st.one_of(
            st.lists(st.sampled_from([*COMMANDS, *GARBAGE, "--version", "--help"]), max_size=4).map(_harmless),
            *(self._line(*start) for start in self._starts()),
        )

    def _starts(self) -> list[tuple[str, ...]]:
        data, lonely = str(self.root / "pictures"), str(self.root / "lonely")
        return [
            ("fit", str(self.table), "--target", "nothing"),
            ("train", "folder", "--data.root", lonely, "--run", str(self.root / "absent" / "x")),
            ("train", "busi", "--run", str(self.root / "busi")),
            ("tune", "folder", "--data.root", lonely, "--run", str(self.root / "table.csv" / "x")),
            ("evaluate", str(self.root / "run")),
            ("predict", str(self.root / "run"), "--out", str(self.root / "out")),
            ("analyze", "landscape", str(self.root / "run")),
            ("analyze", "weights", str(self.root / "run")),
            ("compare", "unet", "--runs", str(self.root / "run")),
            ("data", "folder", "--root", data),
            ("data", "busi"),
            ("demo", "--root", str(self.root / "absent"), "--out", str(self.root / "out")),
        ]

    def _line(self, *start: str) -> st.SearchStrategy[list[str]]:
        asked = start[:2] if start[0] in ("train", "tune", "analyze") else start[:1]
        names = self.options(*asked)
        if not names:
            return st.just(list(start))
        pair = st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), self._values(name)).map(list))
        few = st.lists(pair, min_size=1, max_size=3).map(lambda pairs: [word for words in pairs for word in words])
        extra = st.lists(st.sampled_from([*GARBAGE, *self.places]), max_size=1)
        return st.tuples(few, extra).map(lambda parts: [*start, *parts[0], *parts[1]])

    def _values(self, name: str) -> st.SearchStrategy[str]:
        words = set(name.removeprefix("--").split("."))
        return st.sampled_from(BOUNDED if words & COSTLY else [*GARBAGE, *self.places])


def _harmless(words: list[str]) -> list[str]:
    """Without what would train or fetch for real: a bare demo."""
    return words if words[:1] != ["demo"] else [*words, "--root", "absent"]


def run(words: list[str]) -> tuple[int, str, str]:
    """Exit code and what was said."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = main(words)
    return code, out.getvalue(), err.getvalue()


def check_line(words: list[str], folder: Path) -> None:
    """A command line, called in a folder, ends well or in a sentence; never in an error that nobody foresaw.

    Raises:
        AssertionError: It does not.
    """
    with contextlib.chdir(folder):
        code, out, err = run(words)
    said = f"edgewise {words} ended with {code}:\n{err}"
    assert code in (0, 1, 2), said
    assert "Traceback" not in err + out, said
    assert "unforeseen" not in err, said
    if code == 1:
        assert "edgewise: error: " in err, said
    if code == 2:
        assert err.strip() or out.strip(), said
