import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "structure.py"


@pytest.mark.slow
def test_the_tree_of_a_trained_network(tmp_path):
    root, error = runpy.run_path(str(EXAMPLE))["main"](frames=3, images=tmp_path)
    assert error < 1e-3
    assert str(root).split() == ["mul", "function", "add", "a", "b", "function", "add", "c", "d"]
    assert (tmp_path / "film.gif").read_bytes().startswith(b"GIF8")
    assert (tmp_path / "tree.png").stat().st_size > 5_000
