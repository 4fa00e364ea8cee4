"""All code of the pages runs, block after block, as a reader would paste it."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from edgewise._ground.quiet import quiet
from edgewise.models.registry import MODELS
from edgewise.vision.data import DATASETS, ArrayPictures, ClassificationSet

ROOT = Path(__file__).parents[1]
ELSEWHERE = {  # with what the page says of its numbers
    "README.md": "examples/test_examples.py",
    "docs/export.md": "export/test_pages.py",
    "docs/kanify.md": "export/test_pages.py",
    "docs/physics.md": "examples/test_physics_examples.py",
    "docs/vision.md": "models/test_vision_page.py",
}
SHORTER = {"docs/attention.md": {"epochs=4": "epochs=1"}, "docs/tuning.md": {"trials=30": "trials=3"}}
"""What would take hours, and by what it is replaced."""
NEEDS = {
    "docs/analysis.md": ["timm", "matplotlib"],
    "docs/attention.md": ["timm", "lightning"],
    "docs/tuning.md": ["optuna", "lightning", "matplotlib"],
    "docs/volumes.md": ["nibabel", "pydicom", "lightning", "monai"],
    "docs/science.md": ["sympy", "matplotlib", "sklearn", "pandas"],
}


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


PAGES = [str(path.relative_to(ROOT)) for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))]
HERE = [page for page in PAGES if blocks(page) and page not in ELSEWHERE]


def few(channels: int, side: int) -> ClassificationSet:
    """Ten classes of ten random pictures, eight for training and two for test."""
    pixels = np.random.default_rng(0).integers(0, 256, (100, side, side, channels), dtype=np.uint8)
    labels, sides = np.arange(100) % 10, np.where(np.arange(100) < 80, 0, 2).astype(np.uint8)
    return ClassificationSet("few", ArrayPictures(pixels), labels, tuple("0123456789"), channels, sides)


@pytest.fixture
def nothing_is_downloaded(monkeypatch):
    """The datasets that pages name are a few random pictures, and the models that pages register are taken out again."""
    for name, shape in {"mnist": (1, 28), "cifar10": (3, 32)}.items():
        monkeypatch.setitem(DATASETS._makers, name, lambda root=None, shape=shape: few(*shape))
    before = set(MODELS)
    yield
    for name in set(MODELS) - before:
        MODELS.unregister(name)


@pytest.mark.slow
@pytest.mark.parametrize("page", HERE)
def test_the_code_of_the_page_runs(page, nothing_is_downloaded, tmp_path, monkeypatch):
    for module in NEEDS.get(page, ()):
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    found: dict = {"__name__": "page"}
    with quiet("is experimental"):
        for block in blocks(page):
            for long, short in SHORTER.get(page, {}).items():
                block = block.replace(long, short)
            exec(compile(block, page, "exec"), found)


def test_the_first_layers_of_the_readme_see_their_inputs_inside_their_domains():
    found: dict = {}
    exec(compile(blocks("README.md")[0], "README.md", "exec"), found)
    x, seen = torch.randn(64, 3, 32, 32), 0
    for layer in found["model"]:
        if hasattr(layer, "fraction_outside"):
            assert layer.fraction_outside(x) < 0.01, layer
            seen += 1
        x = layer(x)
    assert seen == 3


def test_no_page_with_code_is_left_out():
    assert {page for page in PAGES if blocks(page)} == {*HERE, *ELSEWHERE}
    assert all((ROOT / "tests" / test).exists() for test in ELSEWHERE.values())
    assert set(SHORTER) | set(NEEDS) <= set(HERE)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_a_target_that_sets_itself_up_says_what_it_does(target):
    """Not a word for minutes looks as if it hung."""
    asked = subprocess.run(
        ["make", "--dry-run", "--always-make", target], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    (install,) = (line for line in asked if "--editable" in line)
    assert "--quiet" not in install
    first = next(number for number, line in enumerate(asked) if "echo" in line)
    assert first < asked.index(install)
