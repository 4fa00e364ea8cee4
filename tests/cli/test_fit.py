import re
from pathlib import Path

import numpy as np
import pytest
import torch

import edgewise.kan.discovery.search
from edgewise.cli import main
from edgewise.io import load_model

QUICK = ["--hidden", "1", "--functions", "x", "x^2", "--out", "found"]


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A straight line and a square; the folder is where the command runs."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    rows = np.c_[x, np.ones(200), 3 * x[:, 0] + x[:, 1] ** 2]
    np.savetxt("data.csv", rows, delimiter=",", header="speed,height,one,y", comments="")
    return rows


def test_formula_report_and_network(table, capsys):
    assert main(["fit", "data.csv", "--target", "y", *QUICK]) == 0
    ran = capsys.readouterr()
    assert ran.err == ""  # no progress where there is no terminal
    assert "Learned from 160 rows, judged on 40 held back." in ran.out
    assert "Left out, since they do not vary: one." in ran.out
    assert "y = height**2 + 3*speed\n" in ran.out
    assert re.search(r"^formula +\S+ +1\.000000$", ran.out, re.MULTILINE)
    assert re.search(r"^speed +0\.\d{3}\nheight +0\.\d{3}$", ran.out, re.MULTILINE)
    page = Path("found/report.html").read_text(encoding="utf-8")
    assert "y = height**2 + 3*speed" in page
    assert "Left out, since they do not vary: one." in page
    network = load_model("found/model.safetensors")
    with torch.no_grad():
        values = network(torch.tensor(table[:, :2]))[:, 0]
    np.testing.assert_allclose(values, table[:, 3], atol=1e-7)


@pytest.mark.slow
def test_noise_and_a_function_that_is_not_allowed(table, capsys):
    y = np.sin(6 * table[:, 0])
    np.savetxt("wave.csv", np.c_[table[:, 0], y], delimiter="\t", header="t\tu", comments="")
    assert main(["fit", "wave.csv", "--target", "u", *QUICK, "--test", "0", "--columns", "t"]) == 0
    printed = capsys.readouterr().out
    assert "Learned from and judged on 200 rows." in printed
    assert "The network knows more than the formula: allow more functions" in printed


def test_an_interrupt_keeps_the_network(table, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(edgewise.kan.discovery.search, "symbolise", stop)
    assert main(["fit", "data.csv", "--target", "y", *QUICK]) == 130
    assert (
        "interrupted before a formula was found; the network as it was: found/model.safetensors" in capsys.readouterr().out
    )
    assert not Path("found/report.html").exists()
    values = load_model("found/model.safetensors")(torch.tensor(table[:, :2]))[:, 0].detach()
    assert np.corrcoef(values, table[:, 3])[0, 1] > 0.99


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data.csv", "--target", "yy"], "data.csv has no column 'yy'; did you mean 'y'?"),
        (["data.csv", "--target", "y", "--columns", "sped"], "no column 'sped'; did you mean 'speed'?"),
        (["none.csv", "--target", "y"], "none.csv does not exist"),
        (["data.csv", "--target", "y", "--functions", "sinus"], "unknown function 'sinus'; did you mean 'sin'"),
        (["data.csv", "--target", "y", "--test", "2"], "a share of the rows"),
        (["data.csv", "--target", "y", "--test", "0.99"], "leaves 2 of 200 rows to learn from: hold back fewer"),
        (["data.csv", "--target", "y", "--grid", "0"], "at least 1"),
        (["data.csv", "--target", "y", "--hidden", "0"], "at least 1 node"),
        (["short.csv", "--target", "b"], "short.csv has 2 rows: a formula needs at least 10"),
    ],
)
def test_mistakes_are_one_sentence(table, capsys, words, message):
    Path("short.csv").write_text("a,b\n1,2\n2,3\n")
    assert main(["fit", *words]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert "unforeseen" not in error
    assert not Path("formula").exists()
