import csv
import io
import json
import re
import runpy
import shutil
from contextlib import redirect_stderr, redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sympy
import torch

from edgewise._ground.errors import EdgewiseWarning
from edgewise.cli import main
from edgewise.cli.fit import _print_front
from edgewise.io import load_model
from edgewise.kan.discovery import report, search
from edgewise.kan.discovery.front import Member
from edgewise.kan.forms.search import Search
from edgewise.kan.interpret import Formula

QUICK = ["--functions", "x", "x^2", "--max-time", "20", "--out", "found"]
ROWS = np.random.default_rng(0).uniform(-1, 1, (200, 2))
TARGET = 3 * ROWS[:, 0] + ROWS[:, 1] ** 2


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A straight line and a square; the folder is where the command runs."""
    monkeypatch.chdir(tmp_path)
    rows = np.c_[ROWS, np.ones(200), TARGET]
    np.savetxt("data.csv", rows, delimiter=",", header="speed,height,one,y", comments="")
    return rows


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """The folder in which a fit was made once, and all that was printed."""
    root, printed, told = tmp_path_factory.mktemp("day"), io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(told):
        patch.chdir(root)
        rows = np.c_[ROWS, np.ones(200), TARGET]
        np.savetxt("data.csv", rows, delimiter=",", header="speed,height,one,y", comments="")
        assert main(["fit", "data.csv", "--target", "y", *QUICK]) == 0
    Path(root, "data.csv").unlink()
    return root, printed.getvalue(), told.getvalue()


@pytest.fixture
def second_day(fitted, tmp_path, monkeypatch):
    """The folder of that fit, and nothing else, where the command runs."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(fitted[0] / "found", "found")
    return fitted


def test_formula_report_and_network(second_day):
    _, printed, told = second_day
    assert told == ""  # no progress where there is no terminal
    assert "Learned from 160 rows, judged on 40 held back." in printed
    assert "Left out, since they do not vary: one." in printed
    assert "y = height**2 + 3*speed\n" in printed
    assert re.search(r"^formula +\S+ +1\.000000$", printed, re.MULTILINE)
    assert re.search(r"^speed +0\.\d{3}\nheight +0\.\d{3}$", printed, re.MULTILINE)
    assert "edgewise predict found NEW.csv --out DIR" in printed
    page = Path("found/report.html").read_text(encoding="utf-8")
    assert "y = height**2 + 3*speed" in page
    assert "Left out, since they do not vary: one." in page
    assert Path("found/formula.txt").read_text().startswith("y = height**2 + 3*speed\n")
    network = load_model("found/model.safetensors")
    with torch.no_grad():
        values = network(torch.tensor(ROWS))[:, 0]
    np.testing.assert_allclose(values, TARGET, atol=1e-7)


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


def test_a_fit_is_not_written_over_unasked(second_day, capsys):
    before = Path("found/fit.json").read_bytes()
    np.savetxt("other.csv", np.c_[ROWS, TARGET], delimiter=",", header="a,b,z", comments="")
    words = ["fit", "other.csv", "--target", "z", "--out", "found", "--functions", "x", "x^2", "--max-time", "2"]
    assert main(words) == 1
    assert capsys.readouterr().err == (
        "edgewise: error: found holds a fit already: choose another folder with --out, or replace it with --overwrite\n"
    )
    assert Path("found/fit.json").read_bytes() == before
    assert main([*words, "--overwrite"]) == 0
    assert json.loads(Path("found/fit.json").read_text())["target"] == "z"
    assert Path("found/formula.txt").read_text().startswith("z = ")


@pytest.mark.parametrize(("errors", "is_told"), [((0.1, 0.5), True), ((0.1, 0.15), False), ((1e-16, 1e-14), False)])
def test_a_choice_that_does_worse_on_rows_held_back_is_told(capsys, errors, is_told):
    formulas = [Formula((sympy.Symbol(name),), (), 0.0, 0.0, 2) for name in ("short", "long")]
    front = [Member(formula, 1, error, 0.0, 0.0, (), 0.0) for formula, error in zip(formulas, errors, strict=True)]
    _print_front(SimpleNamespace(front=front, chosen=front[1]))
    told = "Beware: on the rows held back short has an error of 0.1, and the chosen formula 0.5"
    assert (told in capsys.readouterr().out) == is_told


def test_a_formula_that_knows_less_than_the_network(table, capsys, monkeypatch):
    monkeypatch.setattr(report, "fidelity", lambda *_: [("formula", 0.3, 0.9), ("network", 0.1, 0.99)])
    np.savetxt("wave.csv", table[:, [0, 3]], delimiter="\t", header="t\tu", comments="")
    assert main(["fit", "wave.csv", "--target", "u", *QUICK[:3], "--max-time", "1", "--test", "0", "--columns", "t"]) == 0
    printed = capsys.readouterr().out
    assert "Learned from and judged on 200 rows." in printed
    assert "The search was ended early: time is up." in printed
    assert "The network knows more than the formula: allow more functions" in printed


def test_an_interrupt_keeps_the_network(table, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    quick = {"steps": 20, "starts": 1}
    monkeypatch.setattr(search, "fit", lambda *given, fit=search.fit, **options: fit(*given, **options | quick))
    monkeypatch.setattr(search, "prune", stop)
    np.savetxt("few.csv", table[:40, [0, 1, 3]], delimiter=",", header="a,b,y", comments="")
    assert main(["fit", "few.csv", "--target", "y", *QUICK, "--hidden", "1"]) == 130
    told = "before a formula was found; the network as it was: found/model.safetensors"
    assert told in capsys.readouterr().out
    assert not Path("found/report.html").exists()
    assert not Path("found/formula.txt").exists()
    values = load_model("found/model.safetensors")(torch.tensor(table[:, :2]))[:, 0].detach()
    assert np.corrcoef(values, table[:, 3])[0, 1] > 0.99


def test_an_interrupt_keeps_the_best_formula(table, capsys, monkeypatch):
    look = Search.look

    def stop(*given):
        look(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(Search, "look", stop)
    np.savetxt("noisy.csv", np.c_[ROWS, TARGET + 0.1 * ROWS[::-1, 0]], delimiter=",", header="a,b,y", comments="")
    assert main(["fit", "noisy.csv", "--target", "y", "--functions", "x", "x^2", "--out", "found"]) == 0
    assert "The search was ended early: interrupted." in capsys.readouterr().out
    assert Path("found/formula.txt").read_text().startswith("y = ")
    assert main(["predict", "found", "noisy.csv", "--out", "p.csv"]) == 0
    told = np.loadtxt("p.csv", delimiter=",", skiprows=1)
    assert np.std(told[:, 3] - told[:, 2]) < 0.15


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data.csv", "--target", "yy"], "data.csv has no column 'yy'; did you mean 'y'?"),
        (["data.csv", "--target", "y", "--columns", "sped"], "no column 'sped'; did you mean 'speed'?"),
        (["none.csv", "--target", "y"], "none.csv does not exist"),
        (["data.csv", "--target", "y", "--out", "short.csv"], "short.csv is a file, and a fit is written to a folder"),
        (["data.csv", "--target", "y", "--out", "short.csv/a"], "short.csv is a file, and a fit is written to a folder"),
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


def test_the_second_day(second_day, capsys):
    """New rows, in another order and with other columns, are answered from the folder alone."""
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


def test_a_workbook_on_the_second_day(second_day):
    pandas, _ = pytest.importorskip("pandas"), pytest.importorskip("openpyxl")
    pandas.DataFrame({"speed": [0.5, 0.25], "who": ["a", None], "height": [0.5, 0.0]}).to_excel("new.xlsx", index=False)
    assert main(["predict", "found", "new.xlsx", "--out", "deep/answers.csv"]) == 0
    answers = pandas.read_csv("deep/answers.csv")
    assert list(answers) == ["speed", "who", "height", "y"]
    np.testing.assert_allclose(answers["y"], [1.75, 0.75], atol=1e-6)


def german(number):
    return str(number).replace(".", ",")


def test_dates_and_gaps_of_the_first_day_and_of_the_second(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    a, start = np.random.default_rng(0).uniform(-1, 1, 60), date(2024, 3, 1)
    lines = [f"{start + timedelta(n):%d.%m.%Y};{german(x)};{german(0.5 * n + x)}" for n, x in enumerate(a)]
    Path("data.csv").write_text("\n".join(["day;a;y", *lines, "15.03.2024;;7"]))
    words = ["fit", "data.csv", "--target", "y", "--functions", "x", "--max-time", "2"]
    assert main(words) == 1
    assert "line 62 of data.csv holds '' in column 'a', which is no number" in capsys.readouterr().err
    assert main([*words, "--drop-missing", "--impute"]) == 1
    assert "two ways of treating missing cells: choose one" in capsys.readouterr().err
    for way, answer in (("impute", 5.0 + np.median(a)), ("drop-missing", None)):
        assert main([*words, f"--{way}", "--out", way]) == 0
        printed = capsys.readouterr().out
        assert "'day' is read as days since 2024-03-01." in printed
        assert "Its numbers are read with decimal commas." in printed
        told = Path(way, "formula.txt").read_text()
        assert re.search(r"^day: days since 2024-03-01, from 0 to \d+ in the rows", told, re.MULTILINE)
        assert "days since 2024-03-01" in Path(way, "formula.py").read_text()
        Path("new.csv").write_text("a,day\n0.5,2024-03-11\n,11.03.2024\n")
        if answer is None:
            with pytest.warns(EdgewiseWarning, match=r"1 of 2 rows of new\.csv have missing cells and get no prediction"):
                assert main(["predict", way, "new.csv", "--out", way]) == 0
        else:
            assert main(["predict", way, "new.csv", "--out", way]) == 0
        first, second = (line.split(",")[2] for line in Path(way, "predictions.csv").read_text().splitlines()[1:])
        assert float(first) == pytest.approx(5.5, abs=1e-3 if answer is None else 0.2)
        assert second == "" if answer is None else float(second) == pytest.approx(answer, abs=0.2)


def test_rows_beyond_and_rows_that_are_none(second_day, capsys):
    Path("far.csv").write_text("speed,height\n0,0\n9,0\n")
    told = r"1 of 2 rows of far\.csv lie beyond .* most in 'speed', which was from -0\.9.* to 0\.9"
    with pytest.warns(EdgewiseWarning, match=told):
        assert main(["predict", "found", "far.csv", "--out", "a"]) == 0
    Path("gaps.csv").write_text("speed,height\n0,y\nx,0\n1,1\n")
    Path("holes.csv").write_text("speed,height\n0,\n1,1\n")
    Path("short.csv").write_text("speed,hight\n0,0\n")
    capsys.readouterr()
    for words, message in (
        (["gaps.csv"], "in column 'speed', which is no finite number; of such cells there are 1 in 'speed', 1 in 'height'"),
        (["holes.csv"], "drop this line, or fit with --drop-missing or --impute, which predictions follow"),
        (["short.csv"], "short.csv has no column 'height': the network takes 'speed', 'height', and the file has"),
        (["far.csv", "far.csv"], "takes one table, got 2 files"),
        ([], "takes one table, got 0 files"),
    ):
        assert main(["predict", "found", *words, "--out", "b"]) == 1
        assert message in capsys.readouterr().err
    assert not Path("b").exists()
    Path("folder.csv").mkdir()
    for out, message in (
        ("far.csv/below", "cannot make the folder far.csv/below, since far.csv is a file: choose another name"),
        ("gaps", "cannot make the folder gaps, since gaps is a file: choose another name"),
        ("folder.csv", "folder.csv is a folder, and predictions are written to a file of that name: choose another"),
    ):
        Path("gaps").touch()
        assert main(["predict", "found", "far.csv", "--out", out]) == 1
        assert message in capsys.readouterr().err
