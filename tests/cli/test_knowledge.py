from pathlib import Path

import numpy as np
import pytest

from edgewise import ConfigError
from edgewise.cli import main
from edgewise.cli._knowledge import Behaviour, known_of
from edgewise.kan.tables import read_table


@pytest.fixture
def falls(tmp_path, monkeypatch):
    """A way from a speed and a time, and a column that does not vary."""
    monkeypatch.chdir(tmp_path)
    speed, time = np.random.default_rng(0).uniform(1, 4, (2, 120))
    way = speed * time + 4.905 * time**2 + 0.05 * np.random.default_rng(1).normal(size=120)
    np.savetxt("falls.csv", np.c_[speed, 2 * np.ones(120), time, way], delimiter=",", header="v,m,t,s", comments="")
    return Path("falls.csv")


def test_units_are_those_of_the_columns_that_vary(falls):
    data = read_table(falls, "s")
    assert known_of(data, "m/s, kg, s", "m", (), (), None, None, Behaviour()).units == ["m/s", "s"]
    with pytest.raises(ConfigError, match=r"3 columns \(v, m, t\) want 3 units, got 2 in --units 'm/s, s'"):
        known_of(data, "m/s, s", "m", (), (), None, None, Behaviour())
    assert not known_of(data, None, None, (), (), None, None, Behaviour()).is_of_form


def test_a_formula_of_the_right_unit_and_how_sure_it_is(falls, capsys):
    told = ["--units", "m/s, kg, s", "--target-unit", "m", "--constant-units", "m/s^2", "--functions", "x", "x^2", "sin"]
    told += ["--forbidden", "sin", "--max-time", "3"]
    assert main(["fit", str(falls), "--target", "s", *told]) == 0
    printed = capsys.readouterr().out
    assert "*t**2 + t*v" in printed
    assert "constants that were fitted, ± their standard errors: 4.9" in printed


def test_what_is_no_unit_is_one_sentence(falls, capsys):
    assert main(["fit", str(falls), "--target", "s", "--units", "m/s, kg, blub", "--target-unit", "m"]) == 1
    assert "'blub' is no unit that can be parsed" in capsys.readouterr().err


def test_a_form_whose_constants_have_names(falls, capsys):
    assert main(["fit", str(falls), "--target", "s", "--form", "v*t + g*t^2/2", "--max-time", "2"]) == 0
    printed = capsys.readouterr().out
    assert "standard errors: g = 9.8" in printed
    assert "*t**2 + t*v" in printed
    assert Path("formula/formula.py").exists()


def test_a_form_with_a_column_that_does_not_vary(falls, capsys):
    assert main(["fit", str(falls), "--target", "s", "--form", "m*v*t + f(t)"]) == 1
    assert "m in --form 'm*v*t + f(t)' does not vary in the table: write its value" in capsys.readouterr().err


def test_how_a_formula_behaves(falls, capsys):
    told = ["--increasing", "v", "t", "--even", "m", "--functions", "x", "x^2", "--max-time", "2"]
    assert main(["fit", str(falls), "--target", "s", *told]) == 0
    assert "*t**2 + t*v" in capsys.readouterr().out
    assert main(["fit", str(falls), "--target", "s", "--increasing", "v", "--decreasing", "v", "--overwrite"]) == 1
    assert "what rises and falls with v does not depend on it: tell one of the two" in capsys.readouterr().err
    assert main(["fit", str(falls), "--target", "s", "--odd", "q", "--overwrite"]) == 1
    assert "unknown column 'q'" in capsys.readouterr().err
