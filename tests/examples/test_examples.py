"""Each example runs, and does what it says."""

import re
import runpy
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_a_layer_in_a_model_fits_the_surface():
    error = runpy.run_path(str(EXAMPLES / "layer_in_a_model.py"))["main"]()
    assert error < 0.05


def test_every_example_is_tested():
    from_scratch = {"kan_from_scratch.py", "all_ukan_from_scratch.py"}
    tested = from_scratch | {"burgers.py", "continual_learning.py", "layer_in_a_model.py", "poisson.py", "structure.py"}
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested


def test_the_code_in_the_readme_runs(capsys):
    pytest.importorskip("sympy")
    pytest.importorskip("timm")
    torch.manual_seed(0)
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "exp(x_2**2 + sin(pi*x_1))" in printed
    assert "bytes saved for the backward pass" in printed
