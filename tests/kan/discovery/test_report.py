from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import sympy
from sklearn.metrics import r2_score, root_mean_squared_error

from edgewise._ground.errors import ConfigError
from edgewise.kan.discovery.discover import discover
from edgewise.kan.discovery.report import feature_scores, fidelity, write_report
from edgewise.kan.discovery.report_figures import course, parity, plain, typeset


class Page(HTMLParser):
    """The text of each row of each table, the text in front of tags, and every address that a page would fetch."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.fetched, self.tags, self.pre = [], [], [], []
        self.within = None  # a list to whose last entry text belongs
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "href", "action", "xlink:href")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th", "pre"):
            self.within = self.pre if tag == "pre" else self.rows[-1]
            self.within.append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.within[-1] = " ".join(self.within[-1].split())
        if tag in ("td", "th", "pre"):
            self.within = None

    def handle_data(self, data):
        if self.within is not None:
            self.within[-1] += data


@pytest.fixture(scope="module")
def found():
    x = np.random.default_rng(0).uniform(1, 3, (120, 2))
    y = x[:, 0] ** 2 - np.exp(x[:, 1])
    return discover(x, y, names=["mass (kg)", "<b>"], hidden=(), functions=["x", "x^2", "exp"], seed=0)


@pytest.fixture
def rows():
    x = np.random.default_rng(1).uniform(1, 3, (40, 2))
    return x, x[:, 0] ** 2 - np.exp(x[:, 1])


def test_the_page_says_what_was_found(found, rows, tmp_path):
    path = write_report(found, tmp_path / "report.html", *rows, target="force", title="A & B", notes=["From here."])
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert all(address.startswith("#") for address in page.fetched)  # within the page
    assert not {"script", "link", "iframe", "img", "b"} & set(page.tags)
    assert "<title>A &amp; B</title>" in text
    assert "From here." in text
    cells = {row[0]: row[1:] for row in page.rows if row}
    for name, rmse, r2 in fidelity(found, *rows):
        assert cells[name] == [f"{rmse:.3g}", f"{r2:.6f}"]
    scores = dict(feature_scores(found, rows[0]))
    assert cells["mass (kg)"][0] == f"{scores['mass (kg)']:.3f}"
    assert cells["mass (kg) → force"][0] == "x^2"
    assert cells["<b> → force"][0] == "exp"
    assert cells["<b> → force"][2].startswith("x^2 0.")
    assert text.count("<svg") == 4
    assert f"between them, at most {found.departure.between:.2g}." in text
    assert any("def formula(mass_kg, b):" in pre and "# mass_kg is 'mass (kg)'" in pre for pre in page.pre)


def test_fidelity_is_scikit_learns(found, rows):
    x, y = rows
    y = y + np.random.default_rng(2).normal(size=len(y))
    (_, rmse, r2), (_, by_network, network_r2) = fidelity(found, x, y)
    assert rmse == pytest.approx(root_mean_squared_error(y, found.formula(x)[:, 0]))
    assert r2 == pytest.approx(r2_score(y, found.formula(x)[:, 0]))
    assert by_network == pytest.approx(root_mean_squared_error(y, found.predict(x).numpy()[:, 0]))
    assert network_r2 == pytest.approx(r2_score(y, found.predict(x).numpy()[:, 0]))


def with_formula(found, expression):
    """As found, but for the formula."""
    made = replace(found.formula, expressions=(expression,))
    return replace(found, formula=made)


def test_rows_where_a_formula_is_not_defined_are_said_and_not_counted(found, rows, tmp_path):
    x, y = rows
    mass = found.formula.variables[0]
    broken = with_formula(found, sympy.log(mass - 2))
    there = x[:, 0] > 2
    (_, rmse, _), _ = fidelity(broken, x, y)
    assert rmse == pytest.approx(root_mean_squared_error(y[there], np.log(x[there, 0] - 2)))
    text = write_report(broken, tmp_path / "report.html", x, y).read_text()
    assert f"On {(~there).sum()} of the rows the formula is not defined" in text


def test_a_report_needs_one_formula(found, rows, tmp_path):
    with pytest.raises(ConfigError, match="one formula, and 0 were found"):
        write_report(replace(found, formula=None, symbolic=None), tmp_path / "report.html", *rows)
    twice = replace(found.formula, expressions=found.formula.expressions * 2)
    with pytest.raises(ConfigError, match="one formula, and 2 were found"):
        write_report(replace(found, formula=twice), tmp_path / "report.html", *rows)


def test_what_cannot_be_typeset_is_left_out():
    assert typeset(r"\begin{matrix} 1 \end{matrix}") is None


def test_dollars_in_names_are_no_formulas(rows):
    y = rows[1]
    figure = parity(y, {"formula": y, "network": y}, "a $ in $\\foo$")
    figure.canvas.draw()
    assert plain("$") == r"\$"


def test_figures_hold_the_numbers(found, rows):
    y = rows[1]
    axes = parity(y, {"formula": y + 1, "network": y + 2}, "y").axes[0]
    lines = {line.get_label(): line.get_xydata() for line in axes.get_lines()}
    np.testing.assert_array_equal(lines["formula"], np.c_[y, y + 1])
    np.testing.assert_array_equal(lines["network"], np.c_[y, y + 2])
    axes = course(found.stages).axes[0]
    drawn = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert list(drawn) == [name for name, _ in found.stages]
    for name, history in found.stages:
        np.testing.assert_array_equal(drawn[name], np.maximum(history.loss, 1e-32))
