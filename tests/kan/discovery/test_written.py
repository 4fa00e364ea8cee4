"""What is written of a formula says what the network computes, and needs no edgewise to be read."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from edgewise.io import load_model
from edgewise.kan.discovery import discover
from edgewise.kan.discovery.folder import FitFolder
from edgewise.kan.discovery.report_figures import front_figure, typeset
from edgewise.kan.tables import DataTable, Reading

ROWS = np.random.default_rng(0).uniform(0.5, 2, (120, 2))
NAMES = ("T [K]", "lambda")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A formula with a function, and the folder that it was written to."""
    y = 0.29057 * ROWS[:, 0] ** 2 + ROWS[:, 1] + 0.01 * np.random.default_rng(1).normal(size=120)
    found = discover(ROWS, y, names=NAMES, functions=["x", "x^2"], max_time=1, seed=0)
    folder = FitFolder(tmp_path_factory.mktemp("found"))
    folder.write(found, ROWS, DataTable(ROWS, y, "p_out", Reading(NAMES), (), ()))
    return found, folder


def test_the_module_runs_without_edgewise_and_gives_what_the_network_gives(kept):
    _, folder = kept
    code = "\n".join(
        [
            "import json, sys",
            "import numpy",
            "from formula import formula",
            "assert not {'torch', 'sympy', 'edgewise', 'scipy'} & set(sys.modules)",
            "rows = numpy.array(json.load(sys.stdin))",
            "print(json.dumps(formula(T_K=rows[:, 0], lambda_=rows[:, 1]).tolist()))",
        ]
    )
    told = json.dumps(ROWS.tolist())
    words = [sys.executable, "-c", code]
    ran = subprocess.run(words, input=told, cwd=folder.path, capture_output=True, text=True, env={}, check=True)
    given = np.array(json.loads(ran.stdout))
    wanted = load_model(folder.model)(torch.tensor(ROWS))[:, 0].detach().numpy()
    np.testing.assert_allclose(given, wanted, atol=1e-9)


def test_the_text_holds_the_formula_what_it_takes_and_the_front(kept):
    found, folder = kept
    first, *lines = folder.formulas["txt"].read_text(encoding="utf-8").splitlines()
    assert first == f"p_out = {found.formula}"
    low, high = ROWS[:, 0].min(), ROWS[:, 0].max()
    assert f"T [K]: from {low:g} to {high:g} in the rows learned from" in lines
    assert sum("  * " in line for line in lines) == 1
    for member in found.front:
        mark = "* " if member is found.chosen else ""
        assert any(line.split() == f"{member.length} {member.error:.2g} {mark}{member}".split() for line in lines)


def test_the_equation_can_be_typeset(kept):
    found, folder = kept
    begin, equation, end = folder.formulas["tex"].read_text(encoding="utf-8").splitlines()
    assert (begin, end) == (r"\begin{equation}", r"\end{equation}")
    assert equation.strip() == found.formula.latex(["p_out"])
    assert typeset(equation.strip()).startswith("<svg")


def test_the_figure_of_a_front_marks_the_choice(kept):
    found, _ = kept
    drawn, chosen = front_figure(found.front, found.chosen).axes[0].get_lines()
    np.testing.assert_array_equal(drawn.get_xydata(), [(m.length, m.error) for m in found.front])
    assert chosen.get_label() == "chosen"
    np.testing.assert_array_equal(chosen.get_xydata(), [(found.chosen.length, found.chosen.error)])


@pytest.mark.parametrize("constant", [1.380649e-23, 6.02214076e23])
def test_constants_of_any_size_are_written(constant):
    found = discover(ROWS, constant * ROWS[:, 0] * ROWS[:, 1], max_time=5)
    new = np.random.default_rng(2).uniform(0.5, 2, (50, 2))
    np.testing.assert_allclose(found.formula(new)[:, 0], constant * new[:, 0] * new[:, 1], rtol=1e-6)
    assert len(str(found.formula)) < 30  # as it is said, not with all digits that a float has
