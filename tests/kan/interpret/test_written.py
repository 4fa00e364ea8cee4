"""Formulas in other languages: what is written computes what the formula does."""

import numpy as np
import pytest
import sympy
import torch

from edgewise._ground.errors import ConfigError, DataError
from edgewise.kan import kanpiler
from edgewise.kan.discovery.report_figures import typeset
from edgewise.kan.interpret import Formula

NAMES = ["mass (kg)", "mass-kg", "2nd", "lambda", "größe", "!", "numpy", "T [K]", "a^b_c~", "x'y", "{}$&#\\"]


def formula(names, factors=None):
    symbols = tuple(sympy.Symbol(name, real=True) for name in names)
    total = sum(10**i * symbol for i, symbol in enumerate(symbols))
    return Formula((total,), symbols, 0.0, 0.0, 4)


def test_the_python_function_runs_whatever_the_names():
    source = formula(NAMES).python()
    assert "def formula(mass_kg, mass_kg_2, x_2nd, lambda_, größe, x, numpy_, T_K, a_b_c, x_y, x_2):" in source
    assert "# lambda_ is 'lambda'" in source
    assert "größe is" not in source
    scope = {}
    exec(compile(source, "formula", "exec"), scope)
    assert scope["formula"](*range(11)) == sum(i * 10**i for i in range(11))


def test_an_argument_is_not_called_as_the_function_or_a_module_is():
    x = sympy.Symbol("formula", real=True)
    source = Formula((sympy.sin(x),), (x,), 0.0, 0.0, 4).python("sine")
    assert "def sine(formula):" in source
    assert "def formula(formula_):" in Formula((x,), (x,), 0.0, 0.0, 4).python()
    with pytest.raises(ConfigError, match="cannot be called 'my f'"):
        formula(["x"]).python("my f")


def test_latex_is_set_whatever_the_names():
    text = formula(NAMES).latex(["out_put"])
    assert text.startswith(r"\mathrm{out\_put} = ")
    assert r"\mathrm{\{\}\$\&\#\backslash }" in text
    assert typeset(text.replace(r"\&", "")).startswith("<svg")  # of which LaTeX has it, and mathtext not
    assert formula(["x_1", "b"]).latex() == "10 b + x_{1}"
    with pytest.raises(ConfigError, match="1 outputs need so many targets"):
        formula(["x"]).latex(["a", "b"])


def test_tables_are_read_by_name():
    pandas = pytest.importorskip("pandas")
    values = np.random.default_rng(0).normal(size=(5, 2))
    found = formula(["T [K]", "p"])
    table = pandas.DataFrame({"other": list("abcde"), "p": values[:, 1], "T [K]": values[:, 0]})
    np.testing.assert_array_equal(found(table)[:, 0], values[:, 0] + 10 * values[:, 1])
    np.testing.assert_array_equal(found(table), found(values))
    np.testing.assert_array_equal(found(pandas.DataFrame(values)), found(values))  # columns without names
    with pytest.raises(ConfigError, match=r"lacks the columns 'p': it has 'T \[K\]'"):
        found(table[["T [K]"]])
    with pytest.raises(ConfigError, match="several columns called 'p'"):
        found(table[["T [K]", "p", "p"]])
    with pytest.raises(DataError, match="the column 'p' must be numbers"):
        found(table.assign(p=table["other"]))


def test_arrays_have_the_columns_of_the_formula():
    found = formula(["a", "b"])
    assert found([[1.0, 2.0]]).tolist() == [[21.0]]
    assert found(torch.tensor([[1.0, 2.0]])).tolist() == [[21.0]]
    for rows in (np.zeros((3, 3)), torch.zeros(3, 1), 1.0):
        with pytest.raises(ConfigError, match="takes the columns a, b, in this order"):
            found(rows)


def test_a_network_keeps_the_names_of_its_inputs(tmp_path):
    from edgewise.io import load_model, save_model

    model = kanpiler("m*v^2/2", ["m", "v"])
    assert str(model.symbolic_formula()) == "m*v**2/2"
    save_model(model, tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert again.names == ["m", "v"]
    figure = again.plot(torch.rand(20, 2))
    assert [text.get_text() for text in figure.axes[0].texts if text.get_text() in ("m", "v")] == ["m", "v"]
    assert str(again.symbolic_formula(names=["a", "b"])) == "a*b**2/2"
