import re
from pathlib import Path

import numpy as np
import pytest
import torch

from edgewise.cli import main
from edgewise.io import load_model


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A straight line and a square; the folder is where the command runs."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    rows = np.c_[x, np.ones(200), 3 * x[:, 0] + x[:, 1] ** 2]
    np.savetxt("data.csv", rows, delimiter=",", header="speed,height,one,y", comments="")
    return rows


@pytest.mark.slow
def test_formula_report_and_network(table, capsys):
    words = ["fit", "data.csv", "--target", "y", "--hidden", "1", "--functions", "x", "x^2", "sin", "--out", "found"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "left out, since they do not vary: one" in printed
    assert re.search(r"^y = .*height\*\*2", printed, re.MULTILINE)
    page = Path("found/report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "height**2" in page
    network = load_model("found/model.safetensors")
    with torch.no_grad():
        values = network(torch.from_numpy(table[:, :2]).to(next(network.parameters())))[:, 0]
    np.testing.assert_allclose(values.numpy(), table[:, 3], atol=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data.csv", "--target", "x"], "no column 'x'"),
        (["none.csv", "--target", "y"], "none.csv does not exist"),
        (["data.csv", "--target", "y", "--functions", "sinus"], "unknown function 'sinus'; did you mean 'sin'"),
        (["data.csv", "--target", "y", "--test", "2"], "a share of the rows"),
    ],
)
def test_mistakes_are_one_sentence(table, capsys, words, message):
    assert main(["fit", *words]) == 1
    assert message in capsys.readouterr().err
