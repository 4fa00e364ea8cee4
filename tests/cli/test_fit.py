import csv
import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

import edgewise.kan.discovery.search
from edgewise._ground.errors import EdgewiseWarning
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


def test_a_front_is_printed_and_its_choice_marked(table, capsys):
    assert main(["fit", "data.csv", "--target", "y", "--out", "found", "--max-time", "60"]) == 0
    printed = capsys.readouterr().out
    assert len(re.findall(r"^ *\d+ .* \* height\*\*2 \+ 3\*speed$", printed, re.MULTILINE)) == 1
    assert "* chosen: the formula with the least N log(mean square)" in printed
    assert "y = height**2 + 3*speed\n" in printed
    assert "Formulas to choose from" in Path("found/report.html").read_text(encoding="utf-8")
    with torch.no_grad():
        values = load_model("found/model.safetensors")(torch.tensor(table[:, :2]))[:, 0]
    np.testing.assert_allclose(values, table[:, 3], atol=1e-9)
    assert main(["fit", "data.csv", "--target", "y", "--max-time", "0"]) == 1
    assert "max_time is a positive number of seconds, got 0" in capsys.readouterr().err


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


def test_the_second_day(table, capsys):
    """New rows, in another order and with other columns, are answered from the folder alone."""
    assert main(["fit", "data.csv", "--target", "y", *QUICK]) == 0
    assert "edgewise predict found NEW.csv --out DIR" in capsys.readouterr().out
    Path("data.csv").unlink()
    new = np.random.default_rng(1).uniform(-0.9, 0.9, (30, 2))
    lines = [f"{height!r};sample {n};{speed!r}" for n, (speed, height) in enumerate(new.tolist())]
    Path("new.csv").write_text("\n".join(["height;name;speed", *lines]).replace(".", ","))
    assert main(["predict", "found", "new.csv", "--out", "answers"]) == 0
    expected = 3 * new[:, 0] + new[:, 1] ** 2
    with Path("answers/predictions.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == ["height", "name", "speed", "y"]
    assert [row[1] for row in rows] == [f"sample {n}" for n in range(30)]
    np.testing.assert_allclose([float(row[3]) for row in rows], expected, atol=1e-6)
    facts = json.loads(Path("found/fit.json").read_text())
    assert (facts["target"], list(facts["columns"]), facts["formula"]) == ("y", ["speed", "height"], "height**2 + 3*speed")
    formula = runpy.run_path("found/formula.py")["formula"]
    np.testing.assert_allclose(formula(**dict(zip(("speed", "height"), new.T, strict=True))), expected, atol=1e-6)
    again = load_model("found/model.safetensors").symbolic_formula(names=list(facts["columns"]))
    assert str(again) == facts["formula"]


def test_a_formula_in_large_units_is_read_without_the_old_rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).uniform([200, 1e5], [400, 3e5], (200, 2))
    rows = np.c_[x, 5 * np.log(x[:, 0]) + (x[:, 1] / 1e5) ** 2]
    np.savetxt("gas.csv", rows, delimiter=",", header="T [K],p,s", comments="")
    words = ["--hidden", "1", "--functions", "x", "x^2", "log"]
    assert main(["fit", "gas.csv", "--target", "s", *words, "--out", "gas"]) == 0
    facts, network = json.loads(Path("gas/fit.json").read_text()), load_model("gas/model.safetensors")
    found = network.symbolic_formula(names=list(facts["columns"]))
    assert str(found) == facts["formula"]
    np.testing.assert_allclose(np.ravel(found(x)), network(torch.tensor(x))[:, 0].detach(), rtol=1e-5)


def test_rows_beyond_and_rows_that_are_none(table, capsys):
    assert main(["fit", "data.csv", "--target", "y", *QUICK]) == 0
    Path("far.csv").write_text("speed,height\n0,0\n9,0\n")
    told = r"1 of 2 rows of far\.csv lie beyond .* most in 'speed', which was from -0\.9.* to 0\.9"
    with pytest.warns(EdgewiseWarning, match=told):
        assert main(["predict", "found", "far.csv", "--out", "a"]) == 0
    Path("gaps.csv").write_text("speed,height\n0,\nx,0\n1,1\n")
    Path("short.csv").write_text("speed,hight\n0,0\n")
    capsys.readouterr()
    for words, message in (
        (["gaps.csv"], "in column 'speed', which is no finite number; of such cells there are 1 in 'speed', 1 in 'height'"),
        (["short.csv"], "short.csv has no column 'height': the network takes 'speed', 'height', and the file has"),
        (["far.csv", "far.csv"], "takes one table, got 2 files"),
        ([], "takes one table, got 0 files"),
    ):
        assert main(["predict", "found", *words, "--out", "b"]) == 1
        assert message in capsys.readouterr().err
    assert not Path("b").exists()
